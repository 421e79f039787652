//! Adds back what the sums of a product lose to saturation.

use super::peaks::{ActivationPeaks, PEAK_ROWS};
use super::risky_pairs::RiskyPair;
use crate::kernels::gemm::tiles::Tiles;
use crate::kernels::isa::{Dot, LANES, Lanes, PANEL};

/// The losses of a product's sums with the current panel. The buffers stay for the next product.
#[derive(Default)]
pub(in crate::kernels) struct SaturationRepair {
    /// For every row and column, the exact sum minus the saturated one.
    losses: Vec<[i32; PANEL]>,
    /// For every tile, whether any of its sums lost anything.
    damaged_tiles: Vec<bool>,
}

impl SaturationRepair {
    /// Prepares for a product of `rows` rows in `tiles`.
    #[inline(always)]
    pub(in crate::kernels) fn begin(&mut self, rows: usize, tiles: &Tiles) {
        self.losses.resize(rows, [0; PANEL]);
        self.damaged_tiles.resize(tiles.count, false);
    }

    /// Finds the losses of the rows of `a`, whose peaks are `peaks`, with the panel whose risky pairs are given.
    // Not inlined: it would take registers from the loops around it.
    #[inline(never)]
    pub(in crate::kernels) fn find_losses<D: Dot>(
        &mut self,
        dot: D,
        (a, peaks): (&[u8], &ActivationPeaks),
        tiles: &Tiles,
        risky_pairs: &[RiskyPair],
    ) {
        let l = dot.lanes();
        let stride = 2 * peaks.all.len();
        let vectors = peaks.vectors.len() / peaks.all.len();
        for risky in risky_pairs {
            let pair = usize::from(risky.pair);
            let weights = risky.weights.map(i32::from);
            let sum = |[first, second]: [u8; 2]| i32::from(first) * weights[0] + i32::from(second) * weights[1];
            let lost = |sum: i32| sum - sum.clamp(i16::MIN.into(), i16::MAX.into());
            // Both weights have the same sign, so no row's sum is larger in magnitude than that of the peaks.
            if lost(sum(peaks.all[pair])) == 0 {
                continue;
            }
            let packed = l.splat_i32(weights[0] & 0xffff | weights[1] << 16);
            for (at, peaks) in peaks.vectors[pair * vectors..(pair + 1) * vectors].iter().enumerate() {
                let mut outside = l.outside_i16(l.dot_pairs(packed, l.widen_pairs(peaks), l.splat_i32(0)));
                while outside != 0 {
                    let peak = at * LANES + outside.trailing_zeros() as usize;
                    outside &= outside - 1;
                    let rows = &a.as_chunks().0[peak * PEAK_ROWS * stride / 2 + pair..];
                    for (row, values) in rows.iter().step_by(stride / 2).take(PEAK_ROWS).enumerate() {
                        let lost = lost(sum(*values));
                        if lost != 0 {
                            let row = peak * PEAK_ROWS + row;
                            self.losses[row][usize::from(risky.column)] += lost;
                            self.damaged_tiles[tiles.tile_of(row)] = true;
                        }
                    }
                }
            }
        }
    }

    /// Adds the losses to the `sums` of a tile whose first row is `row`.
    #[inline(always)]
    pub(in crate::kernels) fn repair<D: Dot>(
        &mut self,
        dot: D,
        tile: usize,
        row: usize,
        sums: &mut [<D::Lanes as Lanes>::I32],
    ) {
        if self.damaged_tiles[tile] {
            self.damaged_tiles[tile] = false;
            for (lost, sum) in self.losses[row..].iter_mut().zip(sums) {
                *sum = dot.lanes().add_i32(*sum, dot.lanes().load_i32(lost));
                *lost = [0; PANEL];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::RiskyPairs;
    use super::*;
    use crate::kernels::gemm::packed::PackedWeights;
    use crate::kernels::isa::{GROUP, MAX_ROWS, Scalar};

    fn exact(a: [u8; 2], w: [i8; 2]) -> i32 {
        a.iter().zip(w).map(|(&a, w)| i32::from(a) * i32::from(w)).sum()
    }

    #[test]
    fn repaired_sums_are_exact() {
        for (rows, groups) in [(1, 1), (5, 2), (13, 3), (70, 2)] {
            // A quarter of the largest activation saturates no pair.
            for divisor in [1, 4] {
                let (k, n) = (groups * GROUP, 2 * PANEL);
                let a: Vec<u8> = (0..rows * k).map(|i| (i * i * 31 + 255) as u8 / divisor).collect();
                let w: Vec<i8> = (0..k * n).map(|i| (i * i * 57 + i / 3 * 41 + 127) as u8 as i8).collect();
                let damaged = check(&a, &w, k, n);
                assert_eq!(damaged > 0, divisor == 1, "{rows} rows of {k}, {damaged} tiles damaged");
            }
        }
    }

    /// Repairs the saturated sums of `a` and `w`, compares them with the exact ones, and returns the number of damaged tiles.
    fn check(a: &[u8], w: &[i8], k: usize, n: usize) -> usize {
        let weights = PackedWeights::new(w, k, n);
        let (groups, tiles) = (k / GROUP, Tiles::new(a.len() / k, 5));
        let (mut risky_pairs, mut peaks, mut repair) =
            (RiskyPairs::default(), ActivationPeaks::default(), SaturationRepair::default());
        risky_pairs.record(Scalar, weights.blocks(), groups);
        peaks.measure(a, k);
        repair.begin(a.len() / k, &tiles);
        let mut damaged = 0;
        for panel in 0..n / PANEL {
            repair.find_losses(Scalar, (a, &peaks), &tiles, risky_pairs.of_panel(panel));
            damaged += repair.damaged_tiles.iter().filter(|&&damaged| damaged).count();
            for (tile, rows) in tiles.ranges().enumerate() {
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
                repair.repair(Scalar, tile, rows.start, &mut sums[..rows.len()]);
                for (sums, row) in sums.iter().zip(a.chunks_exact(k)) {
                    assert_eq!(*sums, sums_of(row, exact));
                }
            }
        }
        damaged
    }
}
