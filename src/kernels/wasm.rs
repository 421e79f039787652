//! WebAssembly: the i16 dot of SIMD128, and the byte dot of relaxed SIMD in the two readings engines give it.

use super::gemm::Dot;
use super::lanes::{LANES, Lanes};
use super::pack::{Block, GROUP};
use std::arch::wasm32::*;

#[cfg(not(target_feature = "simd128"))]
compile_error!("build with RUSTFLAGS=-Ctarget-feature=+simd128 (build.sh does): without SIMD the kernels are too slow");

/// Eight lanes in two registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Simd128;

type Pair = [v128; 2];

#[inline(always)]
fn each(a: Pair, b: Pair, f: impl Fn(v128, v128) -> v128) -> Pair {
    [f(a[0], b[0]), f(a[1], b[1])]
}

impl Lanes for Simd128 {
    type F32 = Pair;
    type I32 = Pair;
    const FLOAT_ROWS: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> Pair {
        [f32x4_splat(x); 2]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Pair {
        let from = from.as_ptr().cast::<v128>();
        // SAFETY: eight f32 are two vectors, and the load has no alignment demand.
        unsafe { [v128_load(from), v128_load(from.add(1))] }
    }

    #[inline(always)]
    fn store(self, x: Pair, to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr().cast::<v128>();
        // SAFETY: eight f32 are two vectors, and the store has no alignment demand.
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
    fn mul_add(self, a: Pair, b: Pair, c: Pair) -> Pair {
        [f32x4_relaxed_madd(a[0], b[0], c[0]), f32x4_relaxed_madd(a[1], b[1], c[1])]
    }

    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    fn mul_add(self, a: Pair, b: Pair, c: Pair) -> Pair {
        self.add(self.mul(a, b), c)
    }

    // `pmin(b, a)` is `a < b ? a : b`.
    #[inline(always)]
    fn min(self, a: Pair, b: Pair) -> Pair {
        each(b, a, |a, b| f32x4_pmin(a, b))
    }

    // `pmax(b, a)` is `b < a ? a : b`.
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
        // SAFETY: eight i32 are two vectors, and the load has no alignment demand.
        unsafe { [v128_load(from), v128_load(from.add(1))] }
    }

    #[inline(always)]
    fn store_i32(self, x: Pair, to: &mut [i32; LANES]) {
        let to = to.as_mut_ptr().cast::<v128>();
        // SAFETY: eight i32 are two vectors, and the store has no alignment demand.
        unsafe {
            v128_store(to, x[0]);
            v128_store(to.add(1), x[1]);
        }
    }

    #[inline(always)]
    fn widen_i8(self, from: &[i8; LANES]) -> Pair {
        // SAFETY: eight bytes are readable, and the load has no alignment demand.
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
        // SAFETY: eight bytes are writable, and the store has no alignment demand.
        unsafe { v128_store64_lane::<0>(u8x16_narrow_i16x8(narrow, narrow), bytes.as_mut_ptr().cast()) };
        bytes
    }
}

/// Sums by column from the partial sums `[c0 c0 c1 c1] [c2 c2 c3 c3]`.
#[inline(always)]
fn pair_sums(a: v128, b: v128) -> v128 {
    i32x4_add(i32x4_shuffle::<0, 2, 4, 6>(a, b), i32x4_shuffle::<1, 3, 5, 7>(a, b))
}

/// Multiplication in i16 pairs (`i32x4.dot_i16x8_s`): even and odd k in registers of their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct I16;

impl Dot for I16 {
    type Lanes = Simd128;
    const WIDTH: usize = 2;
    const SHIFT: i32 = 0;
    const ROWS: usize = 6;

    #[inline(always)]
    fn lanes(self) -> Simd128 {
        Simd128
    }

    #[inline(always)]
    fn store(self, group: Pair, to: &mut [u8]) {
        let to: &mut [u8; 2 * GROUP] = to.try_into().expect("a group in its stored form");
        let in_order = i16x8_narrow_i32x4(group[0], group[1]);
        let even_then_odd = i16x8_shuffle::<0, 2, 4, 6, 1, 3, 5, 7>(in_order, in_order);
        // SAFETY: sixteen bytes are writable, and the store has no alignment demand.
        unsafe { v128_store(to.as_mut_ptr().cast(), even_then_odd) };
    }

