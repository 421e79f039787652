//! Several attempts at the parameters, of which the one with the best logits is kept.

use super::calibrate::Observations;
use super::head::{Head, HeadReport};
use super::options::{Options, Range, Rounding, Shift, Smoothing};
use super::quantizer::{Findings, Parameters, quantize_parameters};
use super::{Stage, Step};
use crate::bert::Bert;
use crate::error::Result;

/// How much of nearest rounding's error the search of an attempt counts: GPTQ leaves a part of it that is known only
/// afterwards. The attempts err alike product by product, but not in the logits.
const SHARES: [f32; 3] = [1.0, 0.3, 0.1];

/// An attempt, and how near its logits are to FP32's, where that was measured.
pub struct Attempt {
    pub parameters: Parameters,
    pub findings: Findings,
    pub head: Option<HeadReport>,
}

/// The attempt whose logits on calibration pairs are nearest to FP32's.
///
/// # Errors
/// If an INT8 model cannot run.
pub fn nearest(
    bert: &Bert,
    observations: &Observations,
    options: &Options,
    head: Head,
    progress: &mut dyn FnMut(Step),
) -> Result<Attempt> {
    let shares = shares(options);
    let attempts = quantize_parameters(bert, observations, options, shares, |done, total| {
        progress(Step { stage: Stage::Choosing, done, total });
    });
    let mut best: Option<(f64, Attempt)> = None;
    for (at, (parameters, findings)) in attempts.into_iter().enumerate() {
        let mut done = at * head.samples.len();
        let mut ran = || {
            done += 1;
            progress(Step { stage: Stage::Comparing, done, total: shares.len() * head.samples.len() });
        };
        let report = match shares.len() > 1 || options.bias_correction {
            true => head.compare(bert, &parameters, &mut ran)?,
            false => None,
        };
        let rmse = report.as_ref().map_or(0.0, |report| match options.bias_correction {
            true => report.corrected_rmse,
            false => report.uncorrected_rmse,
        });
        if best.as_ref().is_none_or(|(least, _)| rmse < *least) {
            best = Some((rmse, Attempt { parameters, findings, head: report }));
        }
    }
    Ok(best.expect("there is one attempt at least").1)
}

/// The share of each attempt: several where something is searched whose outcome depends on them.
fn shares(options: &Options) -> &'static [f32] {
    let searched =
        options.smoothing == Smoothing::Search || options.shift == Shift::Search || options.range == Range::Search;
    if searched && options.rounding == Rounding::Gptq { &SHARES } else { &SHARES[..1] }
}

#[cfg(test)]
mod tests {
    use super::super::calibrate::calibrate;
    use super::*;
    use crate::activation::Activation;
    use crate::bert::{BertConfig, random_bert};
    use crate::text::Tokens;

    #[test]
    fn the_attempt_with_the_nearest_logits_is_kept() {
        let config = BertConfig {
            vocab_size: 50,
            hidden: 32,
            layers: 2,
            heads: 4,
            intermediate: 64,
            max_positions: 20,
            type_vocab: 2,
            layer_norm_eps: 1e-5,
            activation: Activation::Gelu,
            labels: vec!["no".to_owned(), "yes".to_owned()],
        };
        let bert = random_bert(config, 1).unwrap();
        let sample = |at: i64| Tokens {
            ids: (0..10).map(|t| (at * 31 + t * 17) % 50).collect(),
            types: vec![0; 10],
            truncated: false,
        };
        let samples: Vec<Tokens> = (0..20).map(sample).collect();
        let (observations, exact) = calibrate(&bert, &samples, |_| ()).unwrap();
        let head = Head { samples: &samples, exact: &exact };
        for bias_correction in [true, false] {
            let options = Options { bias_correction, ..Options::default() };
            let rmse =
                |report: &HeadReport| if bias_correction { report.corrected_rmse } else { report.uncorrected_rmse };
            let attempts = quantize_parameters(&bert, &observations, &options, &SHARES, |_, _| ());
            let rmse_of = |parameters| rmse(&head.compare(&bert, parameters, &mut || ()).unwrap().unwrap());
            let each: Vec<f64> = attempts.iter().map(|(parameters, _)| rmse_of(parameters)).collect();
            let kept = nearest(&bert, &observations, &options, head, &mut |_| ()).unwrap();
            let least = each.iter().copied().fold(f64::INFINITY, f64::min);
            assert_eq!(rmse(&kept.head.unwrap()), least, "{each:?}");
            assert!(each.iter().any(|rmse| *rmse > least), "{each:?}");
        }
    }

    #[test]
    fn where_nothing_depends_on_it_there_is_one_attempt() {
        let searched = Options::default();
        assert_eq!(shares(&searched).len(), SHARES.len());
        assert_eq!(shares(&Options { rounding: Rounding::Nearest, ..searched.clone() }), [1.0]);
        let (smoothing, shift) = (Smoothing::Fixed(0.9), Shift::On);
        assert_eq!(shares(&Options { smoothing, shift, ..searched }), [1.0]);
    }
}
