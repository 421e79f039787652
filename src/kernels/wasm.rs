//! WebAssembly: the i16 dot of SIMD128, and the byte dot of relaxed SIMD in the two readings engines give it.

use super::gemm::{Dot, Panel, Sums};
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
    const FLOAT_ROWS: usize = 6;

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

/// Calls `with` for every block of a panel in turn, with its number, and reads a byte of a block of the panel `next`, and thereby
/// its cache line, before each.
#[inline(always)]
fn each_block(panel: &[Block], next: Option<&[Block]>, mut with: impl FnMut(usize, &Block)) {
    match next {
        Some(next) => {
            let mut bytes = 0;
            for (group, (block, next)) in panel.iter().zip(next).enumerate() {
                bytes ^= next.0[0];
                with(group, block);
            }
            std::hint::black_box(bytes);
        }
        None => panel.iter().enumerate().for_each(|(group, block)| with(group, block)),
    }
}

/// Multiplication in i16 pairs (`i32x4.dot_i16x8_s`), a column and a row of eight k at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct I16;

impl Dot for I16 {
    type Lanes = Simd128;
    const WIDTH: usize = 2;
    const SHIFT: i32 = 0;
    const ROWS: usize = 5;

    #[inline(always)]
    fn lanes(self) -> Simd128 {
        Simd128
    }

    #[inline(always)]
    fn store(self, group: Pair, to: &mut [u8]) {
        let to: &mut [u8; 2 * GROUP] = to.try_into().expect("a group in its stored form");
        // SAFETY: sixteen bytes are writable, and the store has no alignment demand.
        unsafe { v128_store(to.as_mut_ptr().cast(), i16x8_narrow_i32x4(group[0], group[1])) };
    }

    /// Weights in i16: a block becomes two.
    #[inline(always)]
    fn unpack(self, panel: &[Block], space: &mut Vec<Block>) -> Option<usize> {
        let count = 2 * panel.len();
        if space.len() < count {
            space.resize(count, Block::ZERO);
        }
        for (block, wide) in panel.iter().zip(space.as_chunks_mut::<2>().0) {
            let wide = wide.iter_mut().flat_map(|half| half.0.as_chunks_mut::<16>().0);
            for (column, wide) in block.0.as_chunks::<GROUP>().0.iter().zip(wide) {
                // SAFETY: sixteen bytes are writable, and the store has no alignment demand.
                unsafe { v128_store(wide.as_mut_ptr().cast(), widen(column)) };
            }
        }
        Some(count)
    }

    #[inline(always)]
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        let mut pairs = [[i32x4_splat(0); 4]; R];
        for at in 0..4 {
            let mut partial = [[i32x4_splat(0); 2]; R];
            if panel.unpacked {
                for (group, wide) in panel.blocks.as_chunks::<2>().0.iter().enumerate() {
                    let columns = wide[at / 2].0.as_chunks::<32>().0[at % 2].as_ptr().cast::<v128>();
                    // SAFETY: two vectors have 32 bytes, and the loads have no alignment demand; of the rows, the caller's.
                    unsafe {
                        let columns = [v128_load(columns), v128_load(columns.add(1))];
                        add_products(a, stride, group, columns, &mut partial);
                    }
                }
            } else {
                each_block(panel.blocks, panel.next.filter(|_| at == 0), |group, block| {
                    let columns = block.0.as_chunks::<GROUP>().0;
                    let columns = [widen(&columns[2 * at]), widen(&columns[2 * at + 1])];
                    // SAFETY: the caller's.
                    unsafe { add_products(a, stride, group, columns, &mut partial) };
                });
            }
            for (pairs, [a, b]) in pairs.iter_mut().zip(partial) {
                pairs[at] = i32x4_add(i32x4_shuffle::<0, 1, 4, 5>(a, b), i32x4_shuffle::<2, 3, 6, 7>(a, b));
            }
        }
        for (sums, [a, b, c, d]) in sums.iter_mut().zip(pairs) {
            *sums = [pair_sums(a, b), pair_sums(c, d)];
        }
    }
}

/// Eight weights in i16.
#[inline(always)]
fn widen(weights: &[i8; GROUP]) -> v128 {
    // SAFETY: eight bytes are readable, and the load has no alignment demand.
    unsafe { i16x8_load_extend_i8x8(weights.as_ptr()) }
}

/// Adds the products of `R` rows with two columns.
///
/// # Safety
/// 2 * GROUP bytes must be readable at `a + r * stride + group * 2 * GROUP` for every r < R.
#[inline(always)]
unsafe fn add_products<const R: usize>(
    a: *const u8,
    stride: usize,
    group: usize,
    columns: [v128; 2],
    partial: &mut [[v128; 2]; R],
) {
    for (r, partial) in partial.iter_mut().enumerate() {
        // SAFETY: the caller's.
        let row = unsafe { v128_load(a.add(r * stride + group * 2 * GROUP).cast()) };
        for (sum, column) in partial.iter_mut().zip(columns) {
            *sum = i32x4_add(*sum, i32x4_dot_i16x8(column, row));
        }
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
    const ROWS: usize = 6;

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
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        if R <= 2 {
            let mut partial = [[i32x4_splat(0); 4]; R];
            // SAFETY: the caller's, here and below.
            each_block(panel.blocks, panel.next, |group, block| unsafe {
                add_dots(a, stride, group, block, 0, &mut partial)
            });
            for (sums, [a, b, c, d]) in sums.iter_mut().zip(partial) {
                *sums = [pair_sums(a, b), pair_sums(c, d)];
            }
            return;
        }
        // The sums of more rows fit the registers for half the columns at a time.
        let mut low = [[i32x4_splat(0); 2]; R];
        each_block(panel.blocks, panel.next, |group, block| unsafe { add_dots(a, stride, group, block, 0, &mut low) });
        for (sums, [a, b]) in sums.iter_mut().zip(low) {
            sums[0] = pair_sums(a, b);
        }
        let mut high = [[i32x4_splat(0); 2]; R];
        each_block(panel.blocks, None, |group, block| unsafe { add_dots(a, stride, group, block, 2, &mut high) });
        for (sums, [a, b]) in sums.iter_mut().zip(high) {
            sums[1] = pair_sums(a, b);
        }
    }
}

/// Adds the products of `R` rows with `C` vectors of two columns of `block`, from the vector `first` on.
///
/// # Safety
/// GROUP bytes must be readable at `a + r * stride + group * GROUP` for every r < R.
#[cfg(target_feature = "relaxed-simd")]
#[inline(always)]
unsafe fn add_dots<const R: usize, const C: usize>(
    a: *const u8,
    stride: usize,
    group: usize,
    block: &Block,
    first: usize,
    partial: &mut [[v128; C]; R],
) {
    let vectors = block.0.as_chunks::<16>().0;
    // SAFETY: a vector has 16 bytes; of the rows, the caller's.
    unsafe {
        let columns: [v128; C] = std::array::from_fn(|at| v128_load(vectors[first + at].as_ptr().cast()));
        for (r, partial) in partial.iter_mut().enumerate() {
            let row = v128_load64_splat(a.add(r * stride + group * GROUP).cast());
            for (sum, column) in partial.iter_mut().zip(columns) {
                *sum = i32x4_relaxed_dot_i8x16_i7x16_add(column, row, *sum);
            }
        }
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
