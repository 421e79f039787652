//! Eight FP32 or i32 lanes of one instruction set: what the row operations and epilogues are written in.

/// Lanes of a vector.
pub const LANES: usize = 8;

/// Arithmetic on eight lanes. A value of the implementing type proves that its instruction set is available, so every
/// operation is safe to call.
pub(crate) trait Lanes: Copy {
    /// Eight FP32 lanes.
    type F32: Copy;
    /// Eight i32 lanes.
    type I32: Copy;
    /// Rows of a product whose sums fit the registers at once.
    const ROWS: usize;
    /// The same where products and sums are two steps, and what is between them takes a register.
    const PAIR_ROWS: usize = Self::ROWS;

    fn splat(self, x: f32) -> Self::F32;
    fn load(self, from: &[f32; LANES]) -> Self::F32;
    /// Loads lanes that are all the same.
    #[inline(always)]
    fn constant(self, from: &[f32; LANES]) -> Self::F32 {
        self.load(from)
    }
    fn store(self, x: Self::F32, to: &mut [f32; LANES]);
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a · b + c`, with one rounding where the instruction set has it, else with two.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// The smaller of `a` and `b`; where either is NaN `b`, or with relaxed SIMD what the engine chooses.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The larger of `a` and `b`; where either is NaN `b`, or with relaxed SIMD what the engine chooses.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;

    fn splat_i32(self, x: i32) -> Self::I32;
    fn load_i32(self, from: &[i32; LANES]) -> Self::I32;
    fn store_i32(self, x: Self::I32, to: &mut [i32; LANES]);
    /// Eight s8 as i32.
    fn widen_i8(self, from: &[i8; LANES]) -> Self::I32;
    fn add_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    fn sub_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Every lane shifted left by 23 bits: an integer becomes the exponent of a float.
    fn shift_to_exponent(self, x: Self::I32) -> Self::I32;
    /// The nearest floats.
    fn to_f32(self, x: Self::I32) -> Self::F32;
    /// The lanes' bit patterns.
    fn to_bits(self, x: Self::F32) -> Self::I32;
    /// The floats of these bit patterns.
    fn bits_to_f32(self, x: Self::I32) -> Self::F32;
    /// The lanes, each in 0..=255, as bytes in order.
    fn to_bytes(self, x: Self::I32) -> [u8; LANES];
    /// The lanes, each within i16, in order, two to an i32: the first in its lower half.
    fn to_pairs(self, x: Self::I32) -> [i32; LANES / 2];
    /// A pair of i16 in every lane: the lower half of `low`'s, and above it the lower half of `high`'s.
    fn pair(self, low: Self::I32, high: Self::I32) -> Self::I32;
    /// `a₀ · b₀ + a₁ · b₁ + c` of pairs of i16.
    fn dot_pairs(self, a: Self::I32, b: Self::I32, c: Self::I32) -> Self::I32;
    /// `a + b` of pairs of i16, wrapping.
    fn add_pairs(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// `a - b` of pairs of i16, wrapping.
    fn sub_pairs(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Pairs of u8 as pairs of i16.
    fn widen_pairs(self, from: &[[u8; 2]; LANES]) -> Self::I32;
    /// A bit, from the lowest on, for every lane that i16 does not hold; lanes are within ±2³⁰.
    fn outside_i16(self, x: Self::I32) -> u32;
    /// A bit, from the lowest on, for every two neighbours whose sum is not within -128..=128.
    fn far_pairs(self, from: &[i8; 2 * LANES]) -> u32;

    /// The sum of all lanes.
    #[inline(always)]
    fn sum_lanes(self, x: Self::F32) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.to_array(x);
        ((a + e) + (b + f)) + ((c + g) + (d + h))
    }

    /// The largest lane.
    #[inline(always)]
    fn max_lane(self, x: Self::F32) -> f32 {
        // `f32::max` is a function call in WebAssembly.
        self.to_array(x).into_iter().fold(f32::NEG_INFINITY, |max, x| if x > max { x } else { max })
    }

    /// The lanes as an array.
    #[inline(always)]
    fn to_array(self, x: Self::F32) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        self.store(x, &mut lanes);
        lanes
    }
}
