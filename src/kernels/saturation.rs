//! Exact sums from a dot that adds products in pairs and saturates the pairs in i16.
//!
//! `a₀·w₀ + a₁·w₁` with u8 a and s8 w leaves i16 only where |w₀ + w₁| > 128, since weights of two signs cannot, and
//! 255 · 128 = 32,640. Such pairs are rare, about one in a hundred of normally distributed weights, and saturate only at
//! large activations. Where they are is noted once. Every product then finds those that do, by the largest activations of
//! every few rows first, and gives the sums what these lost.

use super::gemm::Dot;
use super::heights::Heights;
use super::lanes::{LANES, Lanes};
use super::pack::{Block, GROUP, PANEL};

/// A pair of weights whose products can leave i16.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Risk {
    /// Half the first weight's k.
    pair: u16,
    column: u8,
    /// The largest activations with which they do not.
    limit: u8,
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
                let mut risky = risky_pairs(block);
                while risky != 0 {
                    let (pair, column) = (risky.trailing_zeros() as usize / 16, risky.trailing_zeros() as usize % 16);
                    risky &= risky - 1;
                    let limit = i16::MAX as u16 / size(block.0.as_chunks().0[column * GROUP / 2 + pair]);
                    let pair = at * GROUP / 2 + pair;
                    self.all.push(Risk { pair: pair as u16, column: column as u8, limit: limit as u8 });
                }
            }
            self.ends.push(self.all.len() as u32);
        }
    }

    /// Those of one panel; none where nothing was noted.
    #[inline(always)]
    pub fn of(&self, panel: usize) -> &[Risk] {
        let Some(&end) = self.ends.get(panel) else { return &[] };
        let before = panel.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[before as usize..end as usize]
    }
}

/// The bit 16 · p + c is set where pair p of column c of a block can leave i16.
#[inline(always)]
fn risky_pairs(block: &Block) -> u64 {
    const EACH: u64 = 0x0001_0001_0001_0001;
    const EVEN: u64 = EACH * 0xff;
    let mut risky = 0;
    for (column, weights) in block.0.as_chunks::<GROUP>().0.iter().enumerate() {
        // w₀ + w₁ + 256 in sixteen bits each, which may be 128 to 384.
        let weights = u64::from_le_bytes(weights.map(|weight| weight as u8)) ^ 0x8080_8080_8080_8080;
        let sums = (weights & EVEN) + ((weights >> 8) & EVEN);
        let (not_below, above) = (sums + EACH * (0x8000 - 128), sums + EACH * (0x8000 - 385));
        risky |= (((!not_below | above) >> 15) & EACH) << column;
    }
    risky
}

/// |w₀ + w₁|
#[inline(always)]
fn size([a, b]: [i8; 2]) -> u16 {
    (i16::from(a) + i16::from(b)).unsigned_abs()
}

/// Rows of activations whose largest values stand together.
const GROUPED: usize = 8;

/// The largest activations of a product's rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Peaks {
    /// Of every pair of k those of all rows.
    all: Vec<[u8; 2]>,
    /// Of every pair of k those of each [`GROUPED`] rows, [`LANES`] groups together; what fills up the last is 0.
    groups: Vec<[[u8; 2]; LANES]>,
    /// Those of the rows at hand.
    some: Vec<[u8; 2]>,
}

impl Peaks {
    /// Finds those of the rows of `a`, u8 activations.
    pub fn find(&mut self, a: &[u8], stride: usize) {
        let pairs = stride / 2;
        let lanes = a.len().div_ceil(stride * GROUPED * LANES);
        self.groups.clear();
        self.groups.resize(pairs * lanes, [[0; 2]; LANES]);
        self.some.resize(pairs, [0; 2]);
        self.all.resize(pairs, [0; 2]);
        self.all.fill([0; 2]);
        for (at, rows) in a.chunks(GROUPED * stride).enumerate() {
            self.some.fill([0; 2]);
            for row in rows.chunks_exact(stride) {
                raise(&mut self.some, row);
            }
            raise(&mut self.all, self.some.as_flattened());
            for (some, groups) in self.some.iter().zip(self.groups[at / LANES..].iter_mut().step_by(lanes)) {
                groups[at % LANES] = *some;
            }
        }
    }
}

