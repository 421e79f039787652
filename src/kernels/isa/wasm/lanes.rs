//! Eight lanes of SIMD128.

use crate::kernels::isa::{LANES, Lanes};
use std::arch::wasm32::*;

/// Eight lanes in two registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simd128;

/// Two vectors of four lanes each.
pub(super) type Pair = [v128; 2];

#[inline(always)]
fn each(a: Pair, b: Pair, f: impl Fn(v128, v128) -> v128) -> Pair {
    [f(a[0], b[0]), f(a[1], b[1])]
}

impl Lanes for Simd128 {
    type F32 = Pair;
    type I32 = Pair;
    const ROWS: usize = 6;
    const PAIR_ROWS: usize = 5;

    #[inline(always)]
    fn splat(self, x: f32) -> Pair {
        [f32x4_splat(x); 2]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Pair {
        let from = from.as_ptr().cast::<v128>();
        // SAFETY: eight f32 are two vectors, and the load needs no alignment.
        unsafe { [v128_load(from), v128_load(from.add(1))] }
    }

    #[inline(always)]
    fn constant(self, from: &[f32; LANES]) -> Pair {
        // SAFETY: four f32 are one vector, and the load needs no alignment.
        [unsafe { v128_load(from.as_ptr().cast()) }; 2]
    }

    #[inline(always)]
    fn store(self, x: Pair, to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr().cast::<v128>();
        // SAFETY: eight f32 are two vectors, and the store needs no alignment.
        unsafe {
            v128_store(to, x[0]);
            v128_store(to.add(1), x[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| f32x4_add(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| f32x4_sub(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| f32x4_mul(a, b))
    }

    #[inline(always)]
    fn div(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| f32x4_div(a, b))
    }

    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    fn fused_mul_add(self, a: Pair, b: Pair, c: Pair) -> Pair {
        [f32x4_relaxed_madd(a[0], b[0], c[0]), f32x4_relaxed_madd(a[1], b[1], c[1])]
    }

    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    fn fused_mul_add(self, a: Pair, b: Pair, c: Pair) -> Pair {
        self.mul_add(a, b, c)
    }

    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    fn min(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| f32x4_relaxed_min(a, b))
    }

    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    fn max(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| f32x4_relaxed_max(a, b))
    }

    // `pmin(b, a)` is `a < b ? a : b`.
    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    fn min(self, a: Pair, b: Pair) -> Pair {
        each(b, a, |a, b| f32x4_pmin(a, b))
    }

    // `pmax(b, a)` is `b < a ? a : b`.
    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    fn max(self, a: Pair, b: Pair) -> Pair {
        each(b, a, |a, b| f32x4_pmax(a, b))
    }

    #[inline(always)]
    fn splat_i32(self, x: i32) -> Pair {
        [i32x4_splat(x); 2]
    }

    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> Pair {
        let from = from.as_ptr().cast::<v128>();
        // SAFETY: eight i32 are two vectors, and the load needs no alignment.
        unsafe { [v128_load(from), v128_load(from.add(1))] }
    }

    #[inline(always)]
    fn store_i32(self, x: Pair, to: &mut [i32; LANES]) {
        let to = to.as_mut_ptr().cast::<v128>();
        // SAFETY: eight i32 are two vectors, and the store needs no alignment.
        unsafe {
            v128_store(to, x[0]);
            v128_store(to.add(1), x[1]);
        }
    }

    #[inline(always)]
    fn widen_i8(self, from: &[i8; LANES]) -> Pair {
        // SAFETY: `from` has eight bytes, and the load needs no alignment.
        let wide = unsafe { i16x8_load_extend_i8x8(from.as_ptr()) };
        [i32x4_extend_low_i16x8(wide), i32x4_extend_high_i16x8(wide)]
    }

    #[inline(always)]
    fn add_i32(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| i32x4_add(a, b))
    }

    #[inline(always)]
    fn sub_i32(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| i32x4_sub(a, b))
    }

