//! Quality and speed metrics: accuracy, F1, signal to noise ratio, latency.

use serde::Serialize;

/// Counts predictions against labels. Class 1 is the positive class of F1; there may be more than two classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    true_positive: usize,
    false_positive: usize,
    false_negative: usize,
    correct: usize,
    total: usize,
}

impl Counts {
    /// Counts one prediction. Both arguments are class ids.
    pub fn add(&mut self, predicted: usize, label: usize) {
        self.total += 1;
        self.correct += usize::from(predicted == label);
        self.true_positive += usize::from(predicted == 1 && label == 1);
        self.false_positive += usize::from(predicted == 1 && label != 1);
        self.false_negative += usize::from(predicted != 1 && label == 1);
    }

    /// The share of correct predictions, 0 to 1. Returns 0 if nothing was counted.
    pub fn accuracy(&self) -> f64 {
        ratio(self.correct, self.total)
    }

    /// F1 of class 1 as GLUE defines it: `2·TP / (2·TP + FP + FN)`, 0 to 1. Returns 0 if the denominator is 0.
    pub fn f1(&self) -> f64 {
        ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The signal to quantization noise ratio in decibels: `10·log10(Σ reference² / Σ (reference − value)²)`. Returns `None` if
/// the signal or the noise is 0.
pub fn sqnr_db(reference: &[f32], values: &[f32]) -> Option<f64> {
    let signal: f64 = reference.iter().map(|&r| f64::from(r).powi(2)).sum();
    let noise: f64 = reference.iter().zip(values).map(|(&r, &v)| (f64::from(r) - f64::from(v)).powi(2)).sum();
    (signal > 0.0 && noise > 0.0).then(|| 10.0 * (signal / noise).log10())
}

/// The root mean square of `reference − value`. Returns 0 for empty slices.
pub fn rmse(reference: &[f32], values: &[f32]) -> f64 {
    let squares: f64 = reference.iter().zip(values).map(|(&r, &v)| (f64::from(r) - f64::from(v)).powi(2)).sum();
    (squares / reference.len().max(1) as f64).sqrt()
}

/// The index of the largest value; the first if several are equal. Returns 0 for an empty slice.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best
}

/// Statistics of durations in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// The number of measurements.
    pub runs: usize,
    /// The mean.
    pub mean_ms: f64,
    /// The shortest.
    pub min_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// The 90th percentile, by nearest rank.
    pub p90_ms: f64,
    /// The 99th percentile, by nearest rank.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Latency {
    /// Summarizes `durations` in milliseconds. Returns `None` if there are none.
    pub fn new(durations: &[f64]) -> Option<Self> {
        let mut sorted = durations.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        Some(Latency {
            runs: sorted.len(),
            mean_ms: sorted.iter().sum::<f64>() / sorted.len() as f64,
            min_ms: min,
            p50_ms: median(&sorted),
            p90_ms: percentile(&sorted, 0.90),
            p99_ms: percentile(&sorted, 0.99),
            max_ms: max,
        })
    }
}

/// The median of ascending values.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] }
}

/// The nearest-rank percentile of ascending values, for a share from 0 to 1.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_one_is_the_positive_class() {
        let mut counts = Counts::default();
        for (predicted, label) in [(1, 1), (1, 1), (1, 0), (0, 1), (0, 0), (2, 1)] {
            counts.add(predicted, label);
        }
        assert_eq!(counts.accuracy(), 0.5);
        assert!((counts.f1() - 4.0 / 7.0).abs() < 1e-12);
        assert_eq!(Counts::default().f1(), 0.0);
    }

    #[test]
    fn sqnr_is_in_decibels() {
        assert!((sqnr_db(&[1.0, -1.0], &[1.1, -1.1]).unwrap() - 20.0).abs() < 1e-4);
        assert_eq!(sqnr_db(&[1.0], &[1.0]), None);
        assert_eq!(sqnr_db(&[0.0], &[1.0]), None);
        assert!((rmse(&[0.0, 0.0], &[3.0, -3.0]) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn latencies_are_ranked() {
        let durations: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let latency = Latency::new(&durations).unwrap();
        assert_eq!((latency.p50_ms, latency.p90_ms, latency.p99_ms), (50.5, 90.0, 99.0));
        assert_eq!((latency.min_ms, latency.max_ms, latency.runs), (1.0, 100.0, 100));
        assert_eq!(Latency::new(&[3.0]).unwrap().p50_ms, 3.0);
        assert!(Latency::new(&[]).is_none());
    }

    #[test]
    fn the_first_of_equal_values_wins() {
        assert_eq!(argmax(&[0.5, 2.0, 2.0, -1.0]), 1);
    }
}
