//! The byte dot of relaxed SIMD on engines that saturate sums of two products in i16: x86 without VNNI.

use super::lanes::Simd128;
use super::pair_sums;
use crate::kernels::isa::{Block, Dot, GROUP, Panel, Sums};
use std::arch::wasm32::*;

/// Adds products in pairs in i16 (`i16x8.relaxed_dot_i8x16_i7x16_s`), then the pairs in i32. The product repairs what the pairs
/// lose to saturation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct RelaxedPairs(());

impl RelaxedPairs {
    /// Returns the proof that the engine reads the second operand as unsigned and saturates, or `None` if it does not.
    pub fn new() -> Option<Self> {
        let pairs = |w: i8, a: u8| {
            let (w, a) = (std::hint::black_box(i8x16_splat(w)), std::hint::black_box(u8x16_splat(a)));
            let sums = i16x8_relaxed_dot_i8x16_i7x16(w, a);
            let first = i16x8_extract_lane::<0>(sums);
            i16x8_all_true(i16x8_eq(sums, i16x8_splat(first))).then_some(first)
        };
        let found = [pairs(64, 255), pairs(-64, 255), pairs(127, 255), pairs(-128, 255)];
        (found == [Some(32_640), Some(-32_640), Some(i16::MAX), Some(i16::MIN)]).then_some(RelaxedPairs(()))
    }
}

impl Dot for RelaxedPairs {
    type Lanes = Simd128;
    const WIDTH: usize = 1;
    const SHIFT: i32 = 0;
    const ROWS: usize = 5;
    const SATURATES: bool = true;

    #[inline(always)]
    fn lanes(self) -> Simd128 {
        Simd128
    }

    #[inline(always)]
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        // Hides the ones from the compiler. It would otherwise replace both instructions by the byte dot, whose sums differ.
        let ones = std::hint::black_box(i16x8_splat(1));
        for half in 0..2 {
            let mut partial = [[i32x4_splat(0); 2]; R];
            // SAFETY: the caller guarantees the rows.
            each_block!(panel.blocks, panel.next_for_pass(half, 2), |group, block| unsafe {
                add_pairs(a, stride, group, &block.0.as_chunks().0[half], ones, &mut partial)
            });
            for (sums, [a, b]) in sums.iter_mut().zip(partial) {
                sums[half] = pair_sums(a, b);
            }
        }
    }
}

/// Adds the products of `R` rows with `columns`, half a [`Block`], to `partial`.
///
/// # Safety
/// GROUP bytes must be readable at `a + r * stride + group * GROUP` for every r < R.
#[inline(always)]
unsafe fn add_pairs<const R: usize>(
    a: *const u8,
    stride: usize,
    group: usize,
    columns: &[i8; size_of::<Block>() / 2],
    ones: v128,
    partial: &mut [[v128; 2]; R],
) {
    let columns = columns.as_ptr().cast::<v128>();
    // SAFETY: half a block is two vectors, and the loads need no alignment; the caller guarantees the rows.
    unsafe {
        let columns = [v128_load(columns), v128_load(columns.add(1))];
        for (r, partial) in partial.iter_mut().enumerate() {
            let row = v128_load64_splat(a.add(r * stride + group * GROUP).cast());
            for (sum, column) in partial.iter_mut().zip(columns) {
                let pairs = i16x8_relaxed_dot_i8x16_i7x16(column, row);
                *sum = i32x4_add(*sum, i32x4_dot_i16x8(pairs, ones));
            }
        }
    }
}
