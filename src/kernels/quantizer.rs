//! From FP32 to 8 bits.

use super::lanes::Lanes;
use super::math::ROUND;

/// ONNX QuantizeLinear to u8: `saturate(round_half_to_even(x / scale) + zero_point)`, with x / scale as x · (1 / scale). NaN
/// becomes 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantizer {
    inverse_scale: f32,
    zero_point: u8,
}

impl Quantizer {
    /// The zero point of symmetric u8.
    pub const SYMMETRIC: u8 = 128;

    /// Quantizes by `scale` and `zero_point`.
    pub fn new(scale: f32, zero_point: u8) -> Self {
        Quantizer { inverse_scale: 1.0 / scale, zero_point }
    }

    /// Eight values as integers in 0..=255.
    #[inline(always)]
    pub(super) fn apply<L: Lanes>(self, l: L, x: L::F32) -> L::I32 {
        let zero_point = f32::from(self.zero_point);
        let steps = l.mul(x, l.splat(self.inverse_scale));
        let steps = l.min(l.max(steps, l.splat(-zero_point)), l.splat(255.0 - zero_point));
        // The lowest bits of the sum hold the rounded integer.
        let rounded = l.to_bits(l.add(steps, l.splat(ROUND)));
        l.sub_i32(rounded, l.splat_i32(ROUND.to_bits() as i32 - i32::from(self.zero_point)))
    }
}
