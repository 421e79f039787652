//! Statistics of durations.

use serde::Serialize;

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
    fn latencies_are_ranked() {
        let durations: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let latency = Latency::new(&durations).unwrap();
        assert_eq!((latency.p50_ms, latency.p90_ms, latency.p99_ms), (50.5, 90.0, 99.0));
        assert_eq!((latency.min_ms, latency.max_ms, latency.runs), (1.0, 100.0, 100));
        assert_eq!(Latency::new(&[3.0]).unwrap().p50_ms, 3.0);
        assert!(Latency::new(&[]).is_none());
    }
}
