//! How an INT8 model compares with FP32 after quantization.

use super::float_model::FloatModel;
use super::padded;
use super::parallel::ordered_map;
use crate::bert::Bert;
use crate::error::Result;
use crate::metrics::{Difference, decision_margin, same_decisions};
use crate::model::Model;
use crate::text::Tokens;
use serde::{Deserialize, Serialize};

/// Below this signal to noise ratio of the logits, in decibels, an INT8 model is probably of no use.
pub const LEAST_DB: f64 = 20.0;
/// Below this agreement with FP32, an INT8 model is probably of no use.
const LEAST_AGREEMENT: f64 = 0.9;
/// The probability from which a label applies.
const THRESHOLD: f32 = 0.5;

/// How an INT8 model compares with the FP32 model on some texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationResult {
    /// The number of texts or pairs.
    pub texts: usize,
    /// Whether calibration did not see them.
    pub held_back: bool,
    /// The difference.
    #[serde(flatten)]
    pub difference: Difference,
    /// How clearly both models decide, for every text; empty for scores, which decide nothing.
    #[serde(default)]
    pub margins: Vec<TextMargins>,
}

/// How clearly both models decide about one text; see [`decision_margin`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TextMargins {
    /// The text's line in its file, counted from 1, if that is known. [`compare_with_fp32`] leaves it empty.
    pub line: Option<usize>,
    /// The margin of FP32's decision.
    pub fp32: f64,
    /// What is left of that margin in INT8.
    pub int8: f64,
    /// Whether INT8 decides otherwise.
    pub flipped: bool,
}

impl CalibrationResult {
    /// Returns why the INT8 model should not be used, or `None` if nothing speaks against it.
    pub fn problem(&self) -> Option<String> {
        let Difference { sqnr_db, agreement, .. } = self.difference;
        // NaN is no better than a low ratio.
        if let Some(db) = sqnr_db.filter(|db| db.is_nan() || *db < LEAST_DB) {
            return Some(format!(
                "the logits have an SQNR of {db:.1} dB, below {LEAST_DB:.0} dB, so INT8 answers differ a lot from FP32's"
            ));
        }
        let share = agreement.filter(|share| *share < LEAST_AGREEMENT)?;
        Some(format!(
            "INT8 agrees with FP32 on only {:.1} % of {} texts, fewer than {:.0} %",
            share * 100.0,
            self.texts,
            LEAST_AGREEMENT * 100.0
        ))
    }
}

/// Runs the INT8 model `onnx` and the FP32 model `bert` on `samples` and compares their logits. `held_back` says whether
/// calibration did not see the samples.
///
/// # Errors
/// Fails if a model cannot run.
pub fn compare_with_fp32(bert: &Bert, onnx: &[u8], samples: &[&Tokens], held_back: bool) -> Result<CalibrationResult> {
    // The INT8 file stores the result, so it must be the same on every machine.
    let padded = padded(bert);
    let model = FloatModel::new(padded.as_ref().unwrap_or(bert));
    let mut fp32 = Vec::with_capacity(samples.len());
    ordered_map(
        samples,
        |tokens| model.run(tokens),
        |run| {
            fp32.push(run?.logits);
            Ok(())
        },
    )?;
    drop(model);
    let int8 = Model::from_bytes(onnx.to_vec(), "the INT8 model")?.logits_of(samples)?;
    let problem = bert.config().problem;
    let same = same_decisions(problem, THRESHOLD, &fp32, &int8).unwrap_or_default();
    let margins = fp32.iter().zip(&int8).zip(same).filter_map(|((fp32, int8), same)| {
        let margin = |logits: &[f32]| decision_margin(problem, THRESHOLD, fp32, logits);
        Some(TextMargins { line: None, fp32: margin(fp32)?, int8: margin(int8)?, flipped: !same })
    });
    Ok(CalibrationResult {
        texts: samples.len(),
        held_back,
        margins: margins.collect(),
        difference: Difference::new(problem, THRESHOLD, &fp32, &int8),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noisy_and_disagreeing_models_have_a_problem() {
        let problem = |sqnr_db: Option<f64>, agreement: Option<f64>| {
            let difference =
                Difference { agreement, flips: None, logit_max: 0.0, logit_rmse: 0.0, sqnr_db, rank_correlation: None };
            CalibrationResult { texts: 64, held_back: true, difference, margins: Vec::new() }.problem()
        };
        assert_eq!(problem(Some(20.0), Some(0.9)), None);
        assert_eq!(problem(None, None), None, "no noise, and scores");
        assert!(problem(Some(19.9), Some(1.0)).unwrap().contains("19.9 dB, below 20 dB"));
        assert!(problem(Some(f64::NAN), Some(1.0)).is_some());
        assert!(problem(Some(30.0), Some(0.89)).unwrap().contains("89.0 % of 64 texts"));
    }
}
