//! Post-training static quantization of a [`Bert`] to INT8.
//!
//! [`quantize`](quantize()) runs the whole pipeline. [`Options`] chooses the method of every step.
//!
//! 1. **Calibration** runs the FP32 model on a few hundred pairs. An observer for every activation collects the range and
//!    mean of each channel and some of the rows.
//! 2. **Outlier copies**: features with outliers in feed-forward blocks are split into copies that share their weights.
//! 3. **Scheme search**, activation by activation: shifts every channel by its center (Outlier Suppression+), divides it by
//!    SmoothQuant's divisor, and estimates the range of the result. With a search, tries several shifts, α and range
//!    estimators, and keeps the one with the least output error in the linear layers that read the activation.
//! 4. **Weight rounding**, layer by layer: to nearest, to nearest with the scale of the least error, or by GPTQ.
//! 5. **Bias correction**, layer by layer: adds the mean error that rounding the weights causes on the calibration tokens.
//! 6. **Trials**: with GPTQ and a search, runs steps 3 to 5 three times with different search settings. Keeps the result
//!    whose logits on the calibration pairs are closest to FP32.
//! 7. **Accuracy control**, if asked for: reverts parts to FP32, the most damaging first, until a metric on labelled pairs
//!    has dropped by no more than a bound.
//! 8. **Classifier correction**: adds the mean error of the logits to the classifier's biases.
//! 9. **Emission** writes the ONNX file, with integer operators or with QDQ pairs.
//!
//! # Numbers
//!
//! | part | integers | scales |
//! |---|---|---|
//! | weights of linear layers | s8, symmetric, [−127, 127] | one per output channel |
//! | embedding tables (word, position) | s8, symmetric, [−127, 127] | one per row |
//! | inputs of linear layers | u8, asymmetric by default | one scale and zero point per tensor, after the channel transform |
//! | queries and keys of `q · kᵀ` | symmetric | one per tensor |
//!
//! `softmax · v`, LayerNorm, the token type table, the pooler and the classifier stay in FP32.
//!
//! # For readers who know NNCF
//!
//! The defaults follow NNCF's `quantize` with the "mixed" preset and `ModelType.TRANSFORMER`: [`Preset::Fast`] is closest to it.
//! [`Options::ignored`] is its ignored scope, [`AccuracyControl`] its `quantize_with_accuracy_control`. A [`Unit`] is the group
//! of layers that read one activation; it shares one quantizer and is reverted to FP32 as a whole.

mod accuracy_control;
mod bias_correction;
mod calibrate;
mod calibration_check;
#[cfg(feature = "dataset")]
mod calibration_texts;
mod channel_transform;
mod classifier_correction;
mod emit;
mod float_model;
mod fp32_comparison;
mod gptq;
mod histogram;
mod ignored_scope;
mod layer_report;
mod linear_sqnr;
mod matrix;
mod observer;
mod options;
mod outlier_copies;
mod outliers;
mod parallel;
mod part_size;
mod provenance;
mod quant_params;
mod quantized_parameters;
mod quantizer;
mod range_estimator;
mod report;
mod sampling;
mod scheme_search;
mod sensitivity;
mod trials;
mod units;
mod weight_rounding;

pub use crate::clock::utc;
pub use crate::metrics::Metric;
pub use accuracy_control::{AccuracyControl, AccuracyControlReport, ModelScore, RevertedPart};
pub use calibration_check::{CalibrationCheck, ENOUGH_TEXTS, check_calibration, check_ranges};
#[cfg(feature = "dataset")]
pub use calibration_texts::{CalibrationTexts, Measures, Sampling, with_texts_of};
pub use classifier_correction::ClassifierCorrection;
pub use emit::emit_int8;
pub use fp32_comparison::{CalibrationResult, LEAST_DB, TextMargins, compare_with_fp32};
pub use histogram::Histogram;
pub use ignored_scope::IgnoredScope;
pub use layer_report::{LayerReport, layer_reports};
pub use linear_sqnr::LinearSqnr;
pub use options::{Format, Options, Preset, RangeEstimator, Rounding, Shift, Smoothing};
pub use outliers::{ChannelMagnitude, Outliers};
pub use parallel::with_threads;
pub use part_size::PartSize;
pub use provenance::{Provenance, SourceFile};
pub use quant_params::{QuantParams, QuantizedRows};
pub use quantized_parameters::{QuantizedActivation, QuantizedLinear, QuantizedParameters};
pub use report::{ActivationReport, CalibrationReport, FileSizes, LinearReport, Report, WeightReport};
pub use sampling::sample_indices;
pub use sensitivity::{IgnoredPart, PartSensitivity, Sensitivity};
pub use units::{Unit, units};

