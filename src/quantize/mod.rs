//! Post-training static quantization of a [`Bert`] to INT8.
//!
//! Weights are s8, symmetric, one scale per output feature; activations u8 with one scale and zero point per tensor, from
//! the mean over calibration pairs of each pair's range; `q · kᵀ` is symmetric on both sides; `softmax · v`, LayerNorm and
//! the classification head stay in FP32; biases are corrected for the mean error of the rounded weights.

mod calibrate;
mod correct;
mod emit;
mod observer;
mod params;
mod quantizer;
mod report;
mod sample;

pub use params::{QuantParams, QuantizedRows};
pub use report::Report;
pub use sample::choose;

use crate::bert::{Bert, emit_fp32};
use crate::error::Result;
use crate::onnx::{encode_model, encoded_len};
use crate::tokenizer::Tokens;
use report::{Calibration, Sizes};

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

/// Quantizes `bert` with statistics over `samples`, calling `progress` with the number of samples done.
///
/// # Errors
/// If there are no samples, the model cannot run, or an activation is not finite.
pub fn quantize(
    bert: &Bert,
    samples: &[Tokens],
    info: CalibrationInfo,
    progress: impl FnMut(usize),
) -> Result<Quantized> {
    let observations = calibrate::calibrate(bert, samples, progress)?;
    let parameters = quantizer::quantize_parameters(bert, &observations);
    let onnx = encode_model(&emit::emit_int8(bert, &parameters));
    let fp32_bytes = encoded_len(&emit_fp32(bert));
    let sizes = Sizes { fp32_bytes, int8_bytes: onnx.len(), ratio: onnx.len() as f64 / fp32_bytes as f64 };
    let calibration = Calibration {
        pairs: samples.len(),
        tokens: samples.iter().map(|s| s.ids.len()).sum(),
        truncated: samples.iter().filter(|s| s.truncated).count(),
        max_length: info.max_length,
        seed: info.seed,
    };
    let report = report::report(bert, &parameters, &observations, calibration, sizes);
    Ok(Quantized { onnx, report })
}
