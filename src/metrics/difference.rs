//! How far a model's logits are from those of its FP32 baseline.

use super::{Interval, Target, bootstrap, max_difference, rmse, spearman, sqnr_db};
use crate::task::Problem;
use serde::{Deserialize, Serialize};

/// What differs between a model and its FP32 baseline on the same inputs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The share of inputs for which both decide the same, 0 to 1; `None` for scores, which decide nothing.
    pub agreement: Option<f64>,
    /// The number of inputs for which they decide differently.
    pub flips: Option<usize>,
    /// The largest difference of a logit.
    pub logit_max: f64,
    /// The root mean square of the differences of the logits.
    pub logit_rmse: f64,
    /// The signal to quantization noise ratio of the logits in decibels; `None` if they are equal.
    pub sqnr_db: Option<f64>,
    /// The mean over labels of Spearman's rank correlation of both models' logits; `None` for less than two inputs.
    pub rank_correlation: Option<f64>,
}

impl Difference {
    /// Compares `logits` with those of the baseline, both `[inputs][labels]`, of models for `problem`. Labels that apply
    /// independently are decided by whether their probability is at least `threshold`.
    pub fn new(problem: Problem, threshold: f32, baseline: &[Vec<f32>], logits: &[Vec<f32>]) -> Self {
        let same = same_decisions(problem, threshold, baseline, logits);
        let flips = same.map(|same| same.iter().filter(|same| !**same).count());
        let (reference, values) = (baseline.concat(), logits.concat());
        Difference {
            agreement: flips.map(|flips| 1.0 - flips as f64 / logits.len().max(1) as f64),
            flips,
            logit_max: max_difference(&reference, &values),
            logit_rmse: rmse(&reference, &values),
            sqnr_db: sqnr_db(&reference, &values),
            rank_correlation: (logits.len() > 1).then(|| rank_correlation(baseline, logits)),
        }
    }
}

/// Whether both models decide the same, for every input; `None` for scores.
pub fn same_decisions(
    problem: Problem,
    threshold: f32,
    baseline: &[Vec<f32>],
    logits: &[Vec<f32>],
) -> Option<Vec<bool>> {
    if problem == Problem::Regression {
        return None;
    }
    let decided = |logits: &[f32]| Target::predicted(problem, threshold, logits);
    Some(baseline.iter().zip(logits).map(|(a, b)| decided(a) == decided(b)).collect())
}

/// The 95 % confidence interval of the share of inputs that are decided the same, given [`same_decisions`].
pub fn agreement_interval(same: &[bool]) -> Interval {
    let share = |chosen: &[usize]| chosen.iter().filter(|&&at| same[at]).count() as f64 / same.len() as f64;
    bootstrap(same.len(), |chosen| vec![share(chosen)])[0]
}

/// The mean over labels of Spearman's coefficient. A label whose logits are constant in both models counts as 1.
pub fn rank_correlation(baseline: &[Vec<f32>], logits: &[Vec<f32>]) -> f64 {
    let labels = logits.first().map_or(0, Vec::len);
    let of_label = |label: usize| {
        let pairs: Vec<(f64, f64)> =
            baseline.iter().zip(logits).map(|(a, b)| (a[label].into(), b[label].into())).collect();
        let constant = pairs.iter().all(|pair| *pair == pairs[0]);
        if constant { 1.0 } else { spearman(&pairs) }
    };
    (0..labels).map(of_label).sum::<f64>() / labels.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_and_logits_are_compared() {
        let baseline = [vec![1.0, 2.0], vec![2.0, 1.0], vec![0.0, 3.0]];
        let logits = [vec![1.0, 2.5], vec![1.0, 1.5], vec![0.0, 3.0]];
        let found = Difference::new(Problem::SingleLabel, 0.5, &baseline, &logits);
        assert_eq!((found.flips, found.logit_max), (Some(1), 1.0));
        assert!((found.agreement.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        // Differences 0.5, 1 and 0.5 among six values; the sum of squares is 1.5 beside a signal of 19.
        assert!((found.logit_rmse - 0.5).abs() < 1e-12);
        assert!((found.sqnr_db.unwrap() - 10.0 * (19.0f64 / 1.5).log10()).abs() < 1e-9);
        // Ranks 2 3 1 and 2.5 2.5 1: √3/2; ranks 2 1 3 and 2 1 3: 1.
        assert!((found.rank_correlation.unwrap() - (0.75f64.sqrt() + 1.0) / 2.0).abs() < 1e-12);

        let sets = Difference::new(Problem::MultiLabel, 0.8, &baseline, &logits);
        assert_eq!(sets.flips, Some(1), "sigmoid(1.0) and sigmoid(1.5) lie on both sides of 0.8");
        let scores = Difference::new(Problem::Regression, 0.5, &[vec![1.0], vec![2.0]], &[vec![1.0], vec![2.0]]);
        assert_eq!((scores.flips, scores.agreement, scores.sqnr_db), (None, None, None));
        assert_eq!(scores.rank_correlation, Some(1.0));
    }
}
