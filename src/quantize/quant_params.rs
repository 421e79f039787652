//! Scale, zero point and rounding: the single definition that the quantizer and the emitted graph share.

use crate::kernels::ROUND;
use serde::{Deserialize, Serialize};

/// The largest magnitude of a quantized weight. −128 is not used, so that the range is symmetric ("narrow range").
pub const WEIGHT_MAX: f32 = 127.0;

/// Affine quantization of floats to 8 bits: `x ≈ (q − zero_point) · scale`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantParams {
    /// The difference between the floats of neighbouring integers; positive and finite.
    pub scale: f32,
    /// The integer of 0.0.
    pub zero_point: u8,
}

impl QuantParams {
    /// Asymmetric u8 over `[min, max]`, widened to include 0: `scale = (max − min) / 255` and
    /// `zero_point = round_half_to_even(−min / scale)`. A range of zero width gets scale 1.
    pub fn asymmetric(min: f32, max: f32) -> Self {
        let (min, max) = (min.min(0.0), max.max(0.0));
        let scale = valid_scale((max - min) / 255.0);
        QuantParams { scale, zero_point: round_half_to_even(-min / scale).clamp(0.0, 255.0) as u8 }
    }

    /// Symmetric over `[−limit, limit]`: `scale = limit / 127`, u8 with zero point 128. Less 128, the integers are s8 with zero
    /// point 0.
    pub fn symmetric(limit: f32) -> Self {
        QuantParams { scale: valid_scale(limit / WEIGHT_MAX), zero_point: 128 }
    }

    /// Quantizes `x`: `saturate(round_half_to_even(x / scale) + zero_point)`.
    pub fn quantize(self, x: f32) -> u8 {
        (round_half_to_even(x / self.scale) + f32::from(self.zero_point)).clamp(0.0, 255.0) as u8
    }

    /// Quantizes and dequantizes `x`.
    pub fn fake_quantize(self, x: f32) -> f32 {
        (f32::from(self.quantize(x)) - f32::from(self.zero_point)) * self.scale
    }
}

/// `round_half_to_even(x)` for |x| ≤ 2²². Beyond that, returns a value close to x with the same sign. Much faster than
/// `f32::round_ties_even`, which is a library call on processors without SSE4.1.
fn round_half_to_even(x: f32) -> f32 {
    (x + ROUND) - ROUND
}

/// Returns `scale` if it is positive, normal and finite, else 1, so that dividing by it is safe.
pub fn valid_scale(scale: f32) -> f32 {
    if scale.is_normal() && scale > 0.0 { scale } else { 1.0 }
}

/// The scale that maps a row's largest magnitude to 127: `max |w| / 127`.
pub fn row_scale(row: &[f32]) -> f32 {
    valid_scale(row.iter().fold(0.0f32, |max, w| max.max(w.abs())) / WEIGHT_MAX)
}

/// Quantizes a weight: `round_half_to_even(w / scale)`, saturated to [−127, 127].
pub fn quantize_weight(w: f32, scale: f32) -> i8 {
    round_half_to_even(w / scale).clamp(-WEIGHT_MAX, WEIGHT_MAX) as i8
}

/// A matrix in symmetric s8 with one scale per row: `w ≈ q · scale`. Rows are the output channels of a linear layer, or the
/// entries of an embedding table.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedRows {
    /// The integers, row-major, in [−127, 127].
    pub values: Vec<i8>,
    /// One scale per row.
    pub scales: Vec<f32>,
}

impl QuantizedRows {
    /// Rounds a row-major matrix of `columns` columns to nearest, with `scale = max |w| / 127` for each row.
    pub fn new(weights: &[f32], columns: usize) -> Self {
        Self::with_scales(weights, weights.chunks_exact(columns).map(row_scale).collect())
    }

    /// Rounds a row-major matrix to nearest, with the given scale for each row.
    pub fn with_scales(weights: &[f32], scales: Vec<f32>) -> Self {
        let columns = weights.len().checked_div(scales.len()).unwrap_or(0).max(1);
        let mut values = Vec::with_capacity(weights.len());
        for (row, &scale) in weights.chunks(columns).zip(&scales) {
            values.extend(row.iter().map(|&w| quantize_weight(w, scale)));
        }
        QuantizedRows { values, scales }
    }

    /// Dequantizes all values, row-major: `q · scale`.
    pub fn dequantized(&self) -> Vec<f32> {
        let columns = self.values.len().checked_div(self.scales.len()).unwrap_or(0).max(1);
        let mut floats = Vec::with_capacity(self.values.len());
        for (row, &scale) in self.values.chunks(columns).zip(&self.scales) {
            floats.extend(row.iter().map(|&q| f32::from(q) * scale));
        }
        floats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_to_even_and_large_values_saturate() {
        let halves = (-600..=600).map(|half| half as f32 / 2.0);
        let near = halves.clone().flat_map(|x| [x.next_down(), x, x.next_up()]);
        let large = [4_194_303.5, 4_194_304.0, -4_194_303.5].into_iter();
        for x in near.chain(large) {
            assert_eq!(round_half_to_even(x), x.round_ties_even(), "{x}");
        }
        let params = QuantParams { scale: 1.0, zero_point: 7 };
        for x in [4_194_304.5, 8_388_607.5, 12_582_912.0, 1e10, f32::MAX, f32::INFINITY] {
            assert_eq!((quantize_weight(x, 1.0), quantize_weight(-x, 1.0)), (127, -127), "{x}");
            assert_eq!((params.quantize(x), params.quantize(-x)), (255, 0), "{x}");
        }
        assert_eq!((quantize_weight(f32::NAN, 1.0), params.quantize(f32::NAN)), (0, 0));
    }

    #[test]
    fn zero_is_always_exact() {
        for (min, max) in [(-3.0, 5.0), (1.0, 5.0), (-7.0, -2.0), (0.0, 0.0), (-1e-30, 1e-30), (-1.0, 0.0)] {
            let p = QuantParams::asymmetric(min, max);
            assert!(p.scale > 0.0 && p.scale.is_finite(), "{min}..{max}");
            let low = (0.0 - f32::from(p.zero_point)) * p.scale;
            let high = (255.0 - f32::from(p.zero_point)) * p.scale;
            assert!(low <= 0.0 && high >= 0.0);
            if p.scale != 1.0 {
                assert!(low <= min.min(0.0) + p.scale && high >= max.max(0.0) - p.scale);
            }
        }
    }

    #[test]
    fn each_row_has_its_own_scale_and_errs_by_half_a_step_at_most() {
        let weights = [0.5, -1.0, 0.25, 100.0, 3.0, -50.0, 0.0, 0.0, 0.0];
        let rows = QuantizedRows::new(&weights, 3);
        assert_eq!(rows.scales, [1.0 / 127.0, 100.0 / 127.0, 1.0]);
        assert_eq!(rows.values[1], -127);
        for (i, (got, want)) in rows.dequantized().into_iter().zip(weights).enumerate() {
            assert!((got - want).abs() <= rows.scales[i / 3] * 0.5001);
        }
    }
}
