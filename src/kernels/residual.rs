//! A linear layer, its residual and its LayerNorm.

use super::dispatch::Task;
use super::dot::Dot;
use super::linear::{Linear, PutRows};
use super::pack::PANEL;
use super::quantizer::Quantizer;
use super::rows::LayerNorm;

/// `x = LayerNorm(linear(a) + residual)`, and x quantized for the next product.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualNorm {
    linear: Linear,
    norm: LayerNorm,
    output: Option<Quantizer>,
}

impl ResidualNorm {
    /// Puts the three together; without `output` nothing is quantized.
    ///
    /// # Panics
    /// If the layer, the norm and what is quantized differ in features.
    pub fn new(linear: Linear, norm: LayerNorm, output: Option<Quantizer>) -> Self {
        assert_eq!(linear.outputs(), norm.features(), "the norm is over the layer's outputs");
        assert!(output.as_ref().is_none_or(|q| q.features() == norm.features()), "the norm's features are quantized");
        ResidualNorm { linear, norm, output }
    }

    /// The linear layer.
    pub fn linear(&self) -> &Linear {
        &self.linear
    }

    /// Whether the result is quantized too.
    pub fn quantizes(&self) -> bool {
        self.output.is_some()
    }

    /// Runs on the rows of `a` (stored form) and of `residual` (FP32); writes x to `out` and, where it is quantized, its
    /// stored form to `quantized`.
    ///
    /// # Panics
    /// If the slices differ in their number of rows.
    pub fn run(&self, a: &[u8], residual: &[f32], out: &mut [f32], quantized: &mut [u8]) {
        struct Run<'a> {
            layer: &'a ResidualNorm,
            a: &'a [u8],
            residual: &'a [f32],
            out: &'a mut [f32],
            quantized: &'a mut [u8],
        }
        impl Task for Run<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Run { layer, a, residual, out, quantized } = self;
                let panels = layer.linear.outputs() / PANEL;
                let put = &mut PutRows { l: dot.lanes(), groups: panels, activation: None, out: out.as_chunks_mut().0 };
                layer.linear.values(dot, a, 0..panels, put);
                let quantized = layer.output.as_ref().map(|quantizer| (quantizer, quantized));
                // Here the rows of the residual are read in order.
                layer.norm.rows(dot, out, Some(residual), quantized);
            }
        }
        let rows = a.len() / self.linear.input_bytes();
        let values = rows * self.linear.outputs();
        let stored = if self.quantizes() { values * self.linear.kernel().width() } else { 0 };
        assert!(residual.len() == values && out.len() == values && quantized.len() == stored, "rows of one number");
        self.linear.kernel().run(Run { layer: self, a, residual, out, quantized });
    }
}
