//! Checks of the calibration texts, before quantization, and of the ranges that they had, after it.

use super::report::ActivationReport;
use crate::text::Tokens;
use std::collections::HashSet;

/// With fewer distinct texts, ranges and rounding fit these texts and no others.
const LEAST_TEXTS: usize = 8;
/// With fewer distinct texts, INT8 loses a few decibels.
pub const ENOUGH_TEXTS: usize = 100;
/// With fewer distinct tokens, most features never take their usual values.
const LEAST_TOKENS: usize = 16;
/// From this share of unknown tokens on, the texts are not what the model reads.
const MOST_UNKNOWN: f64 = 0.25;
/// From this share of unknown tokens on, something may be wrong.
const MANY_UNKNOWN: f64 = 0.05;

/// From this share of clipped values on, a range does not fit its activation.
const MANY_CLIPPED: f64 = 0.05;

/// What calibration texts hold, and whether that is enough.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationCheck {
    /// The number of distinct texts or pairs.
    pub distinct: usize,
    /// Why these texts must not be used.
    pub refusals: Vec<String>,
    /// What makes the result worse than it could be.
    pub warnings: Vec<String>,
}

/// Checks the calibration texts `samples`. `unknown` is the id of the token that stands for unknown words, if the tokenizer
/// has one.
pub fn check_calibration(samples: &[Tokens], unknown: Option<i64>) -> CalibrationCheck {
    let distinct = samples.iter().map(|tokens| &tokens.ids).collect::<HashSet<_>>().len();
    // The first and the last token mark start and end, and the latter also the end of the first text of a pair.
    let is_word = |tokens: &Tokens, id: i64| Some(&id) != tokens.ids.first() && Some(&id) != tokens.ids.last();
    let words = || samples.iter().flat_map(|tokens| tokens.ids.iter().copied().filter(|id| is_word(tokens, *id)));
    let (all, unknowns) = (words().count(), words().filter(|id| Some(*id) == unknown).count());
    let vocabulary = words().collect::<HashSet<_>>().len();
    let share = unknowns as f64 / all.max(1) as f64;
    let (mut refusals, mut warnings) = (Vec::new(), Vec::new());
    if distinct < LEAST_TEXTS {
        refusals.push(format!(
            "{distinct} distinct text(s) are too few to calibrate on: at least {LEAST_TEXTS} are needed, and a few hundred \
             that resemble real inputs are enough"
        ));
    } else if distinct < ENOUGH_TEXTS {
        let loss = if distinct < 20 { "about 10 decibels" } else { "about 3 decibels" };
        warnings.push(format!(
            "calibrated on only {distinct} distinct texts; with fewer than {ENOUGH_TEXTS}, expect to lose {loss}. A few \
             hundred that resemble real inputs are enough"
        ));
    }
    if share > MOST_UNKNOWN {
        refusals.push(format!(
            "{:.0} % of the tokens are unknown to the tokenizer; it is of another model, or the texts are in another language",
            share * 100.0
        ));
    } else if share > MANY_UNKNOWN {
        warnings.push(format!("{:.0} % of the calibration tokens are unknown to the tokenizer", share * 100.0));
    }
    if vocabulary < LEAST_TOKENS {
        refusals.push(format!(
            "the texts hold only {vocabulary} distinct tokens; at least {LEAST_TOKENS} are needed, and real texts have hundreds"
        ));
    }
    CalibrationCheck { distinct, refusals, warnings }
}

/// Returns what is wrong with the ranges of `activations`, one sentence each: activations that take only one value on all
/// calibration texts, and ranges that clip many of the values they were chosen for.
pub fn check_ranges(activations: &[ActivationReport]) -> Vec<String> {
    let mut warnings = Vec::new();
    let constant: Vec<&ActivationReport> = activations.iter().filter(|found| found.min >= found.max).collect();
    if let Some(first) = constant.first() {
        warnings.push(format!(
            "{} activation(s) take only one value on all calibration texts, among them {} ({}); the texts are too much alike, \
             or the model is damaged",
            constant.len(),
            first.name,
            first.min
        ));
    }
    let clipped = activations.iter().filter(|found| found.clipped > MANY_CLIPPED);
    let worst = clipped.clone().max_by(|a, b| a.clipped.total_cmp(&b.clipped));
    if let Some(worst) = worst {
        warnings.push(format!(
            "the ranges of {} activation(s) clip more than {:.0} % of the calibration values, that of {} {:.0} %; choose \
             wider ranges, such as min-max",
            clipped.count(),
            MANY_CLIPPED * 100.0,
            worst.name,
            worst.clipped * 100.0
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(words: impl IntoIterator<Item = i64>) -> Tokens {
        let ids: Vec<i64> = [101].into_iter().chain(words).chain([102]).collect();
        Tokens { types: vec![0; ids.len()], ids, truncated: false }
    }

    fn check(samples: &[Tokens]) -> (usize, usize) {
        let found = check_calibration(samples, Some(100));
        (found.refusals.len(), found.warnings.len())
    }

    #[test]
    fn few_repeated_and_unknown_texts_are_refused() {
        let good: Vec<Tokens> = (0..300).map(|at| tokens([at, at + 1, at + 7])).collect();
        assert_eq!(check(&good), (0, 0));
        assert_eq!(check(&good[..99]), (0, 1));
        assert_eq!(check(&good[..7]), (2, 0), "too few texts and tokens");
        let copies = vec![tokens(0..40); 300];
        let found = check_calibration(&copies, Some(100));
        assert_eq!((found.distinct, found.refusals.len()), (1, 1), "{found:?}");
        let unknown: Vec<Tokens> = (1..300).map(|len| tokens((0..len).map(|_| 100))).collect();
        assert_eq!(check(&unknown), (2, 0), "unknown tokens, and one distinct token");
        let some: Vec<Tokens> =
            (0..300).map(|at| tokens((0..10).map(|word| if word == 0 { 100 } else { at + word }))).collect();
        assert_eq!(check(&some), (0, 1));
        assert_eq!(check(&[tokens([])]), (2, 0));
    }
}
