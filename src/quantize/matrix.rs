//! FP32 products of row-major matrices, with the same bits on every machine.

use crate::kernels::{FloatColumns, Kernel};

/// `x · wᵀ` `[rows, out]` of x `[rows, in]` and w `[out, in]`, all row-major. `inputs` is the number of columns of both.
pub fn matmul_transposed(x: &[f32], w: &[f32], inputs: usize) -> Vec<f32> {
    FloatColumns::new(Kernel::detect(), inputs, w.len() / inputs, |k, n| w[n * inputs + k]).multiply(x)
}
