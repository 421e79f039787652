//! Products that are not INT8: rows times panels of columns, in FP32 or in pairs of i16.

use crate::kernels::gemm::Tiles;
use crate::kernels::isa::{LANES, Lanes};
use crate::kernels::layers::linear::Epilogue;

/// Rows of the tallest tile of any instruction set.
const MAX_ROWS: usize = 8;

/// The arithmetic of one kind of product.
pub(in crate::kernels) trait PanelProduct<L: Lanes> {
    /// An element of a row.
    type Element: Copy;
    /// The elements of [`LANES`] columns that an element of a row is multiplied with.
    type Columns;
    /// One sum for each of [`LANES`] columns.
    type Sum: Copy;
    /// Rows of the tallest tile, whose sums fit the registers.
    const ROWS: usize;

    /// Returns sums of zero.
    fn zero(l: L) -> Self::Sum;
    /// Returns `sum + element · columns`.
    fn add(l: L, sum: Self::Sum, element: Self::Element, columns: &Self::Columns) -> Self::Sum;
    /// Converts the sums to FP32.
    fn to_f32(l: L, sum: Self::Sum) -> L::F32;
}

/// FP32 times FP32. If `FUSED`, a product is not rounded before it is added, where the instruction set can do so.
pub(in crate::kernels) struct F32Product<const FUSED: bool>;

impl<L: Lanes, const FUSED: bool> PanelProduct<L> for F32Product<FUSED> {
    type Element = f32;
    type Columns = [f32; LANES];
    type Sum = L::F32;
    const ROWS: usize = L::ROWS;

    #[inline(always)]
    fn zero(l: L) -> L::F32 {
        l.splat(0.0)
    }

    #[inline(always)]
    fn add(l: L, sum: L::F32, element: f32, columns: &[f32; LANES]) -> L::F32 {
        match FUSED {
            true => l.fused_mul_add(l.splat(element), l.load(columns), sum),
            false => l.mul_add(l.splat(element), l.load(columns), sum),
        }
    }

    #[inline(always)]
    fn to_f32(_l: L, sum: L::F32) -> L::F32 {
        sum
    }
}

/// Pairs of i16 times pairs of i16, where a pair holds two consecutive k. Sums must fit i32.
pub(in crate::kernels) struct I16PairProduct;

impl<L: Lanes> PanelProduct<L> for I16PairProduct {
    type Element = i32;
    type Columns = [i32; LANES];
    type Sum = L::I32;
    const ROWS: usize = L::PAIR_ROWS;

    #[inline(always)]
    fn zero(l: L) -> L::I32 {
        l.splat_i32(0)
    }

    #[inline(always)]
    fn add(l: L, sum: L::I32, element: i32, columns: &[i32; LANES]) -> L::I32 {
        l.dot_pairs(l.splat_i32(element), l.load_i32(columns), sum)
    }

    #[inline(always)]
    fn to_f32(l: L, sum: L::I32) -> L::F32 {
        l.to_f32(sum)
    }
}

/// Computes `y[row, panel] = Σ_k rows[row, k] · panels[panel, k]` and passes every y to `epilogue`. A row has `k` elements, and a
/// panel has `k` entries of [`LANES`] columns.
#[inline(always)]
pub(in crate::kernels) fn multiply_panels<L: Lanes, P: PanelProduct<L>>(
    l: L,
    k: usize,
    rows: &[P::Element],
    panels: &[P::Columns],
    epilogue: &mut impl Epilogue<L>,
) {
    let tiles = Tiles::new(rows.len() / k, P::ROWS);
    let mut sums = [P::zero(l); MAX_ROWS];
    for (at, panel) in panels.chunks_exact(k).enumerate() {
        for range in tiles.ranges() {
            let tile = &rows[range.start * k..range.end * k];
            match range.len() {
                8 if P::ROWS >= 8 => tile_sums::<L, P, 8>(l, tile, panel, &mut sums),
                7 if P::ROWS >= 7 => tile_sums::<L, P, 7>(l, tile, panel, &mut sums),
                6 if P::ROWS >= 6 => tile_sums::<L, P, 6>(l, tile, panel, &mut sums),
                5 if P::ROWS >= 5 => tile_sums::<L, P, 5>(l, tile, panel, &mut sums),
                4 if P::ROWS >= 4 => tile_sums::<L, P, 4>(l, tile, panel, &mut sums),
                3 if P::ROWS >= 3 => tile_sums::<L, P, 3>(l, tile, panel, &mut sums),
                2 if P::ROWS >= 2 => tile_sums::<L, P, 2>(l, tile, panel, &mut sums),
                1 => tile_sums::<L, P, 1>(l, tile, panel, &mut sums),
                _ => unreachable!("a tile has 1 to {} rows", P::ROWS),
            }
            for (row, sum) in range.zip(&sums) {
                epilogue.put(row, at, P::to_f32(l, *sum));
            }
        }
    }
}

/// Writes the sums of `R` rows with one panel to `out`.
#[inline(always)]
fn tile_sums<L: Lanes, P: PanelProduct<L>, const R: usize>(
    l: L,
    rows: &[P::Element],
    panel: &[P::Columns],
    out: &mut [P::Sum; MAX_ROWS],
) {
    assert_eq!(rows.len(), R * panel.len(), "rows are as long as the panel");
    let mut sums = [P::zero(l); R];
    for (k, columns) in panel.iter().enumerate() {
        for (r, sum) in sums.iter_mut().enumerate() {
            // SAFETY: k < panel.len() and r < R, and there are R * panel.len() elements.
            let element = unsafe { *rows.get_unchecked(r * panel.len() + k) };
            *sum = P::add(l, *sum, element, columns);
        }
    }
    out[..R].copy_from_slice(&sums);
}
