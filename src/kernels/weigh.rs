//! The float products of attention: rows of weights times panels of columns.

use super::heights::Heights;
use super::lanes::{LANES, Lanes};
use super::linear::Put;

/// Rows of the largest tile there is.
const MAX_ROWS: usize = 8;

/// `y[row, panel] = Σ_k weights[row, k] · columns[panel, k]` for every row and panel. A row has `k` weights, a multiple of
/// [`LANES`], a panel `k` groups of [`LANES`] columns.
#[inline(always)]
pub(super) fn weigh<L: Lanes>(
    l: L,
    k: usize,
    weights: &[[f32; LANES]],
    columns: &[[f32; LANES]],
    put: &mut impl Put<L>,
) {
    let stride = k / LANES;
    let heights = Heights::new(weights.len() / stride, L::FLOAT_ROWS);
    let mut sums = [l.splat(0.0); MAX_ROWS];
    for (at, panel) in columns.chunks_exact(k).enumerate() {
        let mut row = 0;
        for tile in 0..heights.tiles {
            let height = heights.of(tile);
            let weights = weights[row * stride..(row + height) * stride].as_flattened();
            match height {
                8 if L::FLOAT_ROWS >= 8 => tile_sums::<L, 8>(l, weights, panel, &mut sums),
                7 if L::FLOAT_ROWS >= 7 => tile_sums::<L, 7>(l, weights, panel, &mut sums),
                6 if L::FLOAT_ROWS >= 6 => tile_sums::<L, 6>(l, weights, panel, &mut sums),
                5 if L::FLOAT_ROWS >= 5 => tile_sums::<L, 5>(l, weights, panel, &mut sums),
                4 if L::FLOAT_ROWS >= 4 => tile_sums::<L, 4>(l, weights, panel, &mut sums),
                3 if L::FLOAT_ROWS >= 3 => tile_sums::<L, 3>(l, weights, panel, &mut sums),
                2 if L::FLOAT_ROWS >= 2 => tile_sums::<L, 2>(l, weights, panel, &mut sums),
                1 => tile_sums::<L, 1>(l, weights, panel, &mut sums),
                _ => unreachable!("a tile has 1 to {} rows", L::FLOAT_ROWS),
            }
            for sum in &sums[..height] {
                put.put(row, at, *sum);
                row += 1;
            }
        }
    }
}

/// The sums of `R` rows of weights with one panel.
#[inline(always)]
fn tile_sums<L: Lanes, const R: usize>(l: L, weights: &[f32], panel: &[[f32; LANES]], out: &mut [L::F32; MAX_ROWS]) {
    assert_eq!(weights.len(), R * panel.len(), "a weight for every row and group of columns");
    let mut sums = [l.splat(0.0); R];
    for (k, columns) in panel.iter().enumerate() {
        let columns = l.load(columns);
        for (r, sum) in sums.iter_mut().enumerate() {
            // SAFETY: k < panel.len() and r < R, and there are R * panel.len() weights.
            let weight = unsafe { *weights.get_unchecked(r * panel.len() + k) };
            *sum = l.mul_add(l.splat(weight), columns, *sum);
        }
    }
    out[..R].copy_from_slice(&sums);
}
