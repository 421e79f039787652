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

#[cfg(test)]
mod tests {
    use super::super::dispatch::{Kernel, Task};
    use super::super::gemm::Dot;
    use super::super::lanes::LANES;
    use super::*;

    struct Quantize(Quantizer, f32);

    impl Task for Quantize {
        type Output = u8;
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> u8 {
            let l = dot.lanes();
            l.to_bytes(self.0.apply(l, l.load(&[self.1; LANES])))[LANES - 1]
        }
    }

    #[test]
    fn rounds_ties_to_even_and_saturates_on_every_kernel() {
        let symmetric = [
            (0.5, 128),
            (1.5, 130),
            (2.5, 130),
            (-0.5, 128),
            (-1.5, 126),
            (126.7, 255),
            (1e9, 255),
            (-1e9, 0),
            (f32::INFINITY, 255),
            (f32::NAN, 0),
        ];
        let odd = [(0.5, 117), (1.5, 119), (-117.0, 0), (138.0, 255), (0.0, 117)];
        for kernel in Kernel::all() {
            let name = kernel.path().name();
            for (x, expected) in symmetric {
                assert_eq!(kernel.run(Quantize(Quantizer::new(1.0, 128), x)), expected, "{name}: {x}");
            }
            for (x, expected) in odd {
                assert_eq!(kernel.run(Quantize(Quantizer::new(1.0, 117), x)), expected, "{name}: {x}");
            }
        }
    }

    #[test]
    fn is_the_standard_s_division_but_for_ties() {
        let quantizer = Quantizer::new(0.0123, 117);
        for step in 0..16_000 {
            let x = -3.0 + step as f32 * 0.000_37;
            let steps = x / 0.0123;
            let expected = (steps.round_ties_even() + 117.0).clamp(0.0, 255.0) as u8;
            let tie = (steps.fract().abs() - 0.5).abs() < 1e-4;
            assert!(tie || Kernel::detect().run(Quantize(quantizer, x)) == expected, "{x}");
        }
    }
}
