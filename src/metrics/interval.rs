//! Confidence intervals.

use crate::rng::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Serialize for Interval {
    /// Writes `[low, high]`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.low, self.high].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Interval {
    /// Reads `[low, high]`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[f64; 2]>::deserialize(deserializer).map(|[low, high]| Interval { low, high })
    }
}

/// How often [`bootstrap`] draws.
const DRAWS: usize = 1000;

/// The 95 % confidence intervals of metrics over `len` inputs, by the percentile bootstrap: `metrics` is called with 1000 random
/// choices of `len` inputs, with repetition; the interval of each of its values reaches from the 2.5th to the 97.5th
/// percentile. The generator starts at a fixed seed, so the same inputs always have the same intervals.
///
/// After Efron 1979, "Bootstrap Methods: Another Look at the Jackknife".
///
/// ```
/// use bert8::metrics::bootstrap;
///
/// let right = [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0];
/// let mean = |chosen: &[usize]| chosen.iter().map(|&at| right[at]).sum::<f64>() / chosen.len() as f64;
/// let interval = bootstrap(right.len(), |chosen| vec![mean(chosen)])[0];
/// assert!(interval.low < 0.75 && interval.high > 0.75);
/// ```
pub fn bootstrap(len: usize, mut metrics: impl FnMut(&[usize]) -> Vec<f64>) -> Vec<Interval> {
    let mut rng = Rng::new(0);
    let mut chosen = vec![0; len];
    let mut draws: Vec<Vec<f64>> = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        chosen.iter_mut().for_each(|at| *at = rng.below(len));
        draws.push(metrics(&chosen));
    }
    let interval = |at: usize| {
        let mut values: Vec<f64> = draws.iter().map(|draw| draw[at]).collect();
        values.sort_by(f64::total_cmp);
        // The 25th of 1000 values from either end.
        let tail = DRAWS / 40;
        Interval { low: values[tail - 1], high: values[DRAWS - tail] }
    };
    (0..draws[0].len()).map(interval).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_share_is_the_binomial_s() {
        // 80 of 100: the standard error is √(0.8 · 0.2 / 100) = 0.04, so the interval is about 0.72 to 0.88. Bounds are
        // multiples of 0.01, and 1000 draws place them within 0.01.
        let share = |chosen: &[usize]| chosen.iter().filter(|&&at| at < 80).count() as f64 / 100.0;
        let intervals = bootstrap(100, |chosen| vec![share(chosen), 7.0]);
        assert!((intervals[0].low - 0.72).abs() < 0.015 && (intervals[0].high - 0.88).abs() < 0.015, "{intervals:?}");
        assert_eq!(intervals[1], Interval { low: 7.0, high: 7.0 });
        assert_eq!(bootstrap(100, |chosen| vec![share(chosen)])[0], intervals[0]);
        assert!(bootstrap(0, |_| vec![]).is_empty());
    }
}
