//! The report of a quantization, as it is written to JSON and read back.

use super::accuracy_control::AccuracyControlReport;
use super::calibrate::Observers;
use super::channel_transform::{ChannelTransform, scale_input_channels};
use super::classifier_correction::ClassifierCorrection;
use super::fp32_comparison::CalibrationResult;
use super::histogram::Histogram;
use super::layer_report::LayerReport;
use super::linear_sqnr::LinearSqnr;
use super::options::Options;
use super::outliers::Outliers;
use super::part_size::PartSize;
use super::provenance::Provenance;
use super::quant_params::{QuantParams, QuantizedRows};
use super::quantized_parameters::QuantizedParameters;
use super::quantizer::Diagnostics;
use super::sensitivity::Sensitivity;
use super::units::units;
use crate::bert::{Bert, BertConfig};
use crate::metrics::sqnr_db;
use serde::{Deserialize, Serialize};

/// Bins of the activation histograms.
const HISTOGRAM_BINS: usize = 64;
/// Activation rows that the histograms count.
const HISTOGRAM_ROWS: usize = 512;

/// The JSON report of one quantization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The architecture.
    pub config: BertConfig,
    /// The options.
    pub options: Options,
    /// The calibration set.
    pub calibration: CalibrationReport,
    /// Every quantized activation, in name order.
    pub activations: Vec<ActivationReport>,
    /// Every quantized weight tensor, in name order.
    pub weights: Vec<WeightReport>,
    /// Every linear layer of the encoder, first to last.
    pub linears: Vec<LinearReport>,
    /// The noise after every encoder layer. [`quantize`](super::quantize()) leaves it empty; see
    /// [`layer_reports`](super::layer_reports).
    pub layers: Vec<LayerReport>,
    /// The correction of the classifier's biases, if any.
    #[serde(rename = "head")]
    pub classifier_correction: Option<ClassifierCorrection>,
    /// What accuracy control did, if it was asked for.
    pub control: Option<AccuracyControlReport>,
    /// How the INT8 model compares with FP32. [`quantize`](super::quantize()) leaves it empty; see
    /// [`compare_with_fp32`](super::compare_with_fp32).
    #[serde(default)]
    pub check: Option<CalibrationResult>,
    /// What every part contributes to the error. [`quantize`](super::quantize()) leaves it empty; see
    /// [`QuantizedModel::sensitivity`](super::QuantizedModel::sensitivity).
    #[serde(default)]
    pub sensitivity: Option<Sensitivity>,
    /// File sizes.
    pub sizes: FileSizes,
    /// The size of every part.
    #[serde(default)]
    pub parts: Vec<PartSize>,
    /// What is not ideal about the calibration texts and the ranges, one sentence each. [`quantize`](super::quantize()) leaves it
    /// empty; see [`check_calibration`](super::check_calibration) and [`check_ranges`](super::check_ranges).
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Where the file comes from. [`quantize`](super::quantize()) leaves it empty.
    #[serde(default)]
    pub provenance: Option<Provenance>,
}

/// The calibration set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CalibrationReport {
    /// The number of pairs.
    pub pairs: usize,
    /// The number of distinct pairs.
    #[serde(default)]
    pub distinct: usize,
    /// The number of tokens in all pairs.
    pub tokens: usize,
    /// The number of pairs that were cut because they were longer than `max_length`.
    pub truncated: usize,
    /// The most tokens of a pair.
    pub max_length: usize,
    /// The seed with which the pairs were sampled.
    pub seed: u64,
}

/// One quantized activation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ActivationReport {
    /// The activation's name in the graph.
    pub name: String,
    /// The lowest value over all calibration pairs, before shift and smoothing.
    pub min: f32,
    /// The highest value over all calibration pairs, before shift and smoothing.
    pub max: f32,
    /// SmoothQuant's α, or `None` for no smoothing.
    pub alpha: Option<f32>,
    /// The smallest and the largest of SmoothQuant's divisors.
    pub divisors: (f32, f32),
    /// Whether the center of every channel is subtracted.
    pub shifted: bool,
    /// The lowest and highest value, after shift and smoothing, that scale and zero point are chosen for.
    pub range: (f32, f32),
    /// The share of values, after shift and smoothing, outside the range of the 8-bit integers: 0 to 1.
    pub clipped: f64,
    /// The values of some tokens after shift and smoothing.
    pub histogram: Histogram,
    /// The largest channels.
    #[serde(default)]
    pub outliers: Outliers,
    /// Scale and zero point.
    #[serde(flatten)]
    pub params: QuantParams,
}

/// One linear layer of the encoder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinearReport {
    /// The layer's name.
    pub name: String,
    /// The name of the activation that it reads.
    pub input: String,
    /// Whether it is INT8.
    pub int8: bool,
    /// Its noise in INT8. `None` if the options leave it in FP32; accuracy control does not remove it.
    pub measure: Option<LinearSqnr>,
}

