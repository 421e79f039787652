//! Weights laid out in the order the kernels read them.

/// Columns of a panel.
pub const PANEL: usize = 8;
/// Consecutive k of one column that stand together.
pub const GROUP: usize = 8;

/// [`GROUP`] consecutive k of [`PANEL`] columns: byte `c * GROUP + k` is column c's weight at k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(64))]
pub struct Block(pub [i8; PANEL * GROUP]);

/// A weight matrix `[K, N]` of s8 in panels of [`PANEL`] columns. K is filled up with zeros to a multiple of 8, N to a
/// multiple of [`PANEL`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackedWeights {
    k: usize,
    n: usize,
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
        Self::from_fn(k, n, |row, column| weights[row * n + column])
    }

    /// Packs the matrix whose element at (k, n) is `weight(k, n)`.
    pub fn from_fn(k: usize, n: usize, weight: impl Fn(usize, usize) -> i8) -> Self {
        let (groups, panels) = (k.div_ceil(GROUP), n.div_ceil(PANEL));
        let mut blocks = vec![Block([0; PANEL * GROUP]); groups * panels];
        let mut column_sums = vec![0; panels * PANEL];
        for (at, block) in blocks.iter_mut().enumerate() {
            let (panel, group) = (at / groups, at % groups);
            let columns = panel * PANEL..n.min((panel + 1) * PANEL);
            for row in group * GROUP..k.min((group + 1) * GROUP) {
                for (column, sum) in columns.clone().zip(&mut column_sums[columns.clone()]) {
                    let value = weight(row, column);
                    block.0[(column % PANEL) * GROUP + row % GROUP] = value;
                    *sum += i32::from(value);
                }
            }
        }
        PackedWeights { k, n, blocks, column_sums }
    }

    /// Rows (K).
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns (N).
    pub fn n(&self) -> usize {
        self.n
    }

    /// `Σ_k w[k, c]` of every column, zeros for the columns that fill the last panel.
    pub fn column_sums(&self) -> &[i32] {
        &self.column_sums
    }

    /// The blocks of every panel, in column order; each panel has `K / GROUP` blocks, rounded up.
    pub fn panels(&self) -> impl Iterator<Item = &[Block]> {
        self.blocks.chunks_exact(self.groups().max(1))
    }

    /// Groups of k, rounded up.
    pub fn groups(&self) -> usize {
        self.k.div_ceil(GROUP)
    }
}
