//! What saturation takes from the sums of a product, and how they get it back.

use super::peaks::{GROUPED, Peaks};
use super::risks::Risk;
use crate::kernels::gemm::tiles::Tiles;
use crate::kernels::isa::{Dot, LANES, Lanes, PANEL};

/// What the sums of a product lose in a panel. The buffers stay for the next product.
#[derive(Default)]
pub(in crate::kernels) struct Losses {
    /// What each row lost in the panel at hand.
    rows: Vec<[i32; PANEL]>,
    /// Whether a row of the tile lost anything.
    tiles: Vec<bool>,
}

impl Losses {
    /// Prepares for a product in tiles of these heights.
    #[inline(always)]
    pub(in crate::kernels) fn begin(&mut self, rows: usize, heights: &Tiles) {
        self.rows.resize(rows, [0; PANEL]);
        self.tiles.resize(heights.tiles, false);
    }

    /// Finds what the products of the rows of `a`, which have these peaks, with the blocks of a panel lose.
    // As a function of its own, or the loops around it would have to share its registers.
    #[inline(never)]
    pub(in crate::kernels) fn find<D: Dot>(
        &mut self,
        dot: D,
        (a, peaks): (&[u8], &Peaks),
        heights: &Tiles,
        risks: &[Risk],
    ) {
        let l = dot.lanes();
        let stride = 2 * peaks.all.len();
        let lanes = peaks.groups.len() / peaks.all.len();
        for risk in risks {
            let pair = usize::from(risk.pair);
            let weights = risk.weights.map(i32::from);
            let sum = |[first, second]: [u8; 2]| i32::from(first) * weights[0] + i32::from(second) * weights[1];
            let lost = |sum: i32| sum - sum.clamp(i16::MIN.into(), i16::MAX.into());
            // The weights have one sign, so that no row's sum is larger.
            if lost(sum(peaks.all[pair])) == 0 {
                continue;
            }
            let packed = l.splat_i32(weights[0] & 0xffff | weights[1] << 16);
            for (at, groups) in peaks.groups[pair * lanes..(pair + 1) * lanes].iter().enumerate() {
                let mut outside = l.outside_i16(l.dot_pairs(packed, l.widen_pairs(groups), l.splat_i32(0)));
                while outside != 0 {
                    let group = at * LANES + outside.trailing_zeros() as usize;
                    outside &= outside - 1;
                    let rows = &a.as_chunks().0[group * GROUPED * stride / 2 + pair..];
                    for (row, values) in rows.iter().step_by(stride / 2).take(GROUPED).enumerate() {
                        let lost = lost(sum(*values));
                        if lost != 0 {
                            let row = group * GROUPED + row;
                            self.rows[row][usize::from(risk.column)] += lost;
                            self.tiles[heights.tile_of(row)] = true;
                        }
                    }
                }
            }
        }
    }

    /// Gives back to the `sums` of a tile, which begins with `row`, what they lost.
    #[inline(always)]
    pub(in crate::kernels) fn mend<D: Dot>(
        &mut self,
        dot: D,
        tile: usize,
        row: usize,
        sums: &mut [<D::Lanes as Lanes>::I32],
    ) {
        if self.tiles[tile] {
            self.tiles[tile] = false;
            for (lost, sum) in self.rows[row..].iter_mut().zip(sums) {
                *sum = dot.lanes().add_i32(*sum, dot.lanes().load_i32(lost));
                *lost = [0; PANEL];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Risks;
    use super::*;
    use crate::kernels::gemm::packed::PackedWeights;
    use crate::kernels::isa::{GROUP, MAX_ROWS, Scalar};

    fn exact(a: [u8; 2], w: [i8; 2]) -> i32 {
        a.iter().zip(w).map(|(&a, w)| i32::from(a) * i32::from(w)).sum()
    }

    #[test]
    fn mended_sums_are_exact() {
        for (rows, groups) in [(1, 1), (5, 2), (13, 3), (70, 2)] {
            // Activations up to a quarter make no risk come true.
            for part in [1, 4] {
                let (k, n) = (groups * GROUP, 2 * PANEL);
                let a: Vec<u8> = (0..rows * k).map(|i| (i * i * 31 + 255) as u8 / part).collect();
                let w: Vec<i8> = (0..k * n).map(|i| (i * i * 57 + i / 3 * 41 + 127) as u8 as i8).collect();
                let damaged = check(&a, &w, k, n);
                assert_eq!(damaged > 0, part == 1, "{rows} rows of {k}, {damaged} tiles damaged");
            }
        }
    }

    /// Mends the saturated sums of `a` and `w`, compares them with exact ones, and gives the number of tiles that were damaged.
    fn check(a: &[u8], w: &[i8], k: usize, n: usize) -> usize {
        let weights = PackedWeights::new(w, k, n);
        let (groups, heights) = (k / GROUP, Tiles::new(a.len() / k, 5));
        let (mut risks, mut peaks, mut losses) = (Risks::default(), Peaks::default(), Losses::default());
        risks.note(Scalar, weights.blocks(), groups);
        peaks.find(a, k);
        losses.begin(a.len() / k, &heights);
        let mut damaged = 0;
        for panel in 0..n / PANEL {
            losses.find(Scalar, (a, &peaks), &heights, risks.of(panel));
            damaged += losses.tiles.iter().filter(|&&damaged| damaged).count();
            for (tile, rows) in heights.ranges().enumerate() {
                let a = &a[rows.start * k..rows.end * k];
                let sums_of = |row: &[u8], product: fn([u8; 2], [i8; 2]) -> i32| -> [i32; PANEL] {
                    std::array::from_fn(|column| {
                        let w = |k: usize| w[k * n + panel * PANEL + column];
                        (0..k).step_by(2).map(|k| product([row[k], row[k + 1]], [w(k), w(k + 1)])).sum()
                    })
                };
                let mut sums = [[0; PANEL]; MAX_ROWS];
                for (sums, row) in sums.iter_mut().zip(a.chunks_exact(k)) {
                    *sums = sums_of(row, |a, w| exact(a, w).clamp(i16::MIN.into(), i16::MAX.into()));
                }
                losses.mend(Scalar, tile, rows.start, &mut sums[..rows.len()]);
                for (sums, row) in sums.iter().zip(a.chunks_exact(k)) {
                    assert_eq!(*sums, sums_of(row, exact));
                }
            }
        }
        damaged
    }
}
