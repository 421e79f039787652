//! How clearly logits decide.

use super::{argmax, sigmoid};
use crate::task::Problem;

/// Returns the margin, in `logits`, of the decision that a model for `problem` makes with `baseline`: how far the logits are
/// from another decision. It is negative if `logits` decide otherwise. With `baseline` as `logits`, it is the baseline's own
/// margin. Both slices hold one logit per label.
///
/// - One label applies: the logit of the baseline's label less the largest of the others.
/// - Labels apply independently: the least distance of a logit from that of the probability `threshold`.
///
/// Returns `None` if there is nothing to decide: for scores, and for a model that chooses among fewer than two labels.
///
/// ```
/// use bert8::metrics::decision_margin;
/// use bert8::task::Problem;
///
/// let (fp32, int8) = ([0.5, 2.0], [1.0, 0.75]);
/// assert_eq!(decision_margin(Problem::SingleLabel, 0.5, &fp32, &fp32), Some(1.5));
/// assert_eq!(decision_margin(Problem::SingleLabel, 0.5, &fp32, &int8), Some(-0.25));
/// ```
pub fn decision_margin(problem: Problem, threshold: f32, baseline: &[f32], logits: &[f32]) -> Option<f64> {
    let least = |distances: &mut dyn Iterator<Item = f64>| distances.reduce(f64::min);
    match problem {
        Problem::Regression => None,
        Problem::SingleLabel => {
            let decided = argmax(baseline);
            let others = logits.iter().enumerate().filter(|(label, _)| *label != decided);
            least(&mut others.map(|(_, other)| f64::from(logits[decided]) - f64::from(*other)))
        }
        Problem::MultiLabel => {
            let boundary = libm::log(f64::from(threshold / (1.0 - threshold)));
            let distance = |(baseline, logit): (&f32, &f32)| {
                let above = f64::from(*logit) - boundary;
                if sigmoid(*baseline) >= threshold { above } else { -above }
            };
            least(&mut baseline.iter().zip(logits).map(distance))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_those_of_the_baseline_s_decision() {
        let margin = |problem, baseline: &[f32], logits: &[f32]| decision_margin(problem, 0.5, baseline, logits);
        assert_eq!(margin(Problem::SingleLabel, &[1.0, 4.0, 2.0], &[1.0, 4.0, 2.0]), Some(2.0));
        assert_eq!(margin(Problem::SingleLabel, &[1.0, 4.0, 2.0], &[5.0, 4.0, 2.0]), Some(-1.0));
        assert_eq!(margin(Problem::SingleLabel, &[1.0], &[1.0]), None);
        assert_eq!(margin(Problem::MultiLabel, &[3.0, -0.5], &[3.0, -0.5]), Some(0.5));
        assert_eq!(margin(Problem::MultiLabel, &[3.0, -0.5], &[2.0, 0.25]), Some(-0.25));
        assert_eq!(margin(Problem::MultiLabel, &[3.0], &[3.0]), Some(3.0));
        assert_eq!(margin(Problem::Regression, &[3.0], &[3.0]), None);
        let strict = decision_margin(Problem::MultiLabel, 0.75, &[2.0], &[2.0]).unwrap();
        assert!((strict - (2.0 - 3f64.ln())).abs() < 1e-6, "the logit of 0.75 is ln 3");
    }
}
