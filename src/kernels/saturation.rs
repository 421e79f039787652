//! Exact sums from a dot that adds products in pairs and saturates the pairs in i16.
//!
//! `a₀·w₀ + a₁·w₁` with u8 a and s8 w leaves i16 only where |w₀ + w₁| > 128, since weights of two signs cannot, and
//! 255 · 128 = 32,640. Such pairs are rare, about one in a hundred of normally distributed weights, and saturate only at
//! large activations. Where they are is noted once. Every product then finds, by the largest activations of every pair
//! of k, those that can saturate in one of its tiles, and gives the sums what these lost.

use super::gemm::{Dot, Sums};
use super::heights::Heights;
use super::lanes::Lanes;
use super::pack::{Block, GROUP, PANEL};

/// A pair of weights whose products can leave i16.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Risk {
    /// Half the first weight's k.
    pair: u16,
    column: u8,
    /// |w₀ + w₁| − 1, which 255 holds.
    size: u8,
}

/// The risks of packed panels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Risks {
    /// Where those of each panel end.
    ends: Vec<u32>,
    all: Vec<Risk>,
}

impl Risks {
    /// Notes the risks of panels of `groups` blocks each, and forgets those of others.
    pub fn note(&mut self, panels: &[Block], groups: usize) {
        self.ends.clear();
        self.all.clear();
        for panel in panels.chunks_exact(groups) {
            for (at, block) in panel.iter().enumerate() {
                if may_saturate(block) {
                    for (column, weights) in block.0.as_chunks::<GROUP>().0.iter().enumerate() {
                        for (pair, weights) in weights.as_chunks::<2>().0.iter().enumerate() {
                            let size = size(*weights);
                            if size > 128 {
                                let pair = (at * GROUP / 2 + pair) as u16;
                                self.all.push(Risk { pair, column: column as u8, size: (size - 1) as u8 });
                            }
                        }
                    }
                }
            }
            self.ends.push(self.all.len() as u32);
        }
    }

    /// Those of one panel; none where nothing was noted.
    #[inline(always)]
    fn of(&self, panel: usize) -> &[Risk] {
        let Some(&end) = self.ends.get(panel) else { return &[] };
        let before = panel.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[before as usize..end as usize]
    }
}

/// Whether a block has a pair that can leave i16.
#[inline(always)]
fn may_saturate(block: &Block) -> bool {
    block.0.as_chunks::<2>().0.iter().fold(false, |any, weights| any | (size(*weights) > 128))
}

/// |w₀ + w₁|
#[inline(always)]
fn size([a, b]: [i8; 2]) -> u16 {
    (i16::from(a) + i16::from(b)).unsigned_abs()
}

/// What a product needs to repair its sums. Its buffers stay for the next product.
#[derive(Default)]
pub(super) struct Repair {
    /// Pairs of k in a row.
    pairs: usize,
    /// The largest activation of every pair of k: of all rows, then of each tile.
    largest: Vec<u16>,
    /// The risks of a panel that come true with the largest activations of all.
    chosen: Vec<Risk>,
}

impl Repair {
    /// Prepares for a product of the rows of `a`, u8 activations, in tiles of these heights.
    #[inline(always)]
    pub fn begin(&mut self, a: &[u8], stride: usize, heights: &Heights) {
        self.pairs = stride / 2;
        let len = (heights.tiles + 1) * self.pairs;
        if self.largest.len() < len {
            self.largest.resize(len, 0);
        }
        let (all, tiles) = self.largest[..len].split_at_mut(self.pairs);
        all.fill(0);
        let mut rest = a;
        for (at, tile) in tiles.chunks_exact_mut(self.pairs).enumerate() {
            let (rows, after) = rest.split_at(heights.of(at) * stride);
            rest = after;
            tile.fill(0);
            for row in rows.chunks_exact(stride) {
                for (largest, pair) in tile.iter_mut().zip(row.as_chunks::<2>().0) {
                    let pair = u16::from_le_bytes(*pair);
                    *largest = (*largest).max(pair & 255).max(pair >> 8);
                }
            }
            for (all, largest) in all.iter_mut().zip(tile) {
                *all = (*all).max(*largest);
            }
        }
    }

    /// Chooses the risks of `panel` that can come true.
    #[inline(always)]
    pub fn choose(&mut self, risks: &Risks, panel: usize) {
        let risks = risks.of(panel);
        let largest = &self.largest[..self.pairs];
        self.chosen.clear();
        self.chosen.extend(risks.iter().filter(|risk| can_saturate(risk, largest)));
    }

