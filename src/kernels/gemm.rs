//! The integer matrix product, written once over the [`Dot`] of each instruction set.

use super::pack::{Block, GROUP, PANEL, PackedWeights};

/// A u8 activation matrix `[rows, k]`, in the form one kernel reads.
#[derive(Debug, Default)]
pub struct Activations {
    rows: usize,
    stride: usize,
    data: Vec<u8>,
}

impl Activations {
    /// Rows (M).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Fills this buffer with the row-major matrix `values` of `k` columns, in the form `D` reads.
    pub(super) fn prepare<D: Dot>(&mut self, values: &[u8], k: usize) {
        assert!(k > 0 && values.len().is_multiple_of(k), "{} values are no matrix of {k} columns", values.len());
        self.rows = values.len() / k;
        self.stride = k.div_ceil(GROUP) * GROUP * D::WIDTH;
        self.data.clear();
        self.data.resize(self.rows * self.stride, 0);
        for (row, prepared) in values.chunks_exact(k).zip(self.data.chunks_exact_mut(self.stride)) {
            let groups = row.chunks(GROUP).zip(prepared.chunks_exact_mut(GROUP * D::WIDTH));
            for (group, out) in groups {
                let mut bytes = [0; GROUP];
                bytes[..group.len()].copy_from_slice(group);
                D::prepare(bytes, out);
            }
        }
    }
}

/// Partial sums of one row and one panel in an instruction set's registers.
pub(super) trait Sums: Copy {
    /// Empty sums.
    ///
    /// # Safety
    /// The instruction set must be available.
    unsafe fn zero() -> Self;

    /// The finished sums, by column.
    ///
    /// # Safety
    /// The instruction set must be available.
    unsafe fn finish(self) -> [i32; PANEL];
}

/// The dot products of one instruction set: [`PANEL`] columns and [`GROUP`] k at a time.
pub(super) trait Dot {
    /// Bytes of the prepared form of one activation.
    const WIDTH: usize;
    /// What the prepared form takes off every activation.
    const SHIFT: i32;
    /// Partial sums of one row and one panel.
    type Acc: Sums;

    /// Writes the prepared form of one group of activations to `out` (`GROUP * WIDTH` bytes).
    fn prepare(group: [u8; GROUP], out: &mut [u8]);

    /// Adds the products of one group of `R` rows with one block.
    ///
    /// # Safety
    /// The instruction set must be available, and `GROUP * WIDTH` bytes readable at `a + r * stride` for every r < R.
    unsafe fn step<const R: usize>(acc: &mut [Self::Acc; R], a: *const u8, stride: usize, block: &Block);

    /// [`tile`], compiled with the instruction set switched on where it is not for the whole crate.
    ///
    /// # Safety
    /// As for [`tile`].
    unsafe fn tile<const R: usize>(a: *const u8, stride: usize, panel: &[Block]) -> [[i32; PANEL]; R]
    where
        Self: Sized,
    {
        // SAFETY: same contract.
        unsafe { tile::<Self, R>(a, stride, panel) }
    }
}

/// The products of `R` rows with one panel.
///
/// # Safety
/// `D`'s instruction set must be available, and `panel.len() * GROUP * WIDTH` bytes readable at `a + r * stride` for
/// every r < R.
#[inline(always)]
pub(super) unsafe fn tile<D: Dot, const R: usize>(a: *const u8, stride: usize, panel: &[Block]) -> [[i32; PANEL]; R] {
    // SAFETY: the caller vouches for the instruction set and for the rows; block g reads the group at g * GROUP * WIDTH,
    // which lies inside a row because a row has as many groups as the panel has blocks.
    unsafe {
        let mut acc = [D::Acc::zero(); R];
        for (group, block) in panel.iter().enumerate() {
            D::step(&mut acc, a.add(group * GROUP * D::WIDTH), stride, block);
        }
        acc.map(|sums| sums.finish())
    }
}

/// Rows that share the loads of a block.
const ROWS: usize = 2;

/// Multiplies `a` with `weights` and hands every row's [`PANEL`] sums `Σ_k a[m, k] · w[k, n]` to
/// `sink(m, first column, sums)`. Columns beyond N come as zeros. No overflow: |sum| ≤ 255·127·K fits i32 for
/// K ≤ 66,000, which [`super::Kernel::matmul`] checks.
///
/// # Safety
/// `D`'s instruction set must be available, and `a` prepared by `D` with as many columns as `weights` has rows.
pub(super) unsafe fn matmul<D: Dot>(
    a: &Activations,
    weights: &PackedWeights,
    mut sink: impl FnMut(usize, usize, &[i32; PANEL]),
) {
    let sums = weights.column_sums().chunks_exact(PANEL);
    for (at, (panel, column_sums)) in weights.panels().zip(sums).enumerate() {
        let mut row = 0;
        // SAFETY: rows row..row + R lie inside `a`, each holds the groups of a panel, and the caller vouches for the
        // instruction set.
        unsafe {
            while row + ROWS <= a.rows {
                let tile = D::tile::<ROWS>(a.data.as_ptr().add(row * a.stride), a.stride, panel);
                for (r, sums) in tile.into_iter().enumerate() {
                    sink(row + r, at * PANEL, &unshift::<D>(sums, column_sums));
                }
                row += ROWS;
            }
            while row < a.rows {
                let [sums] = D::tile::<1>(a.data.as_ptr().add(row * a.stride), a.stride, panel);
                sink(row, at * PANEL, &unshift::<D>(sums, column_sums));
                row += 1;
            }
        }
    }
}

/// Gives back what [`Dot::SHIFT`] took: `Σ a·w = Σ (a − s)·w + s·Σ w`.
#[inline(always)]
fn unshift<D: Dot>(mut sums: [i32; PANEL], column_sums: &[i32]) -> [i32; PANEL] {
    if D::SHIFT != 0 {
        for (sum, column) in sums.iter_mut().zip(column_sums) {
            *sum += D::SHIFT * column;
        }
    }
    sums
}
