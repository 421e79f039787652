//! All metrics of a model, with intervals, beside those of its baseline.

use super::{Answers, Interval, Metric, bootstrap};

/// A metric of a model with its 95 % confidence interval, beside its baseline, if any.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The metric.
    pub metric: Metric,
    /// The model's value.
    pub value: f64,
    /// The interval of the model's value.
    pub interval: Interval,
    /// The baseline's value and interval, and the interval of the difference `value − baseline`.
    pub baseline: Option<(f64, Interval, Interval)>,
}

/// Measures every metric that fits the answers of a model, with intervals. The bootstrap draws the same inputs for the model and
/// its baseline, so that the interval of the difference is that of paired samples.
pub fn measure(ours: &Answers, theirs: Option<&Answers>) -> Vec<Measured> {
    let metrics = ours.metrics();
    let all: Vec<usize> = (0..ours.len()).collect();
    let values = |chosen: &[usize]| {
        let mut values = ours.values(chosen);
        if let Some(theirs) = theirs {
            let baseline = theirs.values(chosen);
            let changes: Vec<f64> = values.iter().zip(&baseline).map(|(a, b)| a - b).collect();
            values.extend(baseline);
            values.extend(changes);
        }
        values
    };
    let (found, intervals) = (values(&all), bootstrap(ours.len(), values));
    let count = metrics.len();
    let measured = metrics.iter().enumerate().map(|(at, &metric)| Measured {
        metric,
        value: found[at],
        interval: intervals[at],
        baseline: theirs.map(|_| (found[count + at], intervals[count + at], intervals[2 * count + at])),
    });
    measured.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_and_baseline_are_measured_on_the_same_draws() {
        let answers = |wrong: usize| Answers::Classes(2, (0..40).map(|at| (usize::from(at < wrong), 0)).collect());
        let alone = measure(&answers(4), None);
        assert!(alone.iter().all(|found| found.baseline.is_none()));
        let found = measure(&answers(4), Some(&answers(4)));
        let accuracy = found.iter().find(|found| found.metric == Metric::Accuracy).unwrap();
        assert_eq!(accuracy.value, 0.9);
        let (baseline, interval, change) = accuracy.baseline.unwrap();
        assert_eq!((baseline, interval), (0.9, accuracy.interval));
        assert_eq!(change, Interval { low: 0.0, high: 0.0 }, "equal models do not differ in any draw");
    }
}
