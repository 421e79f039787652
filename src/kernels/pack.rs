//! Weights laid out in the order the kernels read them.

use super::saturation::Risks;
use std::ops::Range;

/// Columns of a panel.
pub const PANEL: usize = 8;
/// Consecutive k of one column that stand together.
pub const GROUP: usize = 8;

/// [`GROUP`] consecutive k of [`PANEL`] columns: byte `c * GROUP + k` is column c's weight at k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(64))]
pub struct Block(pub [i8; PANEL * GROUP]);

impl Block {
    /// A block of zeros.
    pub const ZERO: Block = Block([0; PANEL * GROUP]);
}

/// A weight matrix `[K, N]` of s8 in panels of [`PANEL`] columns. K is filled up with zeros to a multiple of [`GROUP`], N
/// to a multiple of [`PANEL`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackedWeights {
    groups: usize,
    blocks: Vec<Block>,
    column_sums: Vec<i32>,
}

impl PackedWeights {
    /// Packs the row-major matrix `weights` of `k` rows and `n` columns.
    ///
    /// # Panics
    /// If `weights` does not hold `k * n` values.
    pub fn new(weights: &[i8], k: usize, n: usize) -> Self {
        assert_eq!(weights.len(), k * n, "the weight matrix is not {k} x {n}");
        Self::from_rows(k, n, |row, column| {
            let row = &weights[row * n..][..n];
            match row.get(column..column + PANEL) {
                Some(whole) => whole.try_into().expect("the range has that length"),
                None => std::array::from_fn(|c| row.get(column + c).copied().unwrap_or(0)),
            }
        })
    }

    /// Packs a matrix of `k` rows and `n` columns from `part(row, first column)`, which gives [`PANEL`] columns of a row.
    pub fn from_rows(k: usize, n: usize, part: impl Fn(usize, usize) -> [i8; PANEL]) -> Self {
        let (groups, panels) = (k.div_ceil(GROUP), n.div_ceil(PANEL));
        let mut blocks = Vec::with_capacity(groups * panels);
        let mut column_sums = vec![0; panels * PANEL];
        for (panel, sums) in column_sums.chunks_exact_mut(PANEL).enumerate() {
            for group in 0..groups {
                let mut rows = [[0; PANEL]; GROUP];
                for (row, at) in rows.iter_mut().zip(group * GROUP..k) {
                    *row = part(at, panel * PANEL);
                }
                let columns = transpose(rows);
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum += sum_bytes(column);
                }
                let mut block = Block::ZERO;
                block.0.as_chunks_mut().0.copy_from_slice(&columns);
                blocks.push(block);
            }
        }
        PackedWeights { groups, blocks, column_sums }
    }

    /// Groups of k.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Columns, those that fill the last panel included.
    pub fn columns(&self) -> usize {
        self.column_sums.len()
    }

    /// `Σ_k w[k, c]` of every column.
    pub fn column_sums(&self) -> &[i32] {
        &self.column_sums
    }

    /// The blocks, panel after panel.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// `panels` as the weights of a product.
    pub(super) fn panels<'a>(&'a self, panels: Range<usize>, risks: &'a Risks) -> Weights<'a> {
        Weights { blocks: &self.blocks, groups: self.groups, panels, risks }
    }
}

/// The weights of a product: `panels` of all the panels in `blocks`, each of `groups` blocks.
#[derive(Clone)]
pub(super) struct Weights<'a> {
    pub blocks: &'a [Block],
    pub groups: usize,
    pub panels: Range<usize>,
    /// Where [`Dot::SATURATES`](super::dot::Dot::SATURATES) must be made up for.
    pub risks: &'a Risks,
}

/// Reads a byte of every block, and thereby its cache line.
// What is done with many bytes only depends on the one before, or LLVM would gather them in vectors, byte by byte. One or two,
// where a tile fetches them every few blocks, take no loop: to set it up would take longer than they do.
#[inline(always)]
pub(super) fn fetch(blocks: &[Block]) {
    let bytes = match blocks {
        [a] => a.0[0] as u32,
        [a, b] => (a.0[0] ^ b.0[0]) as u32,
        _ => blocks.iter().fold(0_u32, |all, block| all.rotate_left(1) ^ block.0[0] as u32),
    };
    std::hint::black_box(bytes);
}

/// Rows of eight bytes as columns: in three steps, each swaps the upper right with the lower left quarter of every square.
fn transpose(rows: [[i8; 8]; 8]) -> [[i8; 8]; 8] {
    let mut words = rows.map(|row| u64::from_le_bytes(row.map(|x| x as u8)));
    for (apart, kept) in [(4, 0x0000_0000_ffff_ffff_u64), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)] {
        for upper in (0..8).filter(|row| row & apart == 0) {
            let swapped = ((words[upper] >> (8 * apart)) ^ words[upper + apart]) & kept;
            words[upper] ^= swapped << (8 * apart);
            words[upper + apart] ^= swapped;
        }
    }
    words.map(|word| word.to_le_bytes().map(|x| x as i8))
}

/// The sum of eight s8, all at once: as u8, each 128 more, in pairs, then fours.
fn sum_bytes(bytes: [i8; 8]) -> i32 {
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let biased = u64::from_le_bytes(bytes.map(|x| x as u8)) ^ 0x8080_8080_8080_8080;
    let pairs = (biased & EVEN) + ((biased >> 8) & EVEN);
    (pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48) as i32 - 8 * 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_where_they_belong_with_their_sums() {
        for (k, n) in [(1, 1), (7, 9), (8, 8), (20, 24), (64, 13)] {
            // Every byte there is, the extremes among them.
            let weights: Vec<i8> = (0..k * n).map(|i| (i * 37 + 128) as u8 as i8).collect();
            let packed = PackedWeights::new(&weights, k, n);
            for column in 0..n.next_multiple_of(PANEL) {
                let expected = |row: usize| if row < k && column < n { weights[row * n + column] } else { 0 };
                let block = |row: usize| packed.blocks[column / PANEL * packed.groups + row / GROUP];
                let got = |row: usize| block(row).0[column % PANEL * GROUP + row % GROUP];
                let rows = 0..k.next_multiple_of(GROUP);
                assert!(rows.clone().all(|row| got(row) == expected(row)), "column {column} of {k} x {n}");
                assert_eq!(packed.column_sums[column], rows.map(|row| i32::from(expected(row))).sum::<i32>());
            }
        }
        for extreme in [-128, 127] {
            assert_eq!(sum_bytes([extreme; 8]), 8 * i32::from(extreme));
        }
    }
}