    #[inline(always)]
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: &[Block]) -> [Pair; R] {
        let mut sums = [[i32x4_splat(0); 2]; R];
        for half in 0..2 {
            let mut partial = [[i32x4_splat(0); 2]; R];
            for (group, block) in panel.iter().enumerate() {
                for at in 0..2 {
                    // SAFETY: a block has 64 bytes; the caller vouches for 16 bytes a block at each row.
                    unsafe {
                        let columns = v128_load(block.0.as_ptr().add(half * 32 + at * 16).cast());
                        let even = i16x8_shr(i16x8_shl(columns, 8), 8);
                        let odd = i16x8_shr(columns, 8);
                        for (r, partial) in partial.iter_mut().enumerate() {
                            let row = a.add(r * stride + group * 2 * GROUP).cast::<u64>();
                            let products = i32x4_dot_i16x8(even, v128_load64_splat(row));
                            partial[at] = i32x4_add(partial[at], products);
                            let products = i32x4_dot_i16x8(odd, v128_load64_splat(row.add(1)));
                            partial[at] = i32x4_add(partial[at], products);
                        }
                    }
                }
            }
            for (sums, [a, b]) in sums.iter_mut().zip(partial) {
                sums[half] = pair_sums(a, b);
            }
        }
        sums
    }
}

/// The byte dot of relaxed SIMD on an engine that reads its second operand as unsigned (`SIGNED` false: x86 with VNNI)
/// or as signed (`SIGNED` true: ARM with dot products).
#[cfg(target_feature = "relaxed-simd")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Relaxed<const SIGNED: bool>;

#[cfg(target_feature = "relaxed-simd")]
impl<const SIGNED: bool> Dot for Relaxed<SIGNED> {
    type Lanes = Simd128;
    const WIDTH: usize = 1;
    const SHIFT: i32 = if SIGNED { 128 } else { 0 };
    const ROWS: usize = 2;

    #[inline(always)]
    fn lanes(self) -> Simd128 {
        Simd128
    }

    #[inline(always)]
    fn store(self, group: Pair, to: &mut [u8]) {
        let to: &mut [u8; GROUP] = to.try_into().expect("a group in its stored form");
        *to = Simd128.to_bytes(group);
        if SIGNED {
            *to = (u64::from_ne_bytes(*to) ^ 0x8080_8080_8080_8080).to_ne_bytes();
        }
    }

    #[inline(always)]
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: &[Block]) -> [Pair; R] {
        let mut partial = [[i32x4_splat(0); 4]; R];
        for (group, block) in panel.iter().enumerate() {
            // SAFETY: a block has 64 bytes; the caller vouches for 8 bytes a block at each row.
            unsafe {
                let columns: [v128; 4] = std::array::from_fn(|at| v128_load(block.0.as_ptr().cast::<v128>().add(at)));
                for (r, partial) in partial.iter_mut().enumerate() {
                    let row = v128_load64_splat(a.add(r * stride + group * GROUP).cast());
                    for (sum, column) in partial.iter_mut().zip(columns) {
                        *sum = i32x4_relaxed_dot_i8x16_i7x16_add(column, row, *sum);
                    }
                }
            }
        }
        partial.map(|[a, b, c, d]| [pair_sums(a, b), pair_sums(c, d)])
    }
}

/// What the engine makes of the byte dot when its second operand exceeds 127.
#[cfg(target_feature = "relaxed-simd")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Unsigned,
    Signed,
    /// Sums of pairs saturate in i16: not exact for 8-bit activations.
    Saturating,
}

/// Asks the engine: 4 · 127 · 255 is 129,540 read as unsigned, 4 · 127 · (−1) read as signed, 2 · 32,767 where pairs
/// saturate. A mixed second case guards against an engine that differs by lane or sign.
#[cfg(target_feature = "relaxed-simd")]
pub(super) fn probe() -> Reading {
    let dot = |w: i8, a: u8| {
        let (w, a) = (std::hint::black_box(i8x16_splat(w)), std::hint::black_box(u8x16_splat(a)));
        let sums = i32x4_relaxed_dot_i8x16_i7x16_add(w, a, i32x4_splat(1));
        let lanes = [
            i32x4_extract_lane::<0>(sums),
            i32x4_extract_lane::<1>(sums),
            i32x4_extract_lane::<2>(sums),
            i32x4_extract_lane::<3>(sums),
        ];
        lanes.iter().all(|&l| l == lanes[0]).then_some(lanes[0] - 1)
    };
    match (dot(127, 255), dot(-127, 200)) {
        (Some(129_540), Some(-101_600)) => Reading::Unsigned,
        (Some(-508), Some(28_448)) => Reading::Signed,
        _ => Reading::Saturating,
    }
}
