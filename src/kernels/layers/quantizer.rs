//! Quantization of FP32 rows to u8.

use super::math::ROUND;
use crate::kernels::isa::{Dot, GROUP, LANES, Lanes};

/// Maps feature j of a row to `x · r[j] + t[j]` and quantizes it to u8 like ONNX QuantizeLinear:
/// `saturate(round_half_to_even(x · (r[j] · (1 / scale)) + t[j] · (1 / scale)) + zero_point)`.
///
/// The factors of x are folded into one, so a tie may round differently than `(x · r[j] + t[j]) / scale`. NaN becomes 0; with
/// relaxed SIMD the engine chooses.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantizer {
    /// `r[j] · (1 / scale)` for every feature.
    inverse_scales: Vec<[f32; LANES]>,
    /// `t[j] · (1 / scale)` for every feature.
    offsets: Vec<[f32; LANES]>,
    rounding: Rounding,
}

/// The constants of rounding and clamping, in every lane. Loading them is faster than building them.
#[derive(Debug, Clone, PartialEq)]
struct Rounding {
    /// The least integer minus the zero point.
    low: [f32; LANES],
    /// 255 minus the zero point.
    high: [f32; LANES],
    /// [`ROUND`].
    round: [f32; LANES],
    /// The difference between the bits of `steps + ROUND` and the integer with the zero point.
    excess: [i32; LANES],
}

impl Rounding {
    /// For integers in `least..=255`.
    fn new(zero_point: u8, least: u8) -> Self {
        let zero = f32::from(zero_point);
        Rounding {
            low: [f32::from(least) - zero; LANES],
            high: [255.0 - zero; LANES],
            round: [ROUND; LANES],
            excess: [ROUND.to_bits() as i32 - i32::from(zero_point); LANES],
        }
    }
}

impl Quantizer {
    /// The zero point of symmetric quantization to u8.
    pub const SYMMETRIC: u8 = 128;

    /// Quantizes rows of `features` features by `scale` and `zero_point` alone.
    ///
    /// # Panics
    /// If `features` is not a multiple of 8.
    pub fn uniform(scale: f32, zero_point: u8, features: usize) -> Self {
        Self::mapped(scale, zero_point, &vec![1.0; features], &vec![0.0; features])
    }

    /// Quantizes rows of `features` features symmetrically in the narrow range 1..=255 with the zero point
    /// [`Quantizer::SYMMETRIC`]. Minus the zero point, the integers are never −128, as is required of weights.
    ///
    /// # Panics
    /// If `features` is not a multiple of 8.
    pub fn narrow_range(scale: f32, features: usize) -> Self {
        let rounding = Rounding::new(Self::SYMMETRIC, 1);
        Quantizer { rounding, ..Self::uniform(scale, Self::SYMMETRIC, features) }
    }

    /// Multiplies every feature by its factor, adds its offset, and quantizes the result by `scale` and `zero_point`.
    ///
    /// # Panics
    /// If `factors` and `offsets` differ in length, or the length is not a multiple of 8.
    pub fn mapped(scale: f32, zero_point: u8, factors: &[f32], offsets: &[f32]) -> Self {
        assert!(factors.len() == offsets.len() && factors.len().is_multiple_of(LANES), "one of each for every feature");
        let inverse = 1.0 / scale;
        let scaled = |values: &[f32]| values.as_chunks().0.iter().map(|lanes| lanes.map(|x| x * inverse)).collect();
        let rounding = Rounding::new(zero_point, 0);
        Quantizer { inverse_scales: scaled(factors), offsets: scaled(offsets), rounding }
    }

    /// Returns the number of features of a row.
    pub fn features(&self) -> usize {
        self.inverse_scales.len() * LANES
    }

    /// Returns a view for loops.
    #[inline(always)]
    pub(in crate::kernels) fn view(&self) -> QuantizerView<'_> {
        QuantizerView { inverse_scales: &self.inverse_scales, offsets: &self.offsets, rounding: &self.rounding }
    }
}

/// A view of a [`Quantizer`], held by value so that the compiler sees that no store changes it.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernels) struct QuantizerView<'a> {
    inverse_scales: &'a [[f32; LANES]],
    offsets: &'a [[f32; LANES]],
    rounding: &'a Rounding,
}

