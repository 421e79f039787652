//! The integer matrix product, written once over the [`Dot`] of each instruction set.

use super::lanes::Lanes;
use super::pack::{Block, GROUP};

/// The dot products of one instruction set: [`PANEL`](super::pack::PANEL) columns and [`GROUP`] k at a time. A value of the implementing type
/// proves that the instruction set is available and gives exact integers.
pub(super) trait Dot: Copy {
    /// The instruction set's lanes.
    type Lanes: Lanes;
    /// Bytes of the stored form of one activation.
    const WIDTH: usize;
    /// What the stored form takes off every activation.
    const SHIFT: i32;
    /// Rows of the largest tile: 1, 2, 4 or 6.
    const ROWS: usize;

    /// The proof for the lanes.
    fn lanes(self) -> Self::Lanes;

    /// Writes the stored form of eight activations in 0..=255 to `to`, which has `GROUP * WIDTH` bytes.
    fn store(self, group: <Self::Lanes as Lanes>::I32, to: &mut [u8]);

    /// The products of `R` rows with one panel: lane c of sums r is `Σ_k stored(a)[r, k] · w[k, c]`.
    ///
    /// # Safety
    /// `panel.len() * GROUP * WIDTH` bytes must be readable at `a + r * stride` for every r < R.
    unsafe fn tile<const R: usize>(
        self,
        a: *const u8,
        stride: usize,
        panel: &[Block],
    ) -> [<Self::Lanes as Lanes>::I32; R];
}

/// Takes the sums of a product.
pub(super) trait Sink<L: Lanes> {
    /// Takes the [`PANEL`](super::pack::PANEL) sums of `row` in `panel`.
    fn put(&mut self, row: usize, panel: usize, sums: L::I32);
}

/// Multiplies the rows of `a`, in the stored form, with `panels` of `groups` blocks each, and hands every row's sums to
/// `sink`, a tile at a time. No overflow: |sum| ≤ 255·128·K fits i32 for K ≤ 65,000.
#[inline(always)]
pub(super) fn gemm<D: Dot>(dot: D, a: &[u8], groups: usize, panels: &[Block], sink: &mut impl Sink<D::Lanes>) {
    let stride = groups * GROUP * D::WIDTH;
    assert!(stride > 0 && a.len().is_multiple_of(stride) && panels.len().is_multiple_of(groups), "shapes do not match");
    let rows = a.len() / stride;
    // The blocks of the next panel that each tile fetches, so that all are at hand when their turn comes.
    let ahead = groups.div_ceil(rows.div_ceil(D::ROWS).max(1)).min(16);
    for (at, panel) in panels.chunks_exact(groups).enumerate() {
        let mut next = panels[(at + 1) * groups..].chunks(ahead);
        let mut row = 0;
        if D::ROWS >= 6 {
            while row + 6 <= rows {
                fetch(next.next());
                put_tile::<D, 6>(dot, a, stride, panel, row, at, sink);
                row += 6;
            }
        }
        if D::ROWS >= 4 {
            while row + 4 <= rows {
                fetch(next.next());
                put_tile::<D, 4>(dot, a, stride, panel, row, at, sink);
                row += 4;
            }
        }
        if D::ROWS >= 2 {
            while row + 2 <= rows {
                fetch(next.next());
                put_tile::<D, 2>(dot, a, stride, panel, row, at, sink);
                row += 2;
            }
        }
        while row < rows {
            fetch(next.next());
            put_tile::<D, 1>(dot, a, stride, panel, row, at, sink);
            row += 1;
        }
    }
}

/// Reads a byte of every block, and thereby its cache line.
#[inline(always)]
fn fetch(blocks: Option<&[Block]>) {
    let bytes = blocks.unwrap_or_default().iter().fold(0, |all, block| all ^ block.0[0]);
    std::hint::black_box(bytes);
}

#[inline(always)]
fn put_tile<D: Dot, const R: usize>(
    dot: D,
    a: &[u8],
    stride: usize,
    panel: &[Block],
    row: usize,
    at: usize,
    sink: &mut impl Sink<D::Lanes>,
) {
    let rows = &a[row * stride..(row + R) * stride];
    // SAFETY: `rows` holds R rows of `stride` bytes, and a row has GROUP * WIDTH bytes for every block of the panel.
    let sums = unsafe { dot.tile::<R>(rows.as_ptr(), stride, panel) };
    for (r, sums) in sums.into_iter().enumerate() {
        sink.put(row + r, at, sums);
    }
}
