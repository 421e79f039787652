//! Quantizes a model several times with different search settings and keeps the result with the best logits.

use super::calibrate::Observers;
use super::classifier_correction::{CalibrationLogits, ClassifierCorrection};
use super::options::{Options, RangeEstimator, Rounding, Shift, Smoothing};
use super::quantized_parameters::QuantizedParameters;
use super::quantizer::{Diagnostics, quantize_parameters};
use super::{Progress, Stage};
use crate::bert::Bert;
use crate::error::Result;

/// The fraction of the weights' rounding error that the scheme search counts, one per trial. GPTQ avoids part of this error,
/// but how much is known only afterwards. The trials differ little in the error of single layers, but much in the logits.
const ERROR_FRACTIONS: [f32; 3] = [1.0, 0.3, 0.1];

/// One quantization of the model.
pub struct Trial {
    /// The quantized parameters, with the classifier's biases not yet corrected.
    pub parameters: QuantizedParameters,
    /// What the report tells about it.
    pub diagnostics: Diagnostics,
    /// The logit error on the calibration pairs and its correction; `None` if they were not measured.
    pub correction: Option<ClassifierCorrection>,
}

/// Quantizes `bert` by as many trials as `options` ask for. Returns the one whose logits on the calibration pairs are closest
/// to FP32.
///
/// # Errors
/// Fails if an INT8 model cannot run.
pub fn best_trial(
    bert: &Bert,
    observers: &Observers,
    options: &Options,
    calibration: CalibrationLogits,
    progress: &mut dyn FnMut(Progress),
) -> Result<Trial> {
    let fractions = error_fractions(options);
    let results = quantize_parameters(bert, observers, options, fractions, |done, total| {
        progress(Progress { stage: Stage::Quantizing, done, total });
    });
    let mut best: Option<(f64, Trial)> = None;
    for (at, (parameters, diagnostics)) in results.into_iter().enumerate() {
        let mut done = at * calibration.samples.len();
        let mut sample_done = || {
            done += 1;
            progress(Progress { stage: Stage::Comparing, done, total: fractions.len() * calibration.samples.len() });
        };
        let correction = match fractions.len() > 1 || options.bias_correction {
            true => calibration.compare(bert, &parameters, &mut sample_done)?,
            false => None,
        };
        let rmse = correction.as_ref().map_or(0.0, |correction| match options.bias_correction {
            true => correction.corrected_rmse,
            false => correction.uncorrected_rmse,
        });
        if best.as_ref().is_none_or(|(least, _)| rmse < *least) {
            best = Some((rmse, Trial { parameters, diagnostics, correction }));
        }
    }
    Ok(best.expect("there is at least one trial").1)
}

/// One fraction per trial. There is more than one trial only if their results can differ: weights are rounded by GPTQ, and
/// shift, smoothing or range is searched.
fn error_fractions(options: &Options) -> &'static [f32] {
    let searched = options.smoothing == Smoothing::Search
        || options.shift == Shift::Search
        || options.range == RangeEstimator::Search;
    if searched && options.rounding == Rounding::Gptq { &ERROR_FRACTIONS } else { &ERROR_FRACTIONS[..1] }
}

#[cfg(test)]
mod tests {
    use super::super::calibrate::calibrate;
    use super::*;
    use crate::bert::{BertConfig, random_bert};
    use crate::text::Tokens;

    #[test]
    fn the_trial_with_the_closest_logits_wins() {
        let bert = random_bert(BertConfig::tiny(), 1).unwrap();
        let sample = |at: i64| Tokens {
            ids: (0..10).map(|t| (at * 31 + t * 17) % 50).collect(),
            types: vec![0; 10],
            truncated: false,
        };
        let samples: Vec<Tokens> = (0..20).map(sample).collect();
        let (observers, fp32) = calibrate(&bert, &samples, |_| ()).unwrap();
        let calibration = CalibrationLogits { samples: &samples, fp32: &fp32 };
        for bias_correction in [true, false] {
            let options = Options { bias_correction, ..Options::default() };
            let rmse = |correction: &ClassifierCorrection| match bias_correction {
                true => correction.corrected_rmse,
                false => correction.uncorrected_rmse,
            };
            let results = quantize_parameters(&bert, &observers, &options, &ERROR_FRACTIONS, |_, _| ());
            let rmse_of = |parameters| rmse(&calibration.compare(&bert, parameters, &mut || ()).unwrap().unwrap());
            let each: Vec<f64> = results.iter().map(|(parameters, _)| rmse_of(parameters)).collect();
            let best = best_trial(&bert, &observers, &options, calibration, &mut |_| ()).unwrap();
            let least = each.iter().copied().fold(f64::INFINITY, f64::min);
            assert_eq!(rmse(&best.correction.unwrap()), least, "{each:?}");
            assert!(each.iter().any(|rmse| *rmse > least), "{each:?}");
        }
    }

    #[test]
    fn there_is_one_trial_if_results_cannot_differ() {
        let searched = Options::default();
        assert_eq!(error_fractions(&searched).len(), ERROR_FRACTIONS.len());
        assert_eq!(error_fractions(&Options { rounding: Rounding::Nearest, ..searched.clone() }), [1.0]);
        let (smoothing, shift) = (Smoothing::Fixed(0.9), Shift::On);
        assert_eq!(error_fractions(&Options { smoothing, shift, ..searched }), [1.0]);
    }
}
