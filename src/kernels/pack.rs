//! Weights laid out in the order the kernels read them.

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
                let mut block = Block::ZERO;
                for (at, row) in (group * GROUP..k.min((group + 1) * GROUP)).enumerate() {
                    let values = part(row, panel * PANEL);
                    for (column, (value, sum)) in values.into_iter().zip(sums.iter_mut()).enumerate() {
                        block.0[column * GROUP + at] = value;
                        *sum += i32::from(value);
                    }
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

    /// The blocks of the panels `panels`, panel after panel.
    pub(super) fn panels(&self, panels: std::ops::Range<usize>) -> &[Block] {
        &self.blocks[panels.start * self.groups..panels.end * self.groups]
    }
}
