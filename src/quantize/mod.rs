//! Post-training static quantization of a [`Bert`] to INT8.
//!
//! Weights are s8, symmetric, one scale per output feature; activations u8 with one scale and zero point per tensor, after a
//! shift and SmoothQuant's division, feature by feature; `q · kᵀ` is symmetric on both sides; `softmax · v`, LayerNorm and the
//! classification head stay in FP32; biases are corrected for the mean error of the rounded weights, and the classifier's for
//! that of the logits. [`Options`] chooses among the methods.

mod attempts;
mod calibrate;
mod control;
mod correct;
mod emit;
mod emit_qdq;
mod gptq;
mod head;
mod histogram;
mod layers;
mod matrix;
mod measure;
mod observer;
mod options;
mod parallel;
mod params;
mod quantizer;
mod range;
mod report;
mod round;
mod sample;
mod scope;
mod search;
mod smooth;

pub use control::{Control, ControlReport, Measured, Metric, Returned};
pub use head::HeadReport;
pub use histogram::Histogram;
pub use layers::{LayerReport, layer_reports};
pub use measure::LinearMeasure;
pub use options::{Format, Options, Preset, Range, Rounding, Shift, Smoothing};
pub use params::{QuantParams, QuantizedRows};
pub use report::{ActivationReport, Calibration, LinearReport, Report, Sizes, WeightReport};
pub use sample::choose;
pub use scope::Ignored;

use crate::bert::{Bert, emit_fp32};
use crate::error::{Error, Result};
use crate::onnx::{encode_model, encoded_len};
use crate::text::Tokens;
use attempts::Attempt;
use head::Head;

/// An INT8 model, ready to be written.
#[derive(Debug)]
pub struct Quantized {
    /// The bytes of the ONNX file.
    pub onnx: Vec<u8>,
    /// What was done.
    pub report: Report,
}

/// What the report says of the calibration set beyond what can be counted in it.
#[derive(Debug, Clone, Copy)]
pub struct CalibrationInfo {
    /// The limit in tokens that samples were cut to.
    pub max_length: usize,
    /// The seed of [`choose`].
    pub seed: u64,
}

/// What quantization is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Running the FP32 model on calibration pairs.
    Calibrating,
    /// Choosing scales and rounding weights, unit by unit.
    Choosing,
    /// Measuring the damage that each unit does alone.
    Ranking,
    /// Returning units to FP32.
    Returning,
    /// Running INT8 models on calibration pairs, to compare their logits with FP32's.
    Comparing,
}

/// How far quantization is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: usize,
    /// How much there is at most.
    pub total: usize,
}

/// Quantizes `bert` with statistics over `samples`, calling `progress` after each step. Labelled pairs play a part only in
/// accuracy control, where that is asked for.
///
/// # Errors
/// If there are no samples, an option is out of range or ignores nothing, the model cannot run, or an activation is not
/// finite.
pub fn quantize(
    bert: &Bert,
    samples: &[Tokens],
    options: &Options,
    info: CalibrationInfo,
    accuracy: Option<&Control>,
    mut progress: impl FnMut(Step),
) -> Result<Quantized> {
    options.validate()?;
    if let Some(pattern) = options.ignored.unmatched(bert.config().layers).first() {
        return Err(Error::Argument(format!(
            "`{pattern}` matches no part of the model; parts are called like encoder.layer.0.attention.self.query, \
             encoder.layer.0.attention.self.scores, encoder.layer.0.intermediate.dense, \
             embeddings.word_embeddings.weight, and * stands for any characters"
        )));
    }
    let (observations, exact) = calibrate::calibrate(bert, samples, |done| {
        progress(Step { stage: Stage::Calibrating, done, total: samples.len() });
    })?;
    let head = Head { samples, exact: &exact };
    let Attempt { mut parameters, findings, head: mut found } =
        attempts::nearest(bert, &observations, options, head, &mut progress)?;
    let emit: control::Emit = match options.format {
        Format::Integer => emit::emit_int8,
        Format::Qdq => emit_qdq::emit_qdq,
    };
    let mut control = None;
    if let Some(accuracy) = accuracy {
        let corrected = options.bias_correction.then_some(head);
        let (kept, report) = control::control(bert, &parameters, accuracy, corrected, emit, &mut progress)?;
        found = head.compare(bert, &kept, &mut || ())?;
        (parameters, control) = (kept, Some(report));
    }
    let head = found.filter(|_| options.bias_correction);
    if let Some(head) = &head {
        parameters.correct(head);
    }
    let onnx = encode_model(&emit(bert, &parameters));
    let fp32_bytes = encoded_len(&emit_fp32(bert));
    let sizes = Sizes { fp32_bytes, int8_bytes: onnx.len(), ratio: onnx.len() as f64 / fp32_bytes as f64 };
    let calibration = Calibration {
        pairs: samples.len(),
        tokens: samples.iter().map(|s| s.ids.len()).sum(),
        truncated: samples.iter().filter(|s| s.truncated).count(),
        max_length: info.max_length,
        seed: info.seed,
    };
    let found = report::Found { parameters: &parameters, observations: &observations, findings: &findings };
    let report = Report { head, control, ..report::report(bert, options, found, calibration, sizes) };
    Ok(Quantized { onnx, report })
}
