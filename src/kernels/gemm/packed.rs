//! Weights in the order in which kernels read them.

use crate::kernels::isa::{Block, GROUP, Kernel, PANEL};

/// A packed s8 weight matrix `[K, N]`: panels of [`PANEL`] columns, each a sequence of blocks of [`GROUP`] k. Zeros fill up K to a
/// multiple of [`GROUP`] and N to a multiple of [`PANEL`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackedWeights {
    groups: usize,
    blocks: Vec<Block>,
    column_sums: Vec<i32>,
}

impl PackedWeights {
    pub(in crate::kernels) fn of_blocks(groups: usize, blocks: Vec<Block>, column_sums: Vec<i32>) -> Self {
        PackedWeights { groups, blocks, column_sums }
    }

    /// Returns the weight of `column` at `k`.
    ///
    /// # Panics
    /// If `k` or `column` is out of range.
    pub fn at(&self, k: usize, column: usize) -> i8 {
        self.blocks[column / PANEL * self.groups + k / GROUP].0[column % PANEL * GROUP + k % GROUP]
    }

    /// Returns the number of groups of [`GROUP`] k, which is K divided by [`GROUP`] and rounded up.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Returns N rounded up to a multiple of [`PANEL`].
    pub fn columns(&self) -> usize {
        self.column_sums.len()
    }

    /// Returns `Σ_k w[k, c]` for every column c, with the columns that fill up the last panel.
    pub fn column_sums(&self) -> &[i32] {
        &self.column_sums
    }

    /// Whether a column has the weight −128 at both k = 2j and k = 2j + 1, for any j.
    pub(in crate::kernels) fn has_lowest_pair(&self) -> bool {
        let pairs = |block: &Block| block.0.as_chunks().0.contains(&[i8::MIN; 2]);
        self.blocks.iter().any(pairs)
    }

    /// Returns the blocks, panel after panel.
    pub(in crate::kernels) fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}

impl Kernel {
    /// Whether this kernel's products with `weights` are exact. They are with all weights in −127..=127, the range that
    /// [`quantize`](crate::quantize) writes.
    pub fn is_exact_for(self, weights: &PackedWeights) -> bool {
        !(self.wraps() && weights.has_lowest_pair())
    }
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