    /// Adds to `sums` of the rows of `a`, a tile, what saturation took from the products with the panel `blocks`.
    #[inline(always)]
    pub fn mend<D: Dot>(&self, dot: D, tile: usize, a: &[u8], stride: usize, blocks: &[Block], sums: &mut Sums<D>) {
        let largest = &self.largest[(tile + 1) * self.pairs..(tile + 2) * self.pairs];
        for risk in self.chosen.iter().filter(|risk| can_saturate(risk, largest)) {
            let (k, column) = (2 * usize::from(risk.pair), usize::from(risk.column));
            let at = column * GROUP + k % GROUP;
            let weights = [blocks[k / GROUP].0[at], blocks[k / GROUP].0[at + 1]].map(i32::from);
            for (row, sums) in a.chunks_exact(stride).zip(sums.iter_mut()) {
                let sum = weights[0] * i32::from(row[k]) + weights[1] * i32::from(row[k + 1]);
                let lost = sum - sum.clamp(i16::MIN.into(), i16::MAX.into());
                if lost != 0 {
                    let mut lanes = [0; PANEL];
                    lanes[column] = lost;
                    *sums = dot.lanes().add_i32(*sums, dot.lanes().load_i32(&lanes));
                }
            }
        }
    }
}

/// Whether the products of a pair can leave i16 with activations of this size at most.
#[inline(always)]
fn can_saturate(risk: &Risk, largest: &[u16]) -> bool {
    u32::from(largest[usize::from(risk.pair)]) * (u32::from(risk.size) + 1) > 32_767
}

#[cfg(test)]
mod tests {
    use super::super::gemm::MAX_ROWS;
    use super::super::pack::PackedWeights;
    use super::super::scalar::Scalar;
    use super::*;

    fn exact(a: [u8; 2], w: [i8; 2]) -> i32 {
        a.iter().zip(w).map(|(&a, w)| i32::from(a) * i32::from(w)).sum()
    }

    #[test]
    fn mended_sums_are_exact() {
        for (rows, groups) in [(1, 1), (5, 2), (13, 3)] {
            // Activations up to a quarter make no risk come true.
            for part in [1, 4] {
                let (k, n) = (groups * GROUP, 2 * PANEL);
                let a: Vec<u8> = (0..rows * k).map(|i| (i * i * 31 + 255) as u8 / part).collect();
                let w: Vec<i8> = (0..k * n).map(|i| (i * i * 57 + i / 3 * 41 + 127) as u8 as i8).collect();
                let chosen = check(&a, &w, k, n);
                assert_eq!(chosen > 0, part == 1, "{rows} rows of {k}, {chosen} chosen");
            }
        }
    }

    /// Mends the saturated sums of `a` and `w`, compares them with exact ones, and gives the number of risks that were chosen.
    fn check(a: &[u8], w: &[i8], k: usize, n: usize) -> usize {
        let weights = PackedWeights::new(w, k, n);
        let (groups, heights) = (k / GROUP, Heights::new(a.len() / k, 5));
        let (mut risks, mut repair) = (Risks::default(), Repair::default());
        risks.note(weights.blocks(), groups);
        repair.begin(a, k, &heights);
        let mut chosen = 0;
        for (panel, blocks) in weights.blocks().chunks_exact(groups).enumerate() {
            repair.choose(&risks, panel);
            chosen += repair.chosen.len();
            let mut rest = a;
            for tile in 0..heights.tiles {
                let (a, after) = rest.split_at(heights.of(tile) * k);
                rest = after;
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
                repair.mend(Scalar, tile, a, k, blocks, &mut sums);
                for (sums, row) in sums.iter().zip(a.chunks_exact(k)) {
                    assert_eq!(*sums, sums_of(row, exact));
                }
            }
        }
        chosen
    }

    #[test]
    fn risks_begin_where_pairs_can_leave_i16() {
        for (weights, risky) in [([64, 64], false), ([65, 64], true), ([-64, -64], false), ([-65, -64], true)] {
            let mut w = [0i8; GROUP * PANEL];
            (w[2 * PANEL + 5], w[3 * PANEL + 5]) = (weights[0], weights[1]);
            let mut risks = Risks::default();
            risks.note(PackedWeights::new(&w, GROUP, PANEL).blocks(), 1);
            let expected = risky.then_some(Risk { pair: 1, column: 5, size: 128 });
            assert_eq!(risks.of(0), expected.as_slice(), "{weights:?}");
        }
    }
}
