//! What calibration sees of an activation.

use super::smooth::FeatureMap;
use crate::error::{Error, Result};

/// Rows of an activation that are kept whole, of all calibration tokens at even distances.
const KEPT_ROWS: usize = 2048;

/// Statistics of one activation `[tokens, features]` over calibration samples.
#[derive(Debug, Clone)]
pub struct Observer {
    features: usize,
    rows: usize,
    stride: usize,
    sample_min: Vec<f32>,
    sample_max: Vec<f32>,
    feature_sums: Vec<f64>,
    kept: Vec<f32>,
}

impl Observer {
    /// Will see `tokens` rows of `features` in all.
    pub fn new(features: usize, tokens: usize) -> Self {
        Observer {
            features,
            rows: 0,
            stride: tokens.div_ceil(KEPT_ROWS).max(1),
            sample_min: Vec::new(),
            sample_max: Vec::new(),
            feature_sums: vec![0.0; features],
            kept: Vec::new(),
        }
    }

    /// Takes in one sample: a row-major matrix. `name` is named in errors.
    ///
    /// # Errors
    /// If a value is not finite.
    pub fn observe(&mut self, values: &[f32], name: &str) -> Result<()> {
        let (mut min, mut max) = (vec![f32::INFINITY; self.features], vec![f32::NEG_INFINITY; self.features]);
        for row in values.chunks_exact(self.features) {
            for (((&x, min), max), sum) in row.iter().zip(&mut min).zip(&mut max).zip(&mut self.feature_sums) {
                (*min, *max) = (min.min(x), max.max(x));
                *sum += f64::from(x);
            }
            if self.rows.is_multiple_of(self.stride) {
                self.kept.extend(row);
            }
            self.rows += 1;
        }
        if !(min.iter().chain(&max).all(|x| x.is_finite()) && self.feature_sums.iter().all(|s| s.is_finite())) {
            return Err(not_finite(name));
        }
        self.sample_min.extend(min);
        self.sample_max.extend(max);
        Ok(())
    }

    /// Columns.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The lowest and highest value of every sample, once its features are mapped.
    pub fn sample_ranges(&self, map: &FeatureMap) -> Vec<(f32, f32)> {
        let samples = self.sample_min.chunks_exact(self.features).zip(self.sample_max.chunks_exact(self.features));
        let range = |(min, max)| {
            (map.apply(min).fold(f32::INFINITY, f32::min), map.apply(max).fold(f32::NEG_INFINITY, f32::max))
        };
        samples.map(range).collect()
    }

    /// The mean of every feature over all tokens.
    pub fn feature_means(&self) -> Vec<f32> {
        self.feature_sums.iter().map(|sum| (sum / self.rows.max(1) as f64) as f32).collect()
    }

    /// The lowest and highest value of every feature over all tokens.
    pub fn feature_ranges(&self) -> Vec<(f32, f32)> {
        let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); self.features];
        let samples = self.sample_min.chunks_exact(self.features).zip(self.sample_max.chunks_exact(self.features));
        for (lows, highs) in samples {
            for ((range, low), high) in ranges.iter_mut().zip(lows).zip(highs) {
                *range = (range.0.min(*low), range.1.max(*high));
            }
        }
        ranges
    }

    /// Some of the rows, mapped feature by feature: at most `count`, at even distances.
    pub fn rows(&self, count: usize, map: &FeatureMap) -> Vec<f32> {
        let stride = (self.kept.len() / self.features).div_ceil(count.max(1)).max(1);
        let mut rows = Vec::with_capacity(self.kept.len() / stride + self.features);
        for row in self.kept.chunks_exact(self.features).step_by(stride) {
            rows.extend(map.apply(row));
        }
        rows
    }
}

/// That the value `name` is no number.
pub fn not_finite(name: &str) -> Error {
    let problem = "became infinite or NaN during calibration; the model cannot be quantized";
    Error::tensor("calibration", name, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_per_sample_and_means_over_tokens() {
        let mut observer = Observer::new(2, 3);
        observer.observe(&[-1.0, 2.0, 0.0, 4.0], "x").unwrap();
        observer.observe(&[-3.0, 10.0], "x").unwrap();
        assert_eq!(observer.sample_ranges(&FeatureMap::identity(2)), [(-1.0, 4.0), (-3.0, 10.0)]);
        let map = FeatureMap { centers: vec![1.0, 0.0], divisors: vec![0.5, 4.0] };
        assert_eq!(observer.sample_ranges(&map), [(-4.0, 1.0), (-8.0, 2.5)]);
        assert_eq!(observer.feature_ranges(), [(-3.0, 0.0), (2.0, 10.0)]);
        let means = observer.feature_means();
        assert!((means[0] + 4.0 / 3.0).abs() < 1e-6 && (means[1] - 16.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn few_rows_are_kept_of_many() {
        let tokens = 3 * KEPT_ROWS;
        let mut observer = Observer::new(1, tokens);
        let values: Vec<f32> = (0..tokens).map(|at| at as f32).collect();
        values.chunks(100).for_each(|sample| observer.observe(sample, "x").unwrap());
        let half = FeatureMap { centers: vec![0.0], divisors: vec![0.5] };
        let rows = observer.rows(usize::MAX, &half);
        assert_eq!(rows.len(), KEPT_ROWS);
        assert_eq!(rows[..3], [0.0, 6.0, 12.0]);
        assert_eq!(observer.rows(2, &FeatureMap::identity(1)), [0.0, 3072.0]);
    }

    #[test]
    fn a_value_that_is_not_finite_is_named() {
        for bad in [f32::NAN, f32::INFINITY] {
            let error = Observer::new(2, 1).observe(&[0.0, bad], "layer.3").unwrap_err();
            assert!(error.to_string().contains("layer.3"));
        }
    }
}
