//! Rounds float weights to integers.

use super::gptq::Gptq;
use super::options::Rounding;
use super::quant_params::{QuantizedRows, quantize_weight, row_scale};

/// A rounding method, prepared for the inputs of the layers whose weights it rounds.
pub enum WeightRounder {
    /// Rounds to nearest.
    Nearest {
        /// The number of input channels.
        channels: usize,
    },
    /// Rounds to nearest, on the scale of the least error.
    Mse {
        /// The mean square of every input channel.
        mean_squares: Vec<f32>,
    },
    /// Rounds by GPTQ.
    Gptq(Gptq),
}

impl WeightRounder {
    /// Prepares `method` for layers that read `inputs` `[rows, channels]`.
    pub fn new(method: Rounding, inputs: &[f32], channels: usize) -> Self {
        match method {
            Rounding::Nearest => WeightRounder::Nearest { channels },
            Rounding::Mse => WeightRounder::Mse { mean_squares: mean_squares(inputs, channels) },
            Rounding::Gptq => WeightRounder::Gptq(Gptq::new(inputs, channels)),
        }
    }

    /// Rounds the `weights` `[out, in]` of one layer, with one scale per output channel.
    pub fn round(&self, weights: &[f32]) -> QuantizedRows {
        match self {
            WeightRounder::Nearest { channels } => QuantizedRows::new(weights, *channels),
            WeightRounder::Mse { mean_squares } => {
                QuantizedRows::with_scales(weights, least_squares_scales(weights, mean_squares))
            }
            WeightRounder::Gptq(gptq) => gptq.round(weights),
        }
    }
}

/// The mean square of every channel of `inputs` `[rows, channels]`.
fn mean_squares(inputs: &[f32], channels: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; channels];
    for row in inputs.chunks_exact(channels) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += f64::from(x * x);
        }
    }
    let rows = (inputs.len() / channels).max(1) as f64;
    sums.into_iter().map(|sum| (sum / rows) as f32).collect()
}

/// The scale of every row of `weights` `[out, in]` with the least `Σ_j E[x_j²] · (w_j − ŵ_j)²`, among 60 to 100 % of
/// [`row_scale`] in steps of 2 %.
fn least_squares_scales(weights: &[f32], mean_squares: &[f32]) -> Vec<f32> {
    let error = |row: &[f32], scale: f32| -> f64 {
        let errors = row.iter().map(|&w| w - f32::from(quantize_weight(w, scale)) * scale);
        errors.zip(mean_squares).map(|(error, square)| f64::from(error * error * square)).sum()
    };
    let best = |row: &[f32]| {
        let largest = row_scale(row);
        let scales = (30..=50).rev().map(|step| largest * (step as f32 / 50.0));
        let scored = scales.map(|scale| (error(row, scale), scale));
        scored.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(largest, |(_, scale)| scale)
    };
    weights.chunks_exact(mean_squares.len()).map(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn an_outlier_on_a_weak_channel_is_clipped() {
        let mut rng = Rng::new(2);
        let mut weights: Vec<f32> = (0..64).map(|_| rng.normal()).collect();
        weights[7] = 5.0;
        let inputs: Vec<f32> = (0..64).map(|j| if j == 7 { 1e-4 } else { 1.0 }).collect();
        let nearest = WeightRounder::new(Rounding::Nearest, &inputs, 64).round(&weights);
        let clipped = WeightRounder::new(Rounding::Mse, &inputs, 64).round(&weights);
        assert!(clipped.scales[0] < 0.8 * nearest.scales[0], "{} {}", clipped.scales[0], nearest.scales[0]);
        assert_eq!(clipped.values[7], 127);
        // On a strong channel, the outlier sets the scale.
        assert!(WeightRounder::new(Rounding::Mse, &[1.0; 64], 64).round(&weights).scales[0] > 0.9 * nearest.scales[0]);
    }

    #[test]
    fn rows_of_zeros_have_a_scale() {
        for method in [Rounding::Nearest, Rounding::Mse, Rounding::Gptq] {
            let rows = WeightRounder::new(method, &[1.0; 3], 3).round(&[0.0; 6]);
            assert!(rows.values == [0; 6] && rows.scales.iter().all(|s| s.is_normal() && *s > 0.0), "{method:?}");
        }
    }
}
