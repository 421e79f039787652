//! The quantization noise of one linear layer, measured on calibration tokens.

use super::channel_transform::ChannelTransform;
use super::matrix::matmul_transposed;
use super::observer::Observer;
use super::quant_params::QuantizedRows;
use super::scheme_search::{ActivationScheme, Candidate, ERROR_ROWS};
use crate::metrics::{rmse, sqnr_db};
use serde::{Deserialize, Serialize};

/// The signal to quantization noise ratio of one layer's outputs in decibels, measured without the layer's original bias.
/// Ratios are `None` if there is no noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearSqnr {
    /// The layer as it is in the file.
    pub output_db: Option<f64>,
    /// The layer without bias correction.
    pub uncorrected_db: Option<f64>,
    /// The baseline: no shift, no smoothing, no margin, no bias correction, weights rounded to nearest.
    pub plain_db: Option<f64>,
    /// The root mean square over output channels of what bias correction adds to the biases.
    pub correction: f64,
}

/// Measures a quantized layer.
///
/// `original` holds its FP32 weights `[out, in]`. The tuple holds its INT8 weights, what the shift of its input adds to its
/// biases `[out]`, and what bias correction adds to them `[out]`. `symmetric` is
/// [`Options::symmetric`](super::Options::symmetric).
pub fn linear_sqnr(
    observer: &Observer,
    scheme: &ActivationScheme,
    original: &[f32],
    (weights, shift, correction): (&QuantizedRows, &[f32], &[f32]),
    symmetric: bool,
) -> LinearSqnr {
    let inputs = observer.channels();
    let output = |scheme: &ActivationScheme, weights: &QuantizedRows| {
        matmul_transposed(&scheme.fake_quantized_rows(observer, ERROR_ROWS), &weights.dequantized(), inputs)
    };
    let exact = matmul_transposed(&observer.rows(ERROR_ROWS, &ChannelTransform::identity(inputs)), original, inputs);
    let mut quantized = output(scheme, weights);
    let mut add_bias = |bias: &[f32]| {
        quantized.chunks_exact_mut(bias.len()).for_each(|row| row.iter_mut().zip(bias).for_each(|(y, b)| *y += b));
        sqnr_db(&exact, &quantized)
    };
    let (uncorrected_db, output_db) = (add_bias(shift), add_bias(correction));
    let plain = Candidate { shift: false, alpha: None, estimator: scheme.estimator, margin: 0.0, symmetric };
    let plain = ActivationScheme::new(observer, &[original], plain);
    LinearSqnr {
        output_db,
        uncorrected_db,
        plain_db: sqnr_db(&exact, &output(&plain, &QuantizedRows::new(original, inputs))),
        correction: rmse(correction, &vec![0.0; correction.len()]),
    }
}
