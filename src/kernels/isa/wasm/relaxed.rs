//! The byte dot of relaxed SIMD on engines that do not saturate.

use super::lanes::{Pair, Simd128};
use super::pair_sums;
use crate::kernels::isa::{Block, Dot, GROUP, Lanes, Panel, Sums};
use std::arch::wasm32::*;

/// The byte dot of relaxed SIMD (`i32x4.relaxed_dot_i8x16_i7x16_add_s`) on engines that read its second operand, the
/// activations, as unsigned (`SIGNED` is false: x86 with VNNI) or as signed (`SIGNED` is true: ARM).
///
/// Signed activations are encoded as `a − 128`. Some ARM engines add two products in i16, which wraps at twice (−128)².
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct RelaxedDot<const SIGNED: bool>(());

impl<const SIGNED: bool> RelaxedDot<SIGNED> {
    /// Returns the proof that the engine reads the second operand this way and does not saturate, or `None` if it does not.
    pub(in crate::kernels) fn new() -> Option<Self> {
        let expected = if SIGNED { Reading::Signed } else { Reading::Unsigned };
        (probe() == expected).then_some(RelaxedDot(()))
    }
}

impl<const SIGNED: bool> Dot for RelaxedDot<SIGNED> {
    type Lanes = Simd128;
    const WIDTH: usize = 1;
    const SHIFT: i32 = if SIGNED { 128 } else { 0 };
    const WRAPS: bool = SIGNED;
    // x86 starts two byte dots per cycle, each of which takes five cycles: with fewer than ten sums at once it idles.
    const ROWS: usize = 6;
    // Six rows and eight columns read 14 bytes per k: 24 kB, where the smallest first-level caches have 32 kB.
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
            // SAFETY: the caller guarantees the rows, here and below.
            each_block!(panel.blocks, panel.next, |group, block| unsafe {
                add_dots(a, stride, group, block, 0, &mut partial)
            });
            for (sums, [a, b, c, d]) in sums.iter_mut().zip(partial) {
                *sums = [pair_sums(a, b), pair_sums(c, d)];
            }
            return;
        }
        // The sums of more than two rows fit the registers only for half the columns at a time.
        let mut low = [[i32x4_splat(0); 2]; R];
        each_block!(panel.blocks, panel.next_for_pass(0, 2), |group, block| unsafe {
            add_dots(a, stride, group, block, 0, &mut low)
        });
        for (sums, [a, b]) in sums.iter_mut().zip(low) {
            sums[0] = pair_sums(a, b);
        }
        let mut high = [[i32x4_splat(0); 2]; R];
        each_block!(panel.blocks, panel.next_for_pass(1, 2), |group, block| unsafe {
            add_dots(a, stride, group, block, 2, &mut high)
        });
        for (sums, [a, b]) in sums.iter_mut().zip(high) {
            sums[1] = pair_sums(a, b);
        }
    }
}

/// Adds the products of `R` rows with `C` vectors of `block`, two columns each, to `partial`. The first of them is vector `first`.
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
    // SAFETY: a vector has 16 bytes; the caller guarantees the rows.
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

/// How the engine reads bytes above 127 in the second operand of the byte dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Unsigned,
    Signed,
    /// As unsigned, with sums of two products that saturate in i16: not exact for 8-bit activations.
    Saturating,
}

/// Computes two byte dots to see how the engine reads them. 4 · 127 · 255 is 129,540 if read as unsigned, −508 if read as signed,
/// and 2 · 32,767 if pairs saturate. The second dot has another sign.
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