impl QuantizerView<'_> {
    /// Quantizes the eight features of group number `group` to integers in 0..=255.
    #[inline(always)]
    pub fn apply<L: Lanes>(self, l: L, group: usize, x: L::F32) -> L::I32 {
        let Rounding { low, high, round, excess } = self.rounding;
        let steps = l.mul_add(x, l.load(&self.inverse_scales[group]), l.load(&self.offsets[group]));
        let steps = l.min(l.max(steps, l.constant(low)), l.constant(high));
        // The lowest bits of the sum hold the rounded integer.
        l.sub_i32(l.to_bits(l.add(steps, l.constant(round))), l.load_i32(excess))
    }

    /// Quantizes `row` and writes its encoded form to `out`.
    #[inline(always)]
    pub fn row<D: Dot>(self, dot: D, row: &[[f32; LANES]], out: &mut [u8]) {
        for (group, (x, out)) in row.iter().zip(out.chunks_exact_mut(GROUP * D::WIDTH)).enumerate() {
            dot.encode(self.apply(dot.lanes(), group, dot.lanes().load(x)), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::{Kernel, Task};

    struct Apply<'a>(&'a Quantizer, &'a [f32]);

    impl Task for Apply<'_> {
        type Output = Vec<u8>;
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> Vec<u8> {
            let l = dot.lanes();
            let groups = self.1.as_chunks().0.iter().enumerate();
            groups.flat_map(|(group, x)| l.to_bytes(self.0.view().apply(l, group, l.load(x)))).collect()
        }
    }

    fn one(kernel: Kernel, quantizer: &Quantizer, x: f32) -> u8 {
        kernel.run(Apply(quantizer, &[x; LANES]))[LANES - 1]
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
            let name = kernel.name();
            for (x, expected) in symmetric {
                assert_eq!(one(kernel, &Quantizer::uniform(1.0, 128, LANES), x), expected, "{name}: {x}");
                let as_weight = one(kernel, &Quantizer::narrow_range(1.0, LANES), x);
                assert_eq!(as_weight, expected.max(1), "{name}: {x} as a weight");
            }
            for (x, expected) in odd {
                assert_eq!(one(kernel, &Quantizer::uniform(1.0, 117, LANES), x), expected, "{name}: {x}");
            }
        }
    }

    #[test]
    fn every_feature_has_its_factor_and_offset_on_every_kernel() {
        // With a scale of 1/2, a step is half of one.
        let factors: [f32; 24] = std::array::from_fn(|j| [0.25, 0.5, 1.0, 8.0, -0.25][j % 5] * (1 + j / 5) as f32);
        let offsets: [f32; 24] = std::array::from_fn(|j| [0.0, 0.25, -3.0][j % 3]);
        let quantizer = Quantizer::mapped(0.5, 100, &factors, &offsets);
        assert_eq!(quantizer.features(), 24);
        for kernel in Kernel::all() {
            for x in [0.0, 1.0, -1.0, 3.0, 5.0, -7.0, 40.0, -40.0, 1e30, f32::NEG_INFINITY] {
                let exact = |(factor, offset): (&f32, &f32)| {
                    (((x * factor + offset) * 2.0).round_ties_even() + 100.0).clamp(0.0, 255.0) as u8
                };
                let expected: Vec<u8> = factors.iter().zip(&offsets).map(exact).collect();
                assert_eq!(kernel.run(Apply(&quantizer, &[x; 24])), expected, "{}: {x}", kernel.name());
            }
        }
    }

    #[test]
    fn equals_quantize_linear_except_at_ties() {
        for (factor, offset) in [(1.0, 0.0), (0.37, 0.0), (0.37, 1.1)] {
            let quantizer = Quantizer::mapped(0.0123, 117, &[factor; LANES], &[offset; LANES]);
            for step in 0..16_000 {
                let x = -3.0 + step as f32 * 0.000_37;
                let steps = (x * factor + offset) / 0.0123;
                let expected = (steps.round_ties_even() + 117.0).clamp(0.0, 255.0) as u8;
                let tie = (steps.fract().abs() - 0.5).abs() < 1e-4;
                assert!(tie || one(Kernel::detect(), &quantizer, x) == expected, "{x}");
            }
        }
    }
}
