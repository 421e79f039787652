//! Histograms of activations.

use serde::{Deserialize, Serialize};

/// Counts of values in bins of equal width from `min` to `max`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The lowest value.
    pub min: f32,
    /// The highest value.
    pub max: f32,
    /// The number of values in every bin.
    pub counts: Vec<u32>,
}

impl Histogram {
    /// Counts `values` in `bins` bins between their minimum and maximum. Needs at least one value and one bin.
    pub fn new(values: &[f32], bins: usize) -> Self {
        let span = |(min, max): (f32, f32), &x: &f32| (min.min(x), max.max(x));
        let (min, max) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), span);
        let mut counts = vec![0; bins];
        let per_width = bins as f32 / (max - min).max(f32::MIN_POSITIVE);
        for x in values {
            counts[(((x - min) * per_width) as usize).min(bins - 1)] += 1;
        }
        Histogram { min, max, counts }
    }

    /// The width of a bin.
    fn width(&self) -> f32 {
        (self.max - self.min) / self.counts.len() as f32
    }

    /// The center and count of every bin that is not empty.
    pub fn centers(&self) -> impl Iterator<Item = (f32, f64)> {
        let (min, width) = (self.min, self.width());
        let center = move |bin: usize| min + (bin as f32 + 0.5) * width;
        let bins = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        bins.map(move |(bin, &count)| (center(bin), f64::from(count)))
    }

    /// The value below which the given share (0 to 1) of all values lies, by linear interpolation within a bin.
    pub fn quantile(&self, share: f64) -> f32 {
        let total: f64 = self.counts.iter().map(|&count| f64::from(count)).sum();
        let mut left = share.clamp(0.0, 1.0) * total;
        for (bin, &count) in self.counts.iter().enumerate() {
            let count = f64::from(count);
            if count > 0.0 && left <= count {
                return self.min + (bin as f32 + (left / count) as f32) * self.width();
            }
            left -= count;
        }
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_even_values() {
        let values: Vec<f32> = (0..=1000).map(|x| x as f32 - 200.0).collect();
        let histogram = Histogram::new(&values, 100);
        assert_eq!((histogram.min, histogram.max), (-200.0, 800.0));
        assert_eq!(histogram.counts.iter().sum::<u32>(), 1001);
        for (share, expected) in [(0.0, -200.0), (0.25, 50.0), (0.5, 300.0), (1.0, 800.0)] {
            assert!((histogram.quantile(share) - expected).abs() < 2.0, "{share}");
        }
        assert_eq!(Histogram::new(&[3.0, 3.0], 4).quantile(0.5), 3.0);
    }
}
