//! The last bias correction: that of the classifier, by what is left in the logits.

use super::emit::emit_int8;
use super::parallel::in_order;
use super::quantizer::Parameters;
use crate::bert::Bert;
use crate::error::Result;
use crate::metrics::rmse;
use crate::model::Model;
use crate::onnx::encode_model;
use crate::text::Tokens;
use serde::{Deserialize, Serialize};

/// The logits' error on calibration pairs, and what takes its mean off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadReport {
    /// What the bias of every class needs.
    pub correction: Vec<f32>,
    /// The root mean square over pairs and classes of INT8's logits less FP32's, without correction.
    pub uncorrected_rmse: f64,
    /// The same, with correction.
    pub corrected_rmse: f64,
}

/// Calibration pairs with their logits in FP32.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    pub samples: &'a [Tokens],
    /// By class id, sample by sample.
    pub exact: &'a [Vec<f32>],
}

impl Head<'_> {
    /// Runs the INT8 model that `parameters` make, calling `progress` after each sample. `None` where nothing is INT8, and so
    /// nothing to correct.
    ///
    /// # Errors
    /// If the model cannot run.
    pub fn compare(
        &self,
        bert: &Bert,
        parameters: &Parameters,
        progress: &mut dyn FnMut(),
    ) -> Result<Option<HeadReport>> {
        if parameters.linears.is_empty() && parameters.tables.is_empty() {
            return Ok(None);
        }
        let model = Model::from_bytes(encode_model(&emit_int8(bert, parameters)), "the INT8 model")?;
        let mut rounded = Vec::with_capacity(self.samples.len());
        in_order(
            self.samples,
            |tokens| model.logits(tokens),
            |logits| {
                rounded.push(logits?);
                progress();
                Ok(())
            },
        )?;
        let correction = mean_difference(self.exact, &rounded);
        let exact = self.exact.concat();
        let uncorrected_rmse = rmse(&exact, &rounded.concat());
        rounded.iter_mut().for_each(|logits| add(logits, &correction));
        Ok(Some(HeadReport { correction, uncorrected_rmse, corrected_rmse: rmse(&exact, &rounded.concat()) }))
    }
}

impl Parameters {
    /// Adds the correction of `head`, which was measured with these: `E[z − ẑ]` with z a pair's logits in FP32 and ẑ those in
    /// INT8, class by class.
    ///
    /// After Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2, with
    /// both means measured.
    pub fn correct(&mut self, head: &HeadReport) {
        add(&mut self.classifier_bias, &head.correction);
    }
}

fn add(values: &mut [f32], others: &[f32]) {
    values.iter_mut().zip(others).for_each(|(value, other)| *value += other);
}

/// The mean over samples of `exact` less `rounded`, class by class.
fn mean_difference(exact: &[Vec<f32>], rounded: &[Vec<f32>]) -> Vec<f32> {
    let mut sums = vec![0.0f64; exact.first().map_or(0, Vec::len)];
    for (exact, rounded) in exact.iter().zip(rounded) {
        for ((sum, z), r) in sums.iter_mut().zip(exact).zip(rounded) {
            *sum += f64::from(z - r);
        }
    }
    sums.into_iter().map(|sum| (sum / exact.len().max(1) as f64) as f32).collect()
}
