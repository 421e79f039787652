//! The byte dot of relaxed SIMD, in the two readings of it that add without saturation.

use super::lanes::{Pair, Simd128};
use super::pair_sums;
use crate::kernels::isa::{Block, Dot, GROUP, Lanes, Panel, Sums};
use std::arch::wasm32::*;

/// The byte dot of relaxed SIMD on an engine that reads its second operand as unsigned (`SIGNED` false: x86 with VNNI)
/// or as signed (`SIGNED` true: ARM, where some engines add pairs of products in i16, which wraps at two of (−128)²).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct Relaxed<const SIGNED: bool>(());

impl<const SIGNED: bool> Relaxed<SIGNED> {
    /// The proof that the engine reads the second operand in this way, and does not saturate.
    pub(in crate::kernels) fn new() -> Option<Self> {
        let expected = if SIGNED { Reading::Signed } else { Reading::Unsigned };
        (probe() == expected).then_some(Relaxed(()))
    }
}

impl<const SIGNED: bool> Dot for Relaxed<SIGNED> {
    type Lanes = Simd128;
    const WIDTH: usize = 1;
    const SHIFT: i32 = if SIGNED { 128 } else { 0 };
    const WRAPS: bool = SIGNED;
    // x86's byte dot takes five cycles, and two begin in each: fewer than ten sums under way leave it idle.
    const ROWS: usize = 6;
    // 14 bytes for each of 8 k of rows and panel: 24 kB of the 32 kB that the smallest such cache has.
    const MAX_GROUPS: usize = 219;

    #[inline(always)]
    fn lanes(self) -> Simd128 {
        Simd128
    }

    #[inline(always)]
    fn encode(self, group: Pair, to: &mut [u8]) {
        let to: &mut [u8; GROUP] = to.try_into().expect("a group in its encoded form");
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
            each_block!(panel.blocks, panel.next, |group, block| unsafe {
                add_dots(a, stride, group, block, 0, &mut partial)
            });
            for (sums, [a, b, c, d]) in sums.iter_mut().zip(partial) {
                *sums = [pair_sums(a, b), pair_sums(c, d)];
            }
            return;
        }
        // The sums of more rows fit the registers for half the columns at a time.
        let mut low = [[i32x4_splat(0); 2]; R];
        each_block!(panel.blocks, panel.next_in(0, 2), |group, block| unsafe {
            add_dots(a, stride, group, block, 0, &mut low)
        });
        for (sums, [a, b]) in sums.iter_mut().zip(low) {
            sums[0] = pair_sums(a, b);
        }
        let mut high = [[i32x4_splat(0); 2]; R];
        each_block!(panel.blocks, panel.next_in(1, 2), |group, block| unsafe {
            add_dots(a, stride, group, block, 2, &mut high)
        });
        for (sums, [a, b]) in sums.iter_mut().zip(high) {
            sums[1] = pair_sums(a, b);
        }
    }
}

/// Adds the products of `R` rows with `C` vectors of two columns of `block`, from the vector `first` on.
///
/// # Safety
/// GROUP bytes must be readable at `a + r * stride + group * GROUP` for every r < R.
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
        let mut columns = [i32x4_splat(0); C];
        for (column, vector) in columns.iter_mut().zip(&vectors[first..first + C]) {
            *column = v128_load(vector.as_ptr().cast());
        }
        for (r, partial) in partial.iter_mut().enumerate() {
            let row = v128_load64_splat(a.add(r * stride + group * GROUP).cast());
            for (sum, column) in partial.iter_mut().zip(columns) {
                *sum = i32x4_relaxed_dot_i8x16_i7x16_add(column, row, *sum);
            }
        }
    }
}

/// What the engine makes of the byte dot when its second operand exceeds 127.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Unsigned,
    Signed,
    /// Sums of pairs saturate in i16: not exact for 8-bit activations.
    Saturating,
}

/// Asks the engine: 4 · 127 · 255 is 129,540 read as unsigned, 4 · 127 · (−1) read as signed, 2 · 32,767 where pairs
/// saturate. A mixed second case guards against an engine that differs by lane or sign.
fn probe() -> Reading {
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
