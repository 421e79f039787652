//! The byte dot of relaxed SIMD on an engine where sums of pairs saturate in i16: x86 without VNNI.

use super::lanes::Simd128;
use super::pair_sums;
use crate::kernels::isa::{Block, Dot, GROUP, Panel, Sums};
use std::arch::wasm32::*;

/// Products added in pairs in i16 (`i16x8.relaxed_dot_i8x16_i7x16_s`), then in i32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct Pairs(());

impl Pairs {
    /// The proof that the engine reads the second operand as unsigned, and saturates.
    pub fn new() -> Option<Self> {
        let pairs = |w: i8, a: u8| {
            let (w, a) = (std::hint::black_box(i8x16_splat(w)), std::hint::black_box(u8x16_splat(a)));
            let sums = i16x8_relaxed_dot_i8x16_i7x16(w, a);
            let first = i16x8_extract_lane::<0>(sums);
            i16x8_all_true(i16x8_eq(sums, i16x8_splat(first))).then_some(first)
        };
        let found = [pairs(64, 255), pairs(-64, 255), pairs(127, 255), pairs(-128, 255)];
        (found == [Some(32_640), Some(-32_640), Some(i16::MAX), Some(i16::MIN)]).then_some(Pairs(()))
    }
}

impl Dot for Pairs {
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
        // If the compiler knew the ones, it would make the byte dot of all this, which does not give the same sums.
        let ones = std::hint::black_box(i16x8_splat(1));
        for half in 0..2 {
            let mut partial = [[i32x4_splat(0); 2]; R];
            // SAFETY: the caller's.
            each_block!(panel.blocks, panel.next_in(half, 2), |group, block| unsafe {
                add_pairs(a, stride, group, &block.0.as_chunks().0[half], ones, &mut partial)
            });
            for (sums, [a, b]) in sums.iter_mut().zip(partial) {
                sums[half] = pair_sums(a, b);
            }
        }
    }
}

/// Adds the products of `R` rows with `columns`, half a [`Block`].
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
    // SAFETY: half a block is two vectors, and the loads have no alignment demand; of the rows, the caller's.
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