use crate::bert::{Bert, emit_fp32};
use crate::error::Result;
use crate::kernels::LANES;
use crate::model::Accuracy;
use crate::onnx::{encode_model, encoded_len, pb};
use crate::text::Tokens;
use classifier_correction::CalibrationLogits;
use trials::Trial;

/// The result of [`quantize`](quantize()).
#[derive(Debug)]
pub struct QuantizedModel {
    /// The bytes of the INT8 ONNX file.
    pub onnx: Vec<u8>,
    /// What quantization did.
    pub report: Report,
    parameters: QuantizedParameters,
    /// The FP32 model that was quantized, if it is not the caller's: with padded sizes or copies of outliers.
    prepared: Option<Bert>,
}

impl QuantizedModel {
    /// Stores in the file how good it was found to be.
    ///
    /// # Errors
    /// If the file cannot be decoded, which does not happen.
    pub fn set_accuracy(&mut self, accuracy: &Accuracy) -> Result<()> {
        self.onnx = accuracy.write_to(&self.onnx, "the INT8 model")?;
        let sizes = &mut self.report.sizes;
        sizes.int8_bytes = self.onnx.len();
        sizes.ratio = sizes.int8_bytes as f64 / sizes.fp32_bytes as f64;
        Ok(())
    }

    /// Measures on `texts` what every INT8 part contributes to the error of the logits. `bert` is the model that was quantized.
    /// Runs a model for every part. Calls `progress` after each one with the number of finished models and of all.
    ///
    /// # Errors
    /// If a model cannot run.
    pub fn sensitivity(
        &self,
        bert: &Bert,
        texts: &[&Tokens],
        progress: impl FnMut(usize, usize),
    ) -> Result<Sensitivity> {
        sensitivity::sensitivity(self.prepared.as_ref().unwrap_or(bert), &self.parameters, texts, progress)
    }
}

/// Facts about the calibration set that only the caller knows. They go into the report and change nothing else.
#[derive(Debug, Clone, Copy)]
pub struct CalibrationInfo {
    /// The number of tokens to which longer pairs were cut.
    pub max_length: usize,
    /// The seed with which the pairs were sampled; see [`sample_indices`].
    pub seed: u64,
}

/// A stage of quantization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Runs the FP32 model on the calibration pairs.
    Calibrating,
    /// Searches schemes and rounds weights, unit by unit.
    Quantizing,
    /// Accuracy control: measures the damage of each part alone.
    Ranking,
    /// Accuracy control: reverts parts to FP32.
    Reverting,
    /// Runs INT8 models on the calibration pairs to compare their logits with FP32.
    Comparing,
    /// Measures the noise after every layer, for the report.
    MeasuringLayers,
    /// Compares INT8 with FP32 on texts that calibration did not see.
    Checking,
    /// Measures what every part contributes to the error of the logits, for the report.
    MeasuringParts,
}

impl Stage {
    /// Returns what the stage does, such as `calibrating`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Calibrating => "calibrating",
            Stage::Quantizing => "choosing scales",
            Stage::Ranking => "ranking parts by their damage",
            Stage::Reverting => "returning parts to FP32",
            Stage::Comparing => "comparing logits",
            Stage::MeasuringLayers => "measuring the noise after every layer",
            Stage::Checking => "comparing with FP32",
            Stage::MeasuringParts => "measuring the damage of every part",
        }
    }
}

