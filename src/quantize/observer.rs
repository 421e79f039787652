//! What calibration sees of an activation.

use crate::error::{Error, Result};

/// Running statistics of one activation `[tokens, features]` over calibration samples.
#[derive(Debug, Clone, Default)]
pub struct Observer {
    samples: usize,
    rows: usize,
    min_sum: f64,
    max_sum: f64,
    /// The lowest value seen.
    pub min: f32,
    /// The highest value seen.
    pub max: f32,
    feature_sums: Vec<f64>,
}

impl Observer {
    /// Takes in one sample: a row-major matrix of `features` columns. `name` is named in errors.
    ///
    /// # Errors
    /// If a value is not finite.
    pub fn observe(&mut self, values: &[f32], features: usize, name: &str) -> Result<()> {
        let (min, max) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), &v| (lo.min(v), hi.max(v)));
        self.feature_sums.resize(features, 0.0);
        for row in values.chunks_exact(features) {
            for (sum, &value) in self.feature_sums.iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        if !(min.is_finite() && max.is_finite() && self.feature_sums.iter().all(|s| s.is_finite())) {
            let problem = "became infinite or NaN during calibration; the model cannot be quantized";
            return Err(Error::tensor("calibration", name, problem));
        }
        (self.min, self.max) = if self.samples == 0 { (min, max) } else { (self.min.min(min), self.max.max(max)) };
        self.samples += 1;
        self.rows += values.len() / features;
        self.min_sum += f64::from(min);
        self.max_sum += f64::from(max);
        Ok(())
    }

    /// The mean over samples of each sample's lowest and highest value ("mean-min-max", NNCF's default).
    pub fn mean_min_max(&self) -> (f32, f32) {
        let samples = self.samples.max(1) as f64;
        ((self.min_sum / samples) as f32, (self.max_sum / samples) as f32)
    }

    /// The mean of every feature over all tokens.
    pub fn feature_means(&self) -> Vec<f32> {
        self.feature_sums.iter().map(|sum| (sum / self.rows.max(1) as f64) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_averaged_over_samples_and_means_over_tokens() {
        let mut observer = Observer::default();
        observer.observe(&[-1.0, 2.0, 0.0, 4.0], 2, "x").unwrap();
        observer.observe(&[-3.0, 10.0], 2, "x").unwrap();
        assert_eq!(observer.mean_min_max(), (-2.0, 7.0));
        assert_eq!((observer.min, observer.max), (-3.0, 10.0));
        let means = observer.feature_means();
        assert!((means[0] + 4.0 / 3.0).abs() < 1e-6 && (means[1] - 16.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_value_that_is_not_finite_is_named() {
        for bad in [f32::NAN, f32::INFINITY] {
            let error = Observer::default().observe(&[0.0, bad], 2, "layer.3").unwrap_err();
            assert!(error.to_string().contains("layer.3"));
        }
    }
}
