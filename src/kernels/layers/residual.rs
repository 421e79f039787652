//! A linear layer followed by a residual and LayerNorm.

use super::linear::Linear;
use super::norm::LayerNorm;

/// `x = LayerNorm(linear(a) + residual)`, and the quantized form of x if the norm has a quantizer.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualNorm {
    linear: Linear,
    norm: LayerNorm,
}

impl ResidualNorm {
    /// Returns the combined layer.
    ///
    /// # Panics
    /// If the outputs of `linear` are not the features of `norm`.
    pub fn new(linear: Linear, norm: LayerNorm) -> Self {
        assert_eq!(linear.outputs(), norm.features(), "the norm is over the layer's outputs");
        ResidualNorm { linear, norm }
    }

    /// Returns the linear layer.
    pub fn linear(&self) -> &Linear {
        &self.linear
    }

    /// Returns the norm.
    pub fn norm(&self) -> &LayerNorm {
        &self.norm
    }

    /// Runs on the encoded rows of `a` and the FP32 rows of `residual`. Writes x to `out` and, if the norm quantizes, its encoded
    /// form to `quantized`, which is otherwise empty.
    ///
    /// # Panics
    /// If the slices differ in their number of rows.
    pub fn run(&self, a: &[u8], residual: &[f32], out: &mut [f32], quantized: &mut [u8]) {
        let rows = a.len() / self.linear.input_bytes();
        let values = rows * self.linear.outputs();
        let encoded = self.norm.encoded_len(values, self.linear.kernel().encoded_width());
        assert!(
            residual.len() == values && out.len() == values && quantized.len() == encoded,
            "slices have the same rows"
        );
        self.linear.run(a, None, out);
        // The norm adds the residual, because it reads rows in order.
        self.norm.run(self.linear.kernel(), out, Some(residual), quantized);
    }
}
