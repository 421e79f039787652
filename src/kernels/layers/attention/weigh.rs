//! The last products of attention: rows of weights times panels of columns.

use crate::kernels::gemm::Tiles;
use crate::kernels::isa::{LANES, Lanes};
use crate::kernels::layers::linear::Epilogue;

/// Rows of the largest tile there is.
const MAX_ROWS: usize = 8;

/// What is multiplied.
pub(in crate::kernels) trait Product<L: Lanes> {
    /// What is multiplied at once with each of [`LANES`] columns.
    type Weight: Copy;
    /// What [`LANES`] columns hold for one weight.
    type Columns;
    /// The sums of the columns.
    type Sum: Copy;
    /// Rows whose sums fit the registers at once.
    const ROWS: usize;

    /// Sums of nothing.
    fn zero(l: L) -> Self::Sum;
    /// The sums with the products of one weight.
    fn add(l: L, sum: Self::Sum, weight: Self::Weight, columns: &Self::Columns) -> Self::Sum;
    /// The sums as floats.
    fn to_f32(l: L, sum: Self::Sum) -> L::F32;
}

/// FP32 times FP32.
pub(in crate::kernels) struct Float;

impl<L: Lanes> Product<L> for Float {
    type Weight = f32;
    type Columns = [f32; LANES];
    type Sum = L::F32;
    const ROWS: usize = L::ROWS;

    #[inline(always)]
    fn zero(l: L) -> L::F32 {
        l.splat(0.0)
    }

    #[inline(always)]
    fn add(l: L, sum: L::F32, weight: f32, columns: &[f32; LANES]) -> L::F32 {
        l.mul_add(l.splat(weight), l.load(columns), sum)
    }

    #[inline(always)]
    fn to_f32(_l: L, sum: L::F32) -> L::F32 {
        sum
    }
}

/// Pairs of i16, one after the other in k, times such pairs. Sums must fit i32.
pub(in crate::kernels) struct I16Pairs;

impl<L: Lanes> Product<L> for I16Pairs {
    type Weight = i32;
    type Columns = [i32; LANES];
    type Sum = L::I32;
    const ROWS: usize = L::PAIR_ROWS;

    #[inline(always)]
    fn zero(l: L) -> L::I32 {
        l.splat_i32(0)
    }

    #[inline(always)]
    fn add(l: L, sum: L::I32, weight: i32, columns: &[i32; LANES]) -> L::I32 {
        l.dot_pairs(l.splat_i32(weight), l.load_i32(columns), sum)
    }

    #[inline(always)]
    fn to_f32(l: L, sum: L::I32) -> L::F32 {
        l.to_f32(sum)
    }
}

/// `y[row, panel] = Σ_k weights[row, k] · columns[panel, k]` for every row and panel; a row has `k` weights, a panel columns
/// for as many.
#[inline(always)]
pub(in crate::kernels) fn weigh<L: Lanes, P: Product<L>>(
    l: L,
    k: usize,
    weights: &[P::Weight],
    columns: &[P::Columns],
    put: &mut impl Epilogue<L>,
) {
    let heights = Tiles::new(weights.len() / k, P::ROWS);
    let mut sums = [P::zero(l); MAX_ROWS];
    for (at, panel) in columns.chunks_exact(k).enumerate() {
        for rows in heights.ranges() {
            let weights = &weights[rows.start * k..rows.end * k];
            match rows.len() {
                8 if P::ROWS >= 8 => tile_sums::<L, P, 8>(l, weights, panel, &mut sums),
                7 if P::ROWS >= 7 => tile_sums::<L, P, 7>(l, weights, panel, &mut sums),
                6 if P::ROWS >= 6 => tile_sums::<L, P, 6>(l, weights, panel, &mut sums),
                5 if P::ROWS >= 5 => tile_sums::<L, P, 5>(l, weights, panel, &mut sums),
                4 if P::ROWS >= 4 => tile_sums::<L, P, 4>(l, weights, panel, &mut sums),
                3 if P::ROWS >= 3 => tile_sums::<L, P, 3>(l, weights, panel, &mut sums),
                2 if P::ROWS >= 2 => tile_sums::<L, P, 2>(l, weights, panel, &mut sums),
                1 => tile_sums::<L, P, 1>(l, weights, panel, &mut sums),
                _ => unreachable!("a tile has 1 to {} rows", P::ROWS),
            }
            for (row, sum) in rows.zip(&sums) {
                put.put(row, at, P::to_f32(l, *sum));
            }
        }
    }
}

/// The sums of `R` rows of weights with one panel.
#[inline(always)]
fn tile_sums<L: Lanes, P: Product<L>, const R: usize>(
    l: L,
    weights: &[P::Weight],
    panel: &[P::Columns],
    out: &mut [P::Sum; MAX_ROWS],
) {
    assert_eq!(weights.len(), R * panel.len(), "a weight for every row and group of columns");
    let mut sums = [P::zero(l); R];
    for (k, columns) in panel.iter().enumerate() {
        for (r, sum) in sums.iter_mut().enumerate() {
            // SAFETY: k < panel.len() and r < R, and there are R * panel.len() weights.
            let weight = unsafe { *weights.get_unchecked(r * panel.len() + k) };
            *sum = P::add(l, *sum, weight, columns);
        }
    }
    out[..R].copy_from_slice(&sums);
}
