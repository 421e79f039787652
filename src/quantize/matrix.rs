//! FP32 products of row-major matrices.

use ndarray::ArrayView2;

/// Views row-major `values` as a matrix with `columns` columns.
///
/// # Panics
/// If the number of values is not a multiple of `columns`.
pub fn matrix(values: &[f32], columns: usize) -> ArrayView2<'_, f32> {
    let rows = values.len() / columns;
    ArrayView2::from_shape((rows, columns), values).expect("values fill whole rows")
}

/// `x · wᵀ` `[rows, out]` of x `[rows, in]` and w `[out, in]`, all row-major. `inputs` is the number of columns of both.
pub fn matmul_transposed(x: &[f32], w: &[f32], inputs: usize) -> Vec<f32> {
    let y = matrix(x, inputs).dot(&matrix(w, inputs).t());
    // ndarray may return the product in column-major order.
    y.iter().copied().collect()
}
