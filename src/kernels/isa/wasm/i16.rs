//! Multiplication in i16, which every engine has.

use super::lanes::{Pair, Simd128};
use super::pair_sums;
use crate::kernels::isa::{Block, Dot, GROUP, Panel, Sums, fetch};
use std::arch::wasm32::*;

/// Multiplication in i16 pairs (`i32x4.dot_i16x8_s`), a column and a row of eight k at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct I16;

impl Dot for I16 {
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
    fn pairs(self, block: &Block) -> [Pair; GROUP / 2] {
        let block = block.0.as_ptr().cast::<v128>();
        // SAFETY: a block is four vectors, and the load has no alignment demand.
        let [a, b, c, d] = std::array::from_fn(|two| unsafe { v128_load(block.add(two)) });
        // Two bytes, which are two k, stay together; each step brings one bit of the column's number to the lanes' lowest.
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
                fetch(panel.next_in(at, 4));
                for (group, wide) in panel.blocks.as_chunks::<2>().0.iter().enumerate() {
                    let columns = wide[at / 2].0.as_chunks::<32>().0[at % 2].as_ptr().cast::<v128>();
                    // SAFETY: two vectors have 32 bytes, and the loads have no alignment demand; of the rows, the caller's.
                    unsafe {
                        let columns = [v128_load(columns), v128_load(columns.add(1))];
                        add_products(a, stride, group, columns, &mut partial);
                    }
                }
            } else {
                each_block!(panel.blocks, panel.next_in(at, 4), |group, block| {
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

/// The lower, and the upper, lanes of 16 bits of `a` and `b` in turn.
#[inline(always)]
fn interleave(a: v128, b: v128) -> [v128; 2] {
    let low = i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b);
    [low, i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b)]
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
