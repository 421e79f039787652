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

/// The 95 % confidence interval of a share, if `found` of `len` inputs count. Unlike [`bootstrap`]'s, it has a width where all
/// or none do. Returns the interval from 0 to 1 for no inputs.
///
/// After Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
pub fn share_interval(found: usize, len: usize) -> Interval {
    // The 97.5th percentile of the normal distribution.
    const Z: f64 = 1.959964;
    if len == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (n, share) = (len as f64, found.min(len) as f64 / len as f64);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let bound = |value: f64| (value / (1.0 + Z * Z / n)).clamp(0.0, 1.0);
    Interval { low: bound(middle - half), high: bound(middle + half) }
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

    #[test]
    fn shares_of_nothing_and_everything_have_a_width() {
        // Wilson's bounds for 0 of 64 and 5 of 10, from tables.
        let (none, half) = (share_interval(0, 64), share_interval(5, 10));
        assert!(none.low < 1e-12 && (none.high - 0.0566).abs() < 1e-4, "{none:?}");
        assert!((half.low - 0.2366).abs() < 1e-4 && (half.high - 0.7634).abs() < 1e-4, "{half:?}");
        assert!((share_interval(64, 64).low - 0.9434).abs() < 1e-4);
        assert_eq!(share_interval(0, 0), Interval { low: 0.0, high: 1.0 });
    }
}
