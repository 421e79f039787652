//! A residual and LayerNorm without a linear layer.

use super::norm::LayerNorm;
use crate::kernels::isa::Kernel;

/// `x = LayerNorm(a + residual)`, and the quantized form of x if the norm has a quantizer.
#[derive(Debug, Clone, PartialEq)]
pub struct SumNorm {
    kernel: Kernel,
    norm: LayerNorm,
}

impl SumNorm {
    /// Returns the layer, whose quantized rows `kernel` reads.
    pub fn new(kernel: Kernel, norm: LayerNorm) -> Self {
        SumNorm { kernel, norm }
    }

    /// Returns the kernel that reads the quantized rows.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Returns the norm.
    pub fn norm(&self) -> &LayerNorm {
        &self.norm
    }

    /// Runs on the FP32 rows of `a` and of `residual`. Writes x to `out` and, if the norm quantizes, its encoded form to
    /// `quantized`, which is otherwise empty.
    ///
    /// # Panics
    /// If the slices differ in their number of rows, or hold part of a row.
    pub fn run(&self, a: &[f32], residual: &[f32], out: &mut [f32], quantized: &mut [u8]) {
        let encoded = self.norm.encoded_len(a.len(), self.kernel.encoded_width());
        let rows = a.len().is_multiple_of(self.norm.features()) && residual.len() == a.len() && out.len() == a.len();
        assert!(rows && quantized.len() == encoded, "slices have the same rows");
        out.copy_from_slice(a);
        self.norm.run(self.kernel, out, Some(residual), quantized);
    }
}