/// Raises every value of `largest` to that of `row`.
#[inline(always)]
fn raise(largest: &mut [[u8; 2]], row: &[u8]) {
    for (largest, value) in largest.as_flattened_mut().iter_mut().zip(row) {
        *largest = (*largest).max(*value);
    }
}

/// What the sums of a product lose in a panel. The buffers stay for the next product.
#[derive(Default)]
pub(super) struct Losses {
    rows: Vec<[i32; PANEL]>,
    /// Whether a row of the tile lost anything.
    tiles: Vec<bool>,
}

impl Losses {
    /// Prepares for a product in tiles of these heights.
    #[inline(always)]
    pub fn begin(&mut self, rows: usize, heights: &Heights) {
        self.rows.resize(rows, [0; PANEL]);
        self.tiles.resize(heights.tiles, false);
    }

    /// Finds what the products of the rows of `a`, which have these peaks, with the blocks of a panel lose.
    // As a function of its own, or the loops around it would have to share its registers.
    #[inline(never)]
    pub fn find<D: Dot>(
        &mut self,
        dot: D,
        (a, peaks): (&[u8], &Peaks),
        heights: &Heights,
        blocks: &[Block],
        risks: &[Risk],
    ) {
        let l = dot.lanes();
        let stride = blocks.len() * GROUP;
        let lanes = peaks.groups.len() / peaks.all.len();
        for risk in risks {
            let pair = usize::from(risk.pair);
            let [first, second] = peaks.all[pair];
            if first.max(second) <= risk.limit {
                continue;
            }
            let weights = blocks[2 * pair / GROUP].0.as_chunks::<2>().0
                [usize::from(risk.column) * GROUP / 2 + pair % (GROUP / 2)];
            let weights = weights.map(i32::from);
            let packed = l.splat_i32(weights[0] & 0xffff | weights[1] << 16);
            for (at, groups) in peaks.groups[pair * lanes..(pair + 1) * lanes].iter().enumerate() {
                let mut outside = l.outside_i16(l.dot_pairs(packed, l.widen_pairs(groups), l.splat_i32(0)));
                while outside != 0 {
                    let group = at * LANES + outside.trailing_zeros() as usize;
                    outside &= outside - 1;
                    for (row, values) in a.chunks_exact(stride).enumerate().skip(group * GROUPED).take(GROUPED) {
                        let values = values.as_chunks::<2>().0[pair].map(i32::from);
                        let sum = values[0] * weights[0] + values[1] * weights[1];
                        let lost = sum - sum.clamp(i16::MIN.into(), i16::MAX.into());
                        if lost != 0 {
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
    pub fn mend<D: Dot>(&mut self, dot: D, tile: usize, row: usize, sums: &mut [<D::Lanes as Lanes>::I32]) {
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
    use super::super::gemm::MAX_ROWS;
    use super::super::pack::PackedWeights;
    use super::super::scalar::Scalar;
    use super::*;

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
        let (groups, heights) = (k / GROUP, Heights::new(a.len() / k, 5));
        let (mut risks, mut peaks, mut losses) = (Risks::default(), Peaks::default(), Losses::default());
        risks.note(weights.blocks(), groups);
        peaks.find(a, k);
        losses.begin(a.len() / k, &heights);
        let mut damaged = 0;
        for (panel, blocks) in weights.blocks().chunks_exact(groups).enumerate() {
            losses.find(Scalar, (a, &peaks), &heights, blocks, risks.of(panel));
            damaged += losses.tiles.iter().filter(|&&damaged| damaged).count();
            let mut first = 0;
            for tile in 0..heights.tiles {
                let rows = first..first + heights.of(tile);
                let a = &a[rows.start * k..rows.end * k];
                first = rows.end;
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

    #[test]
    fn risks_begin_where_pairs_can_leave_i16() {
        for (weights, risky) in [([64, 64], false), ([65, 64], true), ([-64, -64], false), ([-65, -64], true)] {
            let mut w = [0i8; GROUP * PANEL];
            (w[2 * PANEL + 5], w[3 * PANEL + 5]) = (weights[0], weights[1]);
            let mut risks = Risks::default();
            risks.note(PackedWeights::new(&w, GROUP, PANEL).blocks(), 1);
            let expected = risky.then_some(Risk { pair: 1, column: 5, limit: 254 });
            assert_eq!(risks.of(0), expected.as_slice(), "{weights:?}");
        }
    }
}
