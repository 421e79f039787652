//! The i16 products of SIMD128, which every engine has.

use super::lanes::{Pair, Simd128};
use super::pair_sums;
use crate::kernels::isa::{Block, Dot, GROUP, Panel, Sums, touch};
use std::arch::wasm32::*;

/// Multiplies pairs of i16 (`i32x4.dot_i16x8_s`): eight k of a column with eight k of a row at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct Simd128I16;

impl Dot for Simd128I16 {
    type Lanes = Simd128;
    const WIDTH: usize = 2;
    const SHIFT: i32 = 0;
    const ROWS: usize = 5;
    const STRASSEN: bool = true;

    #[inline(always)]
    fn lanes(self) -> Simd128 {
        Simd128
    }

    #[inline(always)]
    fn encode(self, group: Pair, to: &mut [u8]) {
        let to: &mut [u8; 2 * GROUP] = to.try_into().expect("a group in its encoded form");
        // SAFETY: `to` has sixteen bytes, and the store needs no alignment.
        unsafe { v128_store(to.as_mut_ptr().cast(), i16x8_narrow_i32x4(group[0], group[1])) };
    }

    /// Widens the weights to i16: one block becomes two.
    #[inline(always)]
    fn unpack(self, panel: &[Block], space: &mut Vec<Block>) -> Option<usize> {
        let count = 2 * panel.len();
        if space.len() < count {
            space.resize(count, Block::ZERO);
        }
        for (block, wide) in panel.iter().zip(space.as_chunks_mut::<2>().0) {
            let wide = wide.iter_mut().flat_map(|half| half.0.as_chunks_mut::<16>().0);
            for (column, wide) in block.0.as_chunks::<GROUP>().0.iter().zip(wide) {
                // SAFETY: `wide` has sixteen bytes, and the store needs no alignment.
                unsafe { v128_store(wide.as_mut_ptr().cast(), widen(column)) };
            }
        }
        Some(count)
    }

    #[inline(always)]
    fn weight_pairs(self, block: &Block) -> [Pair; GROUP / 2] {
        let block = block.0.as_ptr().cast::<v128>();
        // SAFETY: a block is four vectors, and the load needs no alignment.
        let [a, b, c, d] = std::array::from_fn(|two| unsafe { v128_load(block.add(two)) });
        // A transposition in units of two bytes, the weights at two k. Each step moves one bit of the column's number to the
        // lowest bit of the lane's number.
        let ([a, c], [b, d]) = (interleave(a, c), interleave(b, d));
        let ([a, b], [c, d]) = (interleave(a, b), interleave(c, d));
        let ([a, b], [c, d]) = (interleave(a, c), interleave(b, d));
        [a, b, c, d].map(|x| [i16x8_extend_low_i8x16(x), i16x8_extend_high_i8x16(x)])
    }

    #[inline(always)]
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        let mut pairs = [[i32x4_splat(0); 4]; R];
        for at in 0..4 {
            let mut partial = [[i32x4_splat(0); 2]; R];
            if panel.unpacked {
                touch(panel.next_for_pass(at, 4));
                for (group, wide) in panel.blocks.as_chunks::<2>().0.iter().enumerate() {
                    let columns = wide[at / 2].0.as_chunks::<32>().0[at % 2].as_ptr().cast::<v128>();
                    // SAFETY: two vectors have 32 bytes, and the loads need no alignment; the caller guarantees the rows.
                    unsafe {
                        let columns = [v128_load(columns), v128_load(columns.add(1))];
                        add_products(a, stride, group, columns, &mut partial);
                    }
                }
            } else {
                each_block!(panel.blocks, panel.next_for_pass(at, 4), |group, block| {
                    let columns = block.0.as_chunks::<GROUP>().0;
                    let columns = [widen(&columns[2 * at]), widen(&columns[2 * at + 1])];
                    // SAFETY: the caller guarantees the rows.
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

/// Loads eight weights as i16.
#[inline(always)]
fn widen(weights: &[i8; GROUP]) -> v128 {
    // SAFETY: `weights` has eight bytes, and the load needs no alignment.
    unsafe { i16x8_load_extend_i8x8(weights.as_ptr()) }
}

/// Interleaves the 16-bit lanes of `a` and `b`: first their lower halves, then their upper halves.
#[inline(always)]
fn interleave(a: v128, b: v128) -> [v128; 2] {
    let low = i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b);
    [low, i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b)]
}

/// Adds the products of `R` rows with two columns to `partial`.
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
        // SAFETY: the caller guarantees the row's bytes.
        let row = unsafe { v128_load(a.add(r * stride + group * 2 * GROUP).cast()) };
        for (sum, column) in partial.iter_mut().zip(columns) {
            *sum = i32x4_add(*sum, i32x4_dot_i16x8(column, row));
        }
    }
}