/// How far a stage has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// The number of finished steps of the stage.
    pub done: usize,
    /// The largest number of steps that the stage can have.
    pub total: usize,
}

/// Returns `bert` with an intermediate size that the kernels can process; `None` if it has one.
fn padded(bert: &Bert) -> Option<Bert> {
    (!bert.config().intermediate.is_multiple_of(LANES)).then(|| bert.with_padded_intermediate(LANES))
}

/// Quantizes `bert` with statistics of the calibration pairs `samples`. Calls `progress` after each step. The same arguments
/// always return the same bytes.
///
/// Calibration needs no labels. Only accuracy control, if `accuracy` is given, reads labelled pairs.
///
/// # Errors
/// Fails if there are no samples, an option is out of range, a pattern of [`Options::ignored`] matches nothing, a model cannot
/// run, or an activation is not finite.
pub fn quantize(
    bert: &Bert,
    samples: &[Tokens],
    options: &Options,
    info: CalibrationInfo,
    accuracy: Option<&AccuracyControl>,
    mut progress: impl FnMut(Progress),
) -> Result<QuantizedModel> {
    options.validate()?;
    options.ignored.check(bert.config())?;
    let original = bert;
    let padded = padded(bert);
    let bert = padded.as_ref().unwrap_or(bert);
    if let Some(accuracy) = accuracy {
        accuracy.validate(bert.config().problem, bert.config().labels.len())?;
    }
    let (mut observers, fp32_logits) = calibrate::calibrate(bert, samples, |done| {
        progress(Progress { stage: Stage::Calibrating, done, total: samples.len() });
    })?;
    let copied = outlier_copies::copy_outliers(bert, &mut observers, options);
    let bert = copied.as_ref().unwrap_or(bert);
    let calibration = CalibrationLogits { samples, fp32: &fp32_logits };
    let Trial { mut parameters, diagnostics, mut correction } =
        trials::best_trial(bert, &observers, options, calibration, &mut progress)?;
    let mut control = None;
    if let Some(accuracy) = accuracy {
        let (kept, report) = accuracy_control::control_accuracy(
            bert,
            &parameters,
            accuracy,
            options.bias_correction.then_some(calibration),
            options.format,
            &mut progress,
        )?;
        correction = calibration.compare(bert, &kept, &mut || ())?;
        (parameters, control) = (kept, Some(report));
    }
    let classifier_correction = correction.filter(|_| options.bias_correction);
    if let Some(correction) = &classifier_correction {
        parameters.correct_classifier(correction);
    }
    let sizes_of = |model: &pb::ModelProto| (encoded_len(model), part_size::part_bytes(bert.config(), model));
    // One of the two is in memory at a time.
    let (fp32_bytes, fp32_parts) = sizes_of(&emit_fp32(original));
    let (onnx, int8_parts) = {
        let model = emit_int8(bert, &parameters, options.format);
        (encode_model(&model), sizes_of(&model).1)
    };
    let parts = part_size::part_sizes(bert.config(), &fp32_parts, &int8_parts);
    let sizes = FileSizes { fp32_bytes, int8_bytes: onnx.len(), ratio: onnx.len() as f64 / fp32_bytes as f64 };
    let calibration = CalibrationReport {
        pairs: samples.len(),
        distinct: check_calibration(samples, None).distinct,
        tokens: samples.iter().map(|s| s.ids.len()).sum(),
        truncated: samples.iter().filter(|s| s.truncated).count(),
        max_length: info.max_length,
        seed: info.seed,
    };
    let input = report::ReportInput { parameters: &parameters, observers: &observers, diagnostics: &diagnostics };
    let report =
        Report { classifier_correction, control, parts, ..report::report(bert, options, input, calibration, sizes) };
    Ok(QuantizedModel { onnx, report, parameters, prepared: copied.or(padded) })
}
