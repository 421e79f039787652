//! What quantization did, as it is written to JSON and read back.

use super::calibrate::Observations;
use super::control::ControlReport;
use super::head::HeadReport;
use super::histogram::Histogram;
use super::layers::LayerReport;
use super::measure::LinearMeasure;
use super::options::Options;
use super::params::{QuantParams, QuantizedRows};
use super::quantizer::{Findings, Parameters};
use super::scope::units;
use super::smooth::{FeatureMap, smoothed};
use crate::bert::{Bert, BertConfig};
use crate::metrics::sqnr_db;
use serde::{Deserialize, Serialize};

/// Bins of the histograms of activations.
const HISTOGRAM_BINS: usize = 64;
/// Rows that they count.
const HISTOGRAM_ROWS: usize = 512;

/// The JSON report of one quantization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The architecture.
    pub config: BertConfig,
    /// What was chosen.
    pub options: Options,
    /// How calibration went.
    pub calibration: Calibration,
    /// Every quantized activation, in name order.
    pub activations: Vec<ActivationReport>,
    /// Every quantized weight tensor, in name order.
    pub weights: Vec<WeightReport>,
    /// Every linear layer of the encoder, first to last.
    pub linears: Vec<LinearReport>,
    /// The noise after every encoder layer, where it was measured: see [`layer_reports`](super::layer_reports).
    pub layers: Vec<LayerReport>,
    /// The correction of the classifier's biases; absent where there was none.
    pub head: Option<HeadReport>,
    /// Accuracy control, where it was asked for.
    pub control: Option<ControlReport>,
    /// File sizes.
    pub sizes: Sizes,
}

/// The calibration set.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ActivationReport {
    /// The value's name in the graph.
    pub name: String,
    /// The lowest value seen, before any division.
    pub min: f32,
    /// The highest value seen, before any division.
    pub max: f32,
    /// SmoothQuant's α; absent where nothing is smoothed.
    pub alpha: Option<f32>,
    /// The smallest and largest divisor.
    pub divisors: (f32, f32),
    /// Whether the middle of every feature is taken off.
    pub shifted: bool,
    /// The range, after shift and division, that scale and zero point were chosen for.
    pub range: (f32, f32),
    /// The share of values, after shift and division, outside what 8 bits span.
    pub clipped: f64,
    /// Values after shift and division, of some of the tokens.
    pub histogram: Histogram,
    /// Scale and zero point.
    #[serde(flatten)]
    pub params: QuantParams,
}

/// One linear layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinearReport {
    /// The layer's name.
    pub name: String,
    /// The activation it reads.
    pub input: String,
    /// Whether it is INT8.
    pub int8: bool,
    /// Its errors as INT8; absent where it was never to be quantized.
    pub measure: Option<LinearMeasure>,
}

/// One weight tensor.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Sizes {
    /// The FP32 ONNX file.
    pub fp32_bytes: usize,
    /// The INT8 ONNX file.
    pub int8_bytes: usize,
    /// INT8 over FP32.
    pub ratio: f64,
}

/// What a report is made of.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub parameters: &'a Parameters,
    pub observations: &'a Observations,
    pub findings: &'a Findings,
}

pub(super) fn report(bert: &Bert, options: &Options, found: Found, calibration: Calibration, sizes: Sizes) -> Report {
    let Found { parameters, findings, .. } = found;
    let activations = parameters.activations.keys().map(|name| activation_report(name, found)).collect();
    let units = units(bert.config().layers);
    let linears = units.iter().flat_map(|unit| unit.linears.iter().map(|name| (name, &unit.input)));
    let linears = linears
        .map(|(name, input)| LinearReport {
            name: name.clone(),
            input: input.clone(),
            int8: parameters.linears.contains_key(name),
            measure: findings.measures.get(name).cloned(),
        })
        .collect();
    let mut weights: Vec<_> = Vec::new();
    for unit in &units {
        for (name, linear) in unit.linears.iter().filter_map(|name| parameters.linears.get_key_value(name)) {
            let name = format!("{name}.weight");
            let original = smoothed(bert.weight(&name), &findings.choices[&unit.input].map.divisors);
            weights.push(weight_report(&original, name, &linear.weights));
        }
    }
    weights.extend(parameters.tables.iter().map(|(name, table)| weight_report(bert.weight(name), name.clone(), table)));
    weights.sort_by(|a, b| a.name.cmp(&b.name));
    Report {
        config: bert.config().clone(),
        options: options.clone(),
        calibration,
        activations,
        weights,
        linears,
        layers: Vec::new(),
        head: None,
        control: None,
        sizes,
    }
}

fn activation_report(name: &str, found: Found) -> ActivationReport {
    let observer = &found.observations[name];
    let params = found.parameters.activations[name].params;
    let choice = found.findings.choices.get(name);
    let identity = FeatureMap::identity(observer.features());
    let values = observer.rows(HISTOGRAM_ROWS, choice.map_or(&identity, |choice| &choice.map));
    let limits = [0u8, 255].map(|q| (f32::from(q) - f32::from(params.zero_point)) * params.scale);
    // Half a step beyond the last integer still rounds to it.
    let half = params.scale / 2.0;
    let outside = values.iter().filter(|&&x| x < limits[0] - half || x > limits[1] + half).count();
    let (lows, highs): (Vec<f32>, Vec<f32>) = observer.sample_ranges(&identity).into_iter().unzip();
    ActivationReport {
        name: name.to_owned(),
        min: span(&lows).0,
        max: span(&highs).1,
        alpha: choice.and_then(|choice| choice.alpha),
        divisors: choice.map_or((1.0, 1.0), |choice| span(&choice.map.divisors)),
        shifted: choice.is_some_and(|choice| choice.map.centers.iter().any(|&center| center != 0.0)),
        range: choice.map_or((limits[0], limits[1]), |choice| choice.range),
        clipped: outside as f64 / values.len().max(1) as f64,
        histogram: Histogram::new(&values, HISTOGRAM_BINS),
        params,
    }
}

/// The smallest and largest of `values`.
fn span(values: &[f32]) -> (f32, f32) {
    values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), &v| (lo.min(v), hi.max(v)))
}

fn weight_report(original: &[f32], name: String, rows: &QuantizedRows) -> WeightReport {
    let rounded = rows.dequantized();
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