    #[inline(always)]
    fn shift_to_exponent(self, x: Pair) -> Pair {
        [i32x4_shl(x[0], 23), i32x4_shl(x[1], 23)]
    }

    #[inline(always)]
    fn to_f32(self, x: Pair) -> Pair {
        [f32x4_convert_i32x4(x[0]), f32x4_convert_i32x4(x[1])]
    }

    #[inline(always)]
    fn to_bits(self, x: Pair) -> Pair {
        x
    }

    #[inline(always)]
    fn bits_to_f32(self, x: Pair) -> Pair {
        x
    }

    #[inline(always)]
    fn to_bytes(self, x: Pair) -> [u8; LANES] {
        let narrow = i16x8_narrow_i32x4(x[0], x[1]);
        let mut bytes = [0; LANES];
        // SAFETY: `bytes` has eight bytes, and the store needs no alignment.
        unsafe { v128_store64_lane::<0>(low_bytes(narrow), bytes.as_mut_ptr().cast()) };
        bytes
    }

    #[inline(always)]
    fn to_pairs(self, x: Pair) -> [i32; LANES / 2] {
        let mut pairs = [0; LANES / 2];
        // SAFETY: four i32 are one vector, and the store needs no alignment.
        unsafe { v128_store(pairs.as_mut_ptr().cast(), i16x8_narrow_i32x4(x[0], x[1])) };
        pairs
    }

    #[inline(always)]
    fn pair(self, low: Pair, high: Pair) -> Pair {
        each(low, high, |low, high| v128_or(v128_and(low, i32x4_splat(0xffff)), i32x4_shl(high, 16)))
    }

    #[inline(always)]
    fn dot_pairs(self, a: Pair, b: Pair, c: Pair) -> Pair {
        self.add_i32(each(a, b, |a, b| i32x4_dot_i16x8(a, b)), c)
    }

    #[inline(always)]
    fn add_pairs(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| i16x8_add(a, b))
    }

    #[inline(always)]
    fn sub_pairs(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| i16x8_sub(a, b))
    }

    #[inline(always)]
    fn widen_pairs(self, from: &[[u8; 2]; LANES]) -> Pair {
        let from = from.as_ptr().cast::<u8>();
        // SAFETY: each load reads eight of sixteen bytes and needs no alignment.
        unsafe { [u16x8_load_extend_u8x8(from), u16x8_load_extend_u8x8(from.add(8))] }
    }

    #[inline(always)]
    fn outside_i16(self, x: Pair) -> u32 {
        // x + 2¹⁵ has bits above the lowest sixteen if and only if x is outside i16.
        let bits = each(x, [i32x4_splat(1 << 15); 2], |x, y| u32x4_shr(i32x4_add(x, y), 16));
        if !v128_any_true(v128_or(bits[0], bits[1])) {
            return 0;
        }
        let outside = |bits| u32::from(i32x4_bitmask(i32x4_ne(bits, i32x4_splat(0))));
        outside(bits[0]) | outside(bits[1]) << 4
    }

    #[inline(always)]
    fn pair_sums_beyond_128(self, from: &[i8; 2 * LANES]) -> u32 {
        // SAFETY: sixteen s8 are one vector, and the load needs no alignment.
        let from = unsafe { v128_load(from.as_ptr().cast()) };
        let sums = i16x8_extadd_pairwise_i8x16(from);
        u32::from(i16x8_bitmask(i16x8_gt(i16x8_abs(sums), i16x8_splat(128))))
    }
}

/// Returns the i16 lanes, each in 0..=255, as the first eight bytes.
// A shuffle, because LLVM adds a minimum and a maximum to the narrowing instruction.
#[cfg(target_feature = "relaxed-simd")]
#[inline(always)]
fn low_bytes(x: v128) -> v128 {
    i8x16_relaxed_swizzle(x, i8x16(0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14))
}

/// Returns the i16 lanes, each in 0..=255, as the first eight bytes.
#[cfg(not(target_feature = "relaxed-simd"))]
#[inline(always)]
fn low_bytes(x: v128) -> v128 {
    u8x16_narrow_i16x8(x, x)
}
