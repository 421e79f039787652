//! From float weights to integers.

use super::gptq::Gptq;
use super::options::Rounding;
use super::params::{QuantizedRows, round_weight, row_scale};

/// A method of rounding, with what it takes from the inputs of the layers that are rounded.
pub enum Rounder {
    Nearest {
        features: usize,
    },
    /// The mean square of every feature.
    Mse {
        powers: Vec<f32>,
    },
    Gptq(Gptq),
}

impl Rounder {
    /// For layers that see `inputs` `[rows, features]`.
    pub fn new(method: Rounding, inputs: &[f32], features: usize) -> Self {
        match method {
            Rounding::Nearest => Rounder::Nearest { features },
            Rounding::Mse => Rounder::Mse { powers: powers(inputs, features) },
            Rounding::Gptq => Rounder::Gptq(Gptq::new(inputs, features)),
        }
    }

    /// Rounds the `weights` `[out, features]` of a layer.
    pub fn round(&self, weights: &[f32]) -> QuantizedRows {
        match self {
            Rounder::Nearest { features } => QuantizedRows::new(weights, *features),
            Rounder::Mse { powers } => QuantizedRows::with_scales(weights, least_squares_scales(weights, powers)),
            Rounder::Gptq(gptq) => gptq.round(weights),
        }
    }
}

/// The mean square of every feature.
fn powers(inputs: &[f32], features: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; features];
    for row in inputs.chunks_exact(features) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += f64::from(x * x);
        }
    }
    let rows = (inputs.len() / features).max(1) as f64;
    sums.into_iter().map(|sum| (sum / rows) as f32).collect()
}

/// For every row the scale, of 60 to 100 % of [`row_scale`], with the least `Σ_j power_j · (w_j − ŵ_j)²`.
fn least_squares_scales(weights: &[f32], powers: &[f32]) -> Vec<f32> {
    let error = |row: &[f32], scale: f32| -> f64 {
        let errors = row.iter().map(|&w| w - f32::from(round_weight(w, scale)) * scale);
        errors.zip(powers).map(|(error, power)| f64::from(error * error * power)).sum()
    };
    let best = |row: &[f32]| {
        let largest = row_scale(row);
        let scales = (30..=50).rev().map(|step| largest * (step as f32 / 50.0));
        let scored = scales.map(|scale| (error(row, scale), scale));
        scored.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(largest, |(_, scale)| scale)
    };
    weights.chunks_exact(powers.len()).map(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn an_outlier_of_little_power_is_cut() {
        let mut rng = Rng::new(2);
        let mut weights: Vec<f32> = (0..64).map(|_| rng.normal()).collect();
        weights[7] = 5.0;
        let inputs: Vec<f32> = (0..64).map(|j| if j == 7 { 1e-4 } else { 1.0 }).collect();
        let plain = Rounder::new(Rounding::Nearest, &inputs, 64).round(&weights);
        let cut = Rounder::new(Rounding::Mse, &inputs, 64).round(&weights);
        assert!(cut.scales[0] < 0.8 * plain.scales[0], "{} {}", cut.scales[0], plain.scales[0]);
        assert_eq!(cut.values[7], 127);
        // Where the outlier has power, it decides the scale.
        assert!(Rounder::new(Rounding::Mse, &[1.0; 64], 64).round(&weights).scales[0] > 0.9 * plain.scales[0]);
    }

    #[test]
    fn rows_of_zeros_have_a_scale() {
        for method in [Rounding::Nearest, Rounding::Mse, Rounding::Gptq] {
            let rows = Rounder::new(method, &[1.0; 3], 3).round(&[0.0; 6]);
            assert!(rows.values == [0; 6] && rows.scales.iter().all(|s| s.is_normal() && *s > 0.0), "{method:?}");
        }
    }
}