/// One quantized weight tensor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WeightReport {
    /// The tensor's name.
    pub name: String,
    /// `[rows, columns]`, with one scale per row.
    pub shape: (usize, usize),
    /// The lowest and the highest FP32 weight, after smoothing.
    pub range: (f32, f32),
    /// The smallest and the largest scale.
    pub scales: (f32, f32),
    /// Always 0: weights are symmetric.
    pub zero_point: i8,
    /// The root mean square of the rounding error.
    pub rmse: f64,
    /// The signal to quantization noise ratio in decibels; `None` if there is no error.
    pub sqnr_db: Option<f64>,
}

/// The sizes of the model files.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct FileSizes {
    /// The FP32 ONNX file, in bytes.
    pub fp32_bytes: usize,
    /// The INT8 ONNX file, in bytes.
    pub int8_bytes: usize,
    /// `int8_bytes / fp32_bytes`.
    pub ratio: f64,
}

/// What a report describes.
#[derive(Clone, Copy)]
pub(super) struct ReportInput<'a> {
    /// What was written.
    pub parameters: &'a QuantizedParameters,
    /// The statistics of every activation.
    pub observers: &'a Observers,
    /// The scheme and noise of every part that was quantized.
    pub diagnostics: &'a Diagnostics,
}

/// Builds the report. It holds what `input` says; the caller adds the rest.
pub(super) fn report(
    bert: &Bert,
    options: &Options,
    input: ReportInput,
    calibration: CalibrationReport,
    sizes: FileSizes,
) -> Report {
    let ReportInput { parameters, diagnostics, .. } = input;
    let activations = parameters.activations.keys().map(|name| activation_report(name, input)).collect();
    let units = units(bert.config());
    let linears = units.iter().flat_map(|unit| unit.linears.iter().map(|name| (name, &unit.input)));
    let linears = linears
        .map(|(name, input)| LinearReport {
            name: name.clone(),
            input: input.clone(),
            int8: parameters.linears.contains_key(name),
            measure: diagnostics.sqnr.get(name).cloned(),
        })
        .collect();
    let mut weights: Vec<_> = Vec::new();
    for unit in &units {
        for (name, linear) in unit.linears.iter().filter_map(|name| parameters.linears.get_key_value(name)) {
            let name = format!("{name}.weight");
            let original =
                scale_input_channels(bert.weight(&name), &diagnostics.schemes[&unit.input].transform.divisors);
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
        classifier_correction: None,
        control: None,
        check: None,
        sensitivity: None,
        sizes,
        parts: Vec::new(),
        warnings: Vec::new(),
        provenance: None,
    }
}

/// Describes the quantized activation `name`.
fn activation_report(name: &str, input: ReportInput) -> ActivationReport {
    let observer = &input.observers[name];
    let params = input.parameters.activations[name].params;
    let scheme = input.diagnostics.schemes.get(name);
    let identity = ChannelTransform::identity(observer.channels());
    let transform = scheme.map_or(&identity, |scheme| &scheme.transform);
    let values = observer.rows(HISTOGRAM_ROWS, transform);
    let limits = [0u8, 255].map(|q| (f32::from(q) - f32::from(params.zero_point)) * params.scale);
    // Values up to half a step beyond the limits are rounded, not clipped.
    let half_step = params.scale / 2.0;
    let outside = values.iter().filter(|&&x| x < limits[0] - half_step || x > limits[1] + half_step).count();
    let (lows, highs): (Vec<f32>, Vec<f32>) = observer.sample_ranges(&identity).into_iter().unzip();
    ActivationReport {
        name: name.to_owned(),
        min: span(&lows).0,
        max: span(&highs).1,
        alpha: scheme.and_then(|scheme| scheme.alpha),
        divisors: scheme.map_or((1.0, 1.0), |scheme| span(&scheme.transform.divisors)),
        shifted: scheme.is_some_and(|scheme| scheme.shift),
        range: scheme.map_or((limits[0], limits[1]), |scheme| scheme.range),
        clipped: outside as f64 / values.len().max(1) as f64,
        histogram: Histogram::new(&values, HISTOGRAM_BINS),
        outliers: Outliers::new(observer, transform),
        params,
    }
}

/// The smallest and the largest of `values`.
fn span(values: &[f32]) -> (f32, f32) {
    values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), &v| (lo.min(v), hi.max(v)))
}

/// Describes the quantized tensor `name` with the FP32 weights `original`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let mut rng = Rng::new(1);
        for number in std::iter::repeat_with(|| f64::from_bits(rng.bits())).filter(|x| x.is_finite()).take(10_000) {
            let written = ClassifierCorrection { correction: vec![], uncorrected_rmse: number, corrected_rmse: 0.0 };
            let json = serde_json::to_string(&written).unwrap();
            let read: ClassifierCorrection = serde_json::from_str(&json).unwrap();
            assert_eq!(read.uncorrected_rmse.to_bits(), number.to_bits(), "{json}");
        }
    }
}
