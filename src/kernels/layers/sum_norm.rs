//! A residual and its LayerNorm, without a linear layer.

use super::norm::LayerNorm;
use crate::kernels::isa::{Dot, Kernel, Task};

/// `x = LayerNorm(a + residual)`, and x quantized for the next product where the norm does so.
#[derive(Debug, Clone, PartialEq)]
pub struct SumNorm {
    kernel: Kernel,
    norm: LayerNorm,
}

impl SumNorm {
    /// Puts the two together.
    pub fn new(kernel: Kernel, norm: LayerNorm) -> Self {
        SumNorm { kernel, norm }
    }

    /// The kernel whose encoded form comes out.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The norm, which may quantize the result.
    pub fn norm(&self) -> &LayerNorm {
        &self.norm
    }

    /// Runs on the FP32 rows of `a` and of `residual`; writes x to `out` and, where it is quantized, its encoded form to
    /// `quantized`.
    ///
    /// # Panics
    /// If the slices differ in their number of rows.
    pub fn run(&self, a: &[f32], residual: &[f32], out: &mut [f32], quantized: &mut [u8]) {
        struct Run<'a> {
            layer: &'a SumNorm,
            a: &'a [f32],
            residual: &'a [f32],
            out: &'a mut [f32],
            quantized: &'a mut [u8],
        }
        impl Task for Run<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Run { layer, a, residual, out, quantized } = self;
                out.copy_from_slice(a);
                layer.norm.rows(dot, out, Some(residual), quantized);
            }
        }
        let stored = self.norm.encoded_len(a.len(), self.kernel.encoded_width());
        let rows = a.len().is_multiple_of(self.norm.features()) && residual.len() == a.len() && out.len() == a.len();
        assert!(rows && quantized.len() == stored, "rows of one number");
        self.kernel.run(Run { layer: self, a, residual, out, quantized });
    }
}
