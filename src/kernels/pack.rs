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
                // A row's weights in a word each, the first in its lowest byte.
                let mut words = [0; GROUP];
                for (word, at) in words.iter_mut().zip(group * GROUP..k) {
                    *word = u64::from_le_bytes(part(at, panel * PANEL).map(|weight| weight as u8));
                }
                add_columns(&words, sums);
                let mut block = Block::ZERO;
                for (column, word) in block.0.as_chunks_mut().0.iter_mut().zip(transpose(words)) {
                    *column = word.to_le_bytes().map(|weight| weight as i8);
                }
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

    /// Whether a column has -128 at both k of a pair, 2j and 2j + 1.
    pub(super) fn has_lowest_pair(&self) -> bool {
        let pairs = |block: &Block| block.0.as_chunks().0.contains(&[i8::MIN; 2]);
        self.blocks.iter().any(pairs)
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
fn transpose(mut words: [u64; 8]) -> [u64; 8] {
    for (apart, kept) in [(4, 0x0000_0000_ffff_ffff_u64), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)] {
        for upper in (0..8).filter(|row| row & apart == 0) {
            let swapped = ((words[upper] >> (8 * apart)) ^ words[upper + apart]) & kept;
            words[upper] ^= swapped << (8 * apart);
            words[upper + apart] ^= swapped;
        }
    }
    words
}

/// Adds up the columns of eight rows of s8: as u8, each 128 more, every second one with sixteen bits of its own.
fn add_columns(rows: &[u64; GROUP], sums: &mut [i32]) {
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let biased = rows.map(|row| row ^ 0x8080_8080_8080_8080);
    let even: u64 = biased.iter().map(|row| row & EVEN).sum();
    let odd: u64 = biased.iter().map(|row| row >> 8 & EVEN).sum();
    for (column, sum) in sums.iter_mut().enumerate() {
        let pair = if column % 2 == 0 { even } else { odd };
        *sum += i32::from((pair >> (16 * (column / 2))) as u16) - 128 * GROUP as i32;
    }
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
        let lowest = |at: [usize; 2]| {
            let weights: Vec<i8> =
                (0..64).map(|i| if at.contains(&(i / 8)) && i % 8 == 5 { -128 } else { -127 }).collect();
            PackedWeights::new(&weights, 8, 8).has_lowest_pair()
        };
        assert!(lowest([2, 3]) && !lowest([3, 4]) && !lowest([6, 6]));
        for extreme in [-128, 127] {
            assert_eq!(PackedWeights::new(&[extreme; 64], 8, 8).column_sums, [8 * i32::from(extreme); 8]);
        }
    }
}
