//! What quantization did, for people and programs.

use super::calibrate::Observations;
use super::params::{QuantParams, QuantizedRows};
use super::quantizer::Parameters;
use crate::bert::{Bert, BertConfig};
use crate::metrics::sqnr_db;
use serde::Serialize;

/// The JSON report of one quantization.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The architecture.
    pub config: BertConfig,
    /// How calibration went.
    pub calibration: Calibration,
    /// Every quantized activation, in name order.
    pub activations: Vec<ActivationReport>,
    /// Every quantized weight tensor, in name order.
    pub weights: Vec<WeightReport>,
    /// File sizes.
    pub sizes: Sizes,
}

/// The calibration set.
#[derive(Debug, Clone, Serialize)]
pub struct Calibration {
    /// Pairs used.
    pub pairs: usize,
    /// Tokens in them.
    pub tokens: usize,
    /// Pairs that were longer than the limit.
    pub truncated: usize,
    /// The limit in tokens.
    pub max_length: usize,
    /// The seed of the choice of pairs.
    pub seed: u64,
}

/// One activation.
#[derive(Debug, Clone, Serialize)]
pub struct ActivationReport {
    /// The value's name in the graph.
    pub name: String,
    /// The lowest value seen.
    pub min: f32,
    /// The highest value seen.
    pub max: f32,
    /// The range that scale and zero point were chosen for: means over samples.
    pub range: (f32, f32),
    /// Scale and zero point.
    #[serde(flatten)]
    pub params: QuantParams,
}

/// One weight tensor.
#[derive(Debug, Clone, Serialize)]
pub struct WeightReport {
    /// The tensor's name.
    pub name: String,
    /// `[rows, columns]`; each row has its scale.
    pub shape: (usize, usize),
    /// The lowest and highest weight.
    pub range: (f32, f32),
    /// The smallest and largest scale.
    pub scales: (f32, f32),
    /// Always 0: weights are symmetric.
    pub zero_point: i8,
    /// Root mean square of the rounding error.
    pub rmse: f64,
    /// Signal to quantization noise in decibels; absent where there is no error.
    pub sqnr_db: Option<f64>,
}

/// Bytes of the files.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sizes {
    /// The FP32 ONNX file.
    pub fp32_bytes: usize,
    /// The INT8 ONNX file.
    pub int8_bytes: usize,
    /// INT8 over FP32.
    pub ratio: f64,
}

pub(super) fn report(
    bert: &Bert,
    parameters: &Parameters,
    observations: &Observations,
    calibration: Calibration,
    sizes: Sizes,
) -> Report {
    let activations = parameters
        .activations
        .iter()
        .map(|(name, &params)| {
            let seen = &observations[name];
            ActivationReport { name: name.clone(), min: seen.min, max: seen.max, range: seen.mean_min_max(), params }
        })
        .collect();
    let linears = parameters.linears.iter().map(|(name, linear)| (format!("{name}.weight"), &linear.weights));
    let tables = parameters.tables.iter().map(|(name, table)| (name.clone(), table));
    let mut weights: Vec<_> =
        linears.chain(tables).map(|(name, rows)| weight_report(bert.weight(&name), name, rows)).collect();
    weights.sort_by(|a, b| a.name.cmp(&b.name));
    Report { config: bert.config().clone(), calibration, activations, weights, sizes }
}

fn weight_report(original: &[f32], name: String, rows: &QuantizedRows) -> WeightReport {
    let span =
        |values: &[f32]| values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), &v| (lo.min(v), hi.max(v)));
    let rounded: Vec<f32> = rows.dequantized().collect();
    let squares: f64 = original.iter().zip(&rounded).map(|(w, q)| f64::from(w - q).powi(2)).sum();
    WeightReport {
        shape: (rows.scales.len(), original.len() / rows.scales.len()),
        range: span(original),
        scales: span(&rows.scales),
        zero_point: 0,
        rmse: (squares / original.len() as f64).sqrt(),
        sqnr_db: sqnr_db(original, &rounded),
        name,
    }
}
