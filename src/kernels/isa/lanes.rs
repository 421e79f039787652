//! Vectors of eight FP32 or i32 lanes, the language of layers and epilogues.

/// Lanes of a vector.
pub const LANES: usize = 8;

/// Arithmetic on vectors of eight lanes. A value of the implementing type proves that its instruction set is available, so
/// every operation is safe to call.
///
/// A "pair" is two i16 in one i32 lane, the first in the lower half.
pub(crate) trait Lanes: Copy {
    /// Eight FP32 lanes.
    type F32: Copy;
    /// Eight i32 lanes.
    type I32: Copy;
    /// Rows of a tile whose FP32 sums fit the registers.
    const ROWS: usize;
    /// Rows of a tile whose sums of pairs fit the registers. Fewer if a product needs a register before it is added.
    const PAIR_ROWS: usize = Self::ROWS;

    /// Returns `x` in every lane.
    fn splat(self, x: f32) -> Self::F32;
    /// Loads eight lanes.
    fn load(self, from: &[f32; LANES]) -> Self::F32;
    /// Loads eight equal lanes.
    #[inline(always)]
    fn constant(self, from: &[f32; LANES]) -> Self::F32 {
        self.load(from)
    }
    /// Stores eight lanes.
    fn store(self, x: Self::F32, to: &mut [f32; LANES]);
    /// Returns `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns `a · b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns `a / b`.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns `a · b + c`. The product is rounded, then the sum, so that results are the same bits on every instruction set.
    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        self.add(self.mul(a, b), c)
    }
    /// Returns `a · b + c`, rounded once if the instruction set can do so, else twice. Only for FP32 products, whose results
    /// depend on the instruction set anyway.
    fn fused_mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// Returns the smaller of `a` and `b`. If either is NaN, returns `b`; with relaxed SIMD the engine chooses.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Returns the larger of `a` and `b`. If either is NaN, returns `b`; with relaxed SIMD the engine chooses.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// Returns `x` in every lane.
    fn splat_i32(self, x: i32) -> Self::I32;
    /// Loads eight lanes.
    fn load_i32(self, from: &[i32; LANES]) -> Self::I32;
    /// Stores eight lanes.
    fn store_i32(self, x: Self::I32, to: &mut [i32; LANES]);
    /// Widens eight s8 to i32.
    fn widen_i8(self, from: &[i8; LANES]) -> Self::I32;
    /// Returns `a + b`, wrapping.
    fn add_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Returns `a - b`, wrapping.
    fn sub_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Shifts every lane left by 23 bits, which moves an integer to the exponent of a float.
    fn shift_to_exponent(self, x: Self::I32) -> Self::I32;
    /// Converts to the nearest floats.
    fn to_f32(self, x: Self::I32) -> Self::F32;
    /// Returns the bit patterns of the floats.
    fn to_bits(self, x: Self::F32) -> Self::I32;
    /// Returns the floats with these bit patterns.
    fn bits_to_f32(self, x: Self::I32) -> Self::F32;
    /// Narrows the lanes, each in 0..=255, to bytes.
    fn to_bytes(self, x: Self::I32) -> [u8; LANES];
    /// Narrows the lanes, each within i16, to pairs of neighbours.
    fn to_pairs(self, x: Self::I32) -> [i32; LANES / 2];
    /// Pairs the lower halves of the lanes of `low` (first) and `high` (second).
    fn pair(self, low: Self::I32, high: Self::I32) -> Self::I32;
    /// Returns `a₀ · b₀ + a₁ · b₁ + c` for pairs `a` and `b`.
    fn dot_pairs(self, a: Self::I32, b: Self::I32, c: Self::I32) -> Self::I32;
    /// Returns `a + b` for pairs, wrapping in i16.
    fn add_pairs(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Returns `a - b` for pairs, wrapping in i16.
    fn sub_pairs(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Widens two u8 to a pair in every lane.
    fn widen_pairs(self, from: &[[u8; 2]; LANES]) -> Self::I32;
    /// Returns a mask whose bit i is set if lane i is outside i16. Lanes must be within ±2³⁰.
    fn outside_i16(self, x: Self::I32) -> u32;
    /// Returns a mask whose bit i is set if `from[2i] + from[2i + 1]` is outside −128..=128.
    fn pair_sums_beyond_128(self, from: &[i8; 2 * LANES]) -> u32;

    /// Returns the sum of all lanes.
    #[inline(always)]
    fn sum_lanes(self, x: Self::F32) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.to_array(x);
        ((a + e) + (b + f)) + ((c + g) + (d + h))
    }

    /// Returns the largest lane.
    #[inline(always)]
    fn max_lane(self, x: Self::F32) -> f32 {
        // `f32::max` is a function call in WebAssembly.
        self.to_array(x).into_iter().fold(f32::NEG_INFINITY, |max, x| if x > max { x } else { max })
    }

    /// Returns the lanes as an array.
    #[inline(always)]
    fn to_array(self, x: Self::F32) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        self.store(x, &mut lanes);
        lanes
    }
}
