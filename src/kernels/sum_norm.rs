//! A residual and its LayerNorm, without a linear layer.

use super::dispatch::{Kernel, Task};
use super::dot::Dot;
use super::quantizer::Quantizer;
use super::rows::LayerNorm;

/// `x = LayerNorm(a + residual)`, and x quantized for the next product.
#[derive(Debug, Clone, PartialEq)]
pub struct SumNorm {
    kernel: Kernel,
    norm: LayerNorm,
    output: Option<Quantizer>,
}

impl SumNorm {
    /// Puts the two together; without `output` nothing is quantized.
    ///
    /// # Panics
    /// If the norm and what is quantized differ in features.
    pub fn new(kernel: Kernel, norm: LayerNorm, output: Option<Quantizer>) -> Self {
        assert!(output.as_ref().is_none_or(|q| q.features() == norm.features()), "the norm's features are quantized");
        SumNorm { kernel, norm, output }
    }

    /// The kernel whose stored form comes out.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Features of a row.
    pub fn features(&self) -> usize {
        self.norm.features()
    }

    /// Whether the result is quantized too.
    pub fn quantizes(&self) -> bool {
        self.output.is_some()
    }

    /// Runs on the FP32 rows of `a` and of `residual`; writes x to `out` and, where it is quantized, its stored form to
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
                let quantized = layer.output.as_ref().map(|quantizer| (quantizer, quantized));
                layer.norm.rows(dot, out, Some(residual), quantized);
            }
        }
        let stored = if self.quantizes() { a.len() * self.kernel.width() } else { 0 };
        let rows = a.len().is_multiple_of(self.features()) && residual.len() == a.len() && out.len() == a.len();
        assert!(rows && quantized.len() == stored, "rows of one number");
        self.kernel.run(Run { layer: self, a, residual, out, quantized });
    }
}
