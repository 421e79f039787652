//! Scale, zero point and rounding: the one definition that the quantizer, the emitted graph and the tests share.

use crate::kernels::ROUND;
use serde::{Deserialize, Serialize};

/// The largest magnitude of a quantized weight. −128 is left out, so that the range is symmetric ("narrow range").
pub const WEIGHT_MAX: f32 = 127.0;

/// An affine mapping between floats and 8-bit integers: `x ≈ (q − zero_point) · scale`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantParams {
    /// The float step between neighbouring integers; positive and finite.
    pub scale: f32,
    /// The integer that stands for 0.0.
    pub zero_point: u8,
}

impl QuantParams {
    /// Asymmetric u8 over `[min, max]`, widened to hold 0: `scale = (max − min) / 255`, `zero_point =
    /// round(−min / scale)`. A range of zero width gets scale 1.
    pub fn asymmetric(min: f32, max: f32) -> Self {
        let (min, max) = (min.min(0.0), max.max(0.0));
        let scale = safe_scale((max - min) / 255.0);
        QuantParams { scale, zero_point: nearest(-min / scale).clamp(0.0, 255.0) as u8 }
    }

    /// Symmetric over `[−limit, limit]` with `scale = limit / 127`: u8 with zero point 128, or, shifted, s8 with 0.
    pub fn symmetric(limit: f32) -> Self {
        QuantParams { scale: safe_scale(limit / WEIGHT_MAX), zero_point: 128 }
    }

    /// The integer of `x`: `saturate(round_half_to_even(x / scale) + zero_point)`.
    pub fn quantize(self, x: f32) -> u8 {
        (nearest(x / self.scale) + f32::from(self.zero_point)).clamp(0.0, 255.0) as u8
    }

    /// The float that the integer of `x` stands for.
    pub fn round_trip(self, x: f32) -> f32 {
        (f32::from(self.quantize(x)) - f32::from(self.zero_point)) * self.scale
    }
}

/// `round_half_to_even(x)` for |x| ≤ 2²²; near to x, and of its sign, beyond. Many times as fast as `f32::round_ties_even`, for
/// which the oldest processors that are built for have no instruction.
fn nearest(x: f32) -> f32 {
    (x + ROUND) - ROUND
}

/// A scale that can be divided by: 1 in place of zero, of denormals and of what is not finite.
pub fn safe_scale(scale: f32) -> f32 {
    if scale.is_normal() && scale > 0.0 { scale } else { 1.0 }
}

/// The scale by which a row's largest weight becomes 127.
pub fn row_scale(row: &[f32]) -> f32 {
    safe_scale(row.iter().fold(0.0f32, |max, w| max.max(w.abs())) / WEIGHT_MAX)
}

/// `round_half_to_even(w / scale)`, saturated to [−127, 127].
pub fn round_weight(w: f32, scale: f32) -> i8 {
    nearest(w / scale).clamp(-WEIGHT_MAX, WEIGHT_MAX) as i8
}

/// Symmetric s8 with one scale per row: `scale = max |w| / 127`, `q = round_half_to_even(w / scale)`.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedRows {
    /// Row-major, in [−127, 127].
    pub values: Vec<i8>,
    /// One scale per row.
    pub scales: Vec<f32>,
}

impl QuantizedRows {
    /// Quantizes a row-major matrix with `columns` columns.
    pub fn new(weights: &[f32], columns: usize) -> Self {
        Self::with_scales(weights, weights.chunks_exact(columns).map(row_scale).collect())
    }

    /// Rounds a row-major matrix to the nearest on one given scale per row.
    pub fn with_scales(weights: &[f32], scales: Vec<f32>) -> Self {
        let columns = weights.len().checked_div(scales.len()).unwrap_or(0).max(1);
        let mut values = Vec::with_capacity(weights.len());
        for (row, &scale) in weights.chunks(columns).zip(&scales) {
            values.extend(row.iter().map(|&w| round_weight(w, scale)));
        }
        QuantizedRows { values, scales }
    }

    /// The floats that the integers stand for, row by row.
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
    fn halves_round_to_even_and_what_is_large_saturates() {
        let halves = (-600..=600).map(|half| half as f32 / 2.0);
        let near = halves.clone().flat_map(|x| [x.next_down(), x, x.next_up()]);
        let large = [4_194_303.5, 4_194_304.0, -4_194_303.5].into_iter();
        for x in near.chain(large) {
            assert_eq!(nearest(x), x.round_ties_even(), "{x}");
        }
        let params = QuantParams { scale: 1.0, zero_point: 7 };
        for x in [4_194_304.5, 8_388_607.5, 12_582_912.0, 1e10, f32::MAX, f32::INFINITY] {
            assert_eq!((round_weight(x, 1.0), round_weight(-x, 1.0)), (127, -127), "{x}");
            assert_eq!((params.quantize(x), params.quantize(-x)), (255, 0), "{x}");
        }
        assert_eq!((round_weight(f32::NAN, 1.0), params.quantize(f32::NAN)), (0, 0));
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
    fn rows_keep_their_own_scale_and_half_a_step() {
        let weights = [0.5, -1.0, 0.25, 100.0, 3.0, -50.0, 0.0, 0.0, 0.0];
        let rows = QuantizedRows::new(&weights, 3);
        assert_eq!(rows.scales, [1.0 / 127.0, 100.0 / 127.0, 1.0]);
        assert_eq!(rows.values[1], -127);
        for (i, (got, want)) in rows.dequantized().into_iter().zip(weights).enumerate() {
            assert!((got - want).abs() <= rows.scales[i / 3] * 0.5001);
        }
    }
}
