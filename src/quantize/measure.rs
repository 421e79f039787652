//! The error that quantization adds in one linear layer, on calibration tokens.

use super::matrix::product;
use super::observer::Observer;
use super::params::QuantizedRows;
use super::search::{Candidate, Choice, ROWS};
use super::smooth::FeatureMap;
use crate::metrics::{rmse, sqnr_db};
use serde::{Deserialize, Serialize};

/// Signal to quantization noise of one layer's outputs, its bias apart, in decibels; `None` where there is no noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearMeasure {
    /// As the file has it.
    pub output_db: Option<f64>,
    /// Without bias correction.
    pub uncorrected_db: Option<f64>,
    /// Without shift, smoothing and correction, weights rounded to the nearest.
    pub plain_db: Option<f64>,
    /// The root mean square over outputs of what correction adds to the biases.
    pub correction: f64,
}

/// Measures the layer of `original` weights `[out, in]` that became `layer`: its weights, what the shift of its input adds to
/// its biases, and what correction adds.
pub fn measure(
    observer: &Observer,
    choice: &Choice,
    original: &[f32],
    (weights, shift, correction): (&QuantizedRows, &[f32], &[f32]),
    symmetric: bool,
) -> LinearMeasure {
    let inputs = observer.features();
    let output = |choice: &Choice, weights: &QuantizedRows| {
        product(&choice.quantized_rows(observer, ROWS), &weights.dequantized(), inputs)
    };
    let exact = product(&observer.rows(ROWS, &FeatureMap::identity(inputs)), original, inputs);
    let mut got = output(choice, weights);
    let mut add = |bias: &[f32]| {
        got.chunks_exact_mut(bias.len()).for_each(|row| row.iter_mut().zip(bias).for_each(|(y, b)| *y += b));
        sqnr_db(&exact, &got)
    };
    let (uncorrected_db, output_db) = (add(shift), add(correction));
    let plain = Candidate { shift: false, alpha: None, method: choice.method, symmetric };
    let plain = Choice::new(observer, &[original], plain);
    LinearMeasure {
        output_db,
        uncorrected_db,
        plain_db: sqnr_db(&exact, &output(&plain, &QuantizedRows::new(original, inputs))),
        correction: rmse(correction, &vec![0.0; correction.len()]),
    }
}
