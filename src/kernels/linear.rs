//! A quantized linear layer: integer product, then scale, bias and activation on each row's sums.

use super::dispatch::Kernel;
use super::gemm::Activations;
use super::math::activate;
use super::pack::{PANEL, PackedWeights};
use crate::activation::Activation;
use crate::error::Result;

/// `y[m, n] = f((Σ_k (a[m, k] − za)·w[k, n]) · scale[n] + bias[n])`, with u8 activations `a` of zero point za and s8
/// weights w.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedLinear {
    weights: PackedWeights,
    /// `za · Σ_k w[k, n]`, filled up to whole panels like `scales` and `bias`.
    offsets: Vec<i32>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    activation: Option<Activation>,
}

impl QuantizedLinear {
    /// A layer from packed weights `[K, N]`, the zero point of its activations, `N` scales (activation scale times weight
    /// scale), `N` biases and what to apply at the end.
    ///
    /// # Panics
    /// If there are not N scales and biases.
    pub fn new(
        weights: PackedWeights,
        zero_point: u8,
        mut scales: Vec<f32>,
        mut bias: Vec<f32>,
        activation: Option<Activation>,
    ) -> Self {
        assert!(scales.len() == weights.n() && bias.len() == weights.n(), "scales and biases are per column");
        let offsets: Vec<i32> = weights.column_sums().iter().map(|sum| i32::from(zero_point) * sum).collect();
        scales.resize(offsets.len(), 0.0);
        bias.resize(offsets.len(), 0.0);
        QuantizedLinear { weights, offsets, scales, bias, activation }
    }

    /// Input features (K).
    pub fn inputs(&self) -> usize {
        self.weights.k()
    }

    /// Output features (N).
    pub fn outputs(&self) -> usize {
        self.weights.n()
    }

    /// Runs the layer on the row-major `a[M, K]`; writes the row-major `out[M, N]`.
    ///
    /// # Errors
    /// If `a` is not a matrix of K columns.
    pub fn run(&self, kernel: Kernel, a: &[u8], scratch: &mut Activations, out: &mut [f32]) -> Result<()> {
        let n = self.outputs();
        kernel.matmul(a, &self.weights, scratch, |row, column, sums| {
            let at = column..column + PANEL;
            let (offsets, scales, bias) = (&self.offsets[at.clone()], &self.scales[at.clone()], &self.bias[at]);
            let mut values = [0.0; PANEL];
            for c in 0..PANEL {
                values[c] = (sums[c] - offsets[c]) as f32 * scales[c] + bias[c];
            }
            if let Some(activation) = self.activation {
                activate(activation, &mut values);
            }
            let width = PANEL.min(n - column);
            out[row * n + column..][..width].copy_from_slice(&values[..width]);
        })
    }
}
