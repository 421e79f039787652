//! Bias correction of the classifier: removes the mean error that is left in the logits.

use super::emit::emit_int8;
use super::options::Format;
use super::parallel::ordered_map;
use super::quantized_parameters::QuantizedParameters;
use crate::bert::Bert;
use crate::error::Result;
use crate::metrics::rmse;
use crate::model::Model;
use crate::onnx::encode_model;
use crate::text::Tokens;
use serde::{Deserialize, Serialize};

/// The INT8 model's logit error on the calibration pairs, and the bias correction that removes its mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassifierCorrection {
    /// What is added to the classifier's bias of every class, by class id.
    pub correction: Vec<f32>,
    /// The root mean square over pairs and classes of the INT8 logits less the FP32 logits, without the correction.
    pub uncorrected_rmse: f64,
    /// The same with the correction.
    pub corrected_rmse: f64,
}

/// The calibration pairs and their FP32 logits.
#[derive(Debug, Clone, Copy)]
pub struct CalibrationLogits<'a> {
    /// The tokens of every pair.
    pub samples: &'a [Tokens],
    /// The FP32 logits `[samples][labels]`.
    pub fp32: &'a [Vec<f32>],
}

impl CalibrationLogits<'_> {
    /// Runs the INT8 model with `parameters` on all samples and compares its logits with FP32. The correction is the mean
    /// over samples of the difference, `E[z − ẑ]`, with z a pair's FP32 logits and ẑ its INT8 logits. Returns `None` if
    /// nothing in the model is INT8. Calls `progress` after each sample.
    ///
    /// After Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2, with
    /// both means measured.
    ///
    /// # Errors
    /// Fails if the model cannot run.
    pub fn compare(
        &self,
        bert: &Bert,
        parameters: &QuantizedParameters,
        progress: &mut dyn FnMut(),
    ) -> Result<Option<ClassifierCorrection>> {
        if parameters.linears.is_empty() && parameters.tables.is_empty() {
            return Ok(None);
        }
        let onnx = encode_model(&emit_int8(bert, parameters, Format::Integer));
        let model = Model::from_bytes(onnx, "the INT8 model")?;
        let mut int8 = Vec::with_capacity(self.samples.len());
        ordered_map(
            self.samples,
            |tokens| model.logits(tokens),
            |logits| {
                int8.push(logits?);
                progress();
                Ok(())
            },
        )?;
        let correction = mean_difference(self.fp32, &int8);
        let fp32 = self.fp32.concat();
        let uncorrected_rmse = rmse(&fp32, &int8.concat());
        int8.iter_mut().for_each(|logits| add(logits, &correction));
        Ok(Some(ClassifierCorrection { correction, uncorrected_rmse, corrected_rmse: rmse(&fp32, &int8.concat()) }))
    }
}

impl QuantizedParameters {
    /// Adds `correction` to the classifier's biases. It must have been measured with these parameters.
    pub(super) fn correct_classifier(&mut self, correction: &ClassifierCorrection) {
        add(&mut self.classifier_bias, &correction.correction);
    }
}

fn add(values: &mut [f32], others: &[f32]) {
    values.iter_mut().zip(others).for_each(|(value, other)| *value += other);
}

/// The mean over samples of `fp32` less `int8`, class by class.
fn mean_difference(fp32: &[Vec<f32>], int8: &[Vec<f32>]) -> Vec<f32> {
    let mut sums = vec![0.0f64; fp32.first().map_or(0, Vec::len)];
    for (fp32, int8) in fp32.iter().zip(int8) {
        for ((sum, z), r) in sums.iter_mut().zip(fp32).zip(int8) {
            *sum += f64::from(z - r);
        }
    }
    sums.into_iter().map(|sum| (sum / fp32.len().max(1) as f64) as f32).collect()
}
