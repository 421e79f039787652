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
    pub(super) fn of_blocks(groups: usize, blocks: Vec<Block>, column_sums: Vec<i32>) -> Self {
        PackedWeights { groups, blocks, column_sums }
    }

    /// The weight of `column` at `k`.
    ///
    /// # Panics
    /// If there is none.
    pub fn at(&self, k: usize, column: usize) -> i8 {
        self.blocks[column / PANEL * self.groups + k / GROUP].0[column % PANEL * GROUP + k % GROUP]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_the_lowest_weights_and_sums_of_extremes_are_found() {
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
