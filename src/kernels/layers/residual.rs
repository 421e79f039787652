//! A linear layer, its residual and its LayerNorm.

use super::linear::{Linear, WriteRows};
use super::norm::LayerNorm;
use crate::kernels::isa::{Dot, PANEL, Task};

/// `x = LayerNorm(linear(a) + residual)`, and x quantized for the next product where the norm does so.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualNorm {
    linear: Linear,
    norm: LayerNorm,
}

impl ResidualNorm {
    /// Puts the two together.
    ///
    /// # Panics
    /// If they differ in features.
    pub fn new(linear: Linear, norm: LayerNorm) -> Self {
        assert_eq!(linear.outputs(), norm.features(), "the norm is over the layer's outputs");
        ResidualNorm { linear, norm }
    }

    /// The linear layer.
    pub fn linear(&self) -> &Linear {
        &self.linear
    }

    /// The norm, which may quantize the result.
    pub fn norm(&self) -> &LayerNorm {
        &self.norm
    }

    /// Runs on the rows of `a` (encoded form) and of `residual` (FP32); writes x to `out` and, where it is quantized, its
    /// encoded form to `quantized`.
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
                let put =
                    &mut WriteRows { l: dot.lanes(), groups: panels, activation: None, out: out.as_chunks_mut().0 };
                layer.linear.values(dot, a, 0..panels, put);
                // Here the rows of the residual are read in order.
                layer.norm.rows(dot, out, Some(residual), quantized);
            }
        }
        let rows = a.len() / self.linear.input_bytes();
        let values = rows * self.linear.outputs();
        let stored = self.norm.encoded_len(values, self.linear.kernel().encoded_width());
        assert!(residual.len() == values && out.len() == values && quantized.len() == stored, "rows of one number");
        self.linear.kernel().run(Run { layer: self, a, residual, out, quantized });
    }
}
