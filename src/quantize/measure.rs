//! The error that quantization adds in one linear layer, on calibration tokens.

use super::matrix::product;
use super::observer::Observer;
use super::options::Options;
use super::params::QuantizedRows;
use super::search::{Choice, ROWS};
use super::smooth::FeatureMap;
use crate::metrics::{rmse, sqnr_db};
use serde::Serialize;

/// Signal to quantization noise of one layer's outputs, its bias apart, in decibels; `None` where there is no noise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinearMeasure {
    /// As the file has it.
    pub output_db: Option<f64>,
    /// Without bias correction.
    pub uncorrected_db: Option<f64>,
    /// Without smoothing and correction, weights rounded to the nearest.
    pub plain_db: Option<f64>,
    /// The root mean square over outputs of what correction adds to the biases.
    pub correction: f64,
}

/// Measures the layer of `original` weights `[out, in]` that became `weights`.
pub fn measure(
    observer: &Observer,
    choice: &Choice,
    original: &[f32],
    weights: &QuantizedRows,
    correction: &[f32],
    options: &Options,
) -> LinearMeasure {
    let inputs = observer.features();
    let output = |choice: &Choice, weights: &QuantizedRows| {
        product(&choice.quantized_rows(observer, ROWS), &weights.dequantized().collect::<Vec<f32>>(), inputs)
    };
    let exact = product(&observer.rows(ROWS, &FeatureMap::identity(inputs)), original, inputs);
    let unshifted = Options { shift: false, ..options.clone() };
    let plain = Choice::new(observer, &[original], None, choice.method, &unshifted);
    let mut got = output(choice, weights);
    let uncorrected_db = sqnr_db(&exact, &got);
    if options.bias_correction {
        got.chunks_exact_mut(correction.len())
            .for_each(|row| row.iter_mut().zip(correction).for_each(|(y, c)| *y += c));
    }
    LinearMeasure {
        output_db: sqnr_db(&exact, &got),
        uncorrected_db,
        plain_db: sqnr_db(&exact, &output(&plain, &QuantizedRows::new(original, inputs))),
        correction: if options.bias_correction { rmse(correction, &vec![0.0; correction.len()]) } else { 0.0 },
    }
}
