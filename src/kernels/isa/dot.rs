//! What an instruction set implements for the integer matrix product, and who takes its sums.

use super::Lanes;
use super::{Block, GROUP};

/// Rows of the tallest tile of any kernel.
pub(in crate::kernels) const MAX_ROWS: usize = 6;

/// The sums of one tile: [`PANEL`](super::PANEL) sums for every row.
pub(in crate::kernels) type Sums<D> = [<<D as Dot>::Lanes as Lanes>::I32; MAX_ROWS];

/// The micro-kernel of one instruction set. It multiplies one tile of rows with one panel of
/// [`PANEL`](super::PANEL) columns, [`GROUP`] k at a time. A value of the implementing type proves that the instruction set is
/// available and that its integers are exact.
pub(in crate::kernels) trait Dot: Copy {
    /// The vectors of the instruction set.
    type Lanes: Lanes;
    /// Bytes of one encoded activation.
    const WIDTH: usize;
    /// What encoding subtracts from every activation.
    const SHIFT: i32;
    /// Rows of the tallest tile: 1 to [`MAX_ROWS`].
    const ROWS: usize;
    /// Groups of k to multiply at a time, so that the data that a tile reads stays in the first-level cache.
    const MAX_GROUPS: usize = usize::MAX;
    /// Whether `tile` adds products in pairs that saturate in i16. The product then repairs the sums.
    const SATURATES: bool = false;
    /// Whether `tile` may add products in pairs that wrap in i16. Only twice (−128)² does, so weights must not have two −128 in
    /// one pair of k.
    const WRAPS: bool = false;
    /// Whether the Strassen-Winograd algorithm speeds up products of many rows. Encoded activations are then i16 in order of k.
    const STRASSEN: bool = false;

    /// Returns the proof for the lanes.
    fn lanes(self) -> Self::Lanes;

    /// Writes eight activations in 0..=255 to `to` in encoded form, `GROUP * WIDTH` bytes. The default stores them as unchanged
    /// bytes.
    #[inline(always)]
    fn encode(self, group: <Self::Lanes as Lanes>::I32, to: &mut [u8]) {
        to.copy_from_slice(&self.lanes().to_bytes(group));
    }

    /// Unpacks `panel` into `space` and returns the block count, or `None` if the packed form is already the fastest.
    #[inline(always)]
    fn unpack(self, panel: &[Block], space: &mut Vec<Block>) -> Option<usize> {
        let _ = (panel, space);
        None
    }

    /// Returns a block's weights as pairs of i16: vector j holds the weights at k = 2j and 2j + 1 of every column.
    #[inline(always)]
    fn weight_pairs(self, block: &Block) -> [<Self::Lanes as Lanes>::I32; GROUP / 2] {
        let weight = |column: usize, k: usize| i32::from(block.0[column * GROUP + k]);
        let pair = |column, k| weight(column, 2 * k) & 0xffff | weight(column, 2 * k + 1) << 16;
        std::array::from_fn(|k| self.lanes().load_i32(&std::array::from_fn(|column| pair(column, k))))
    }

    /// Multiplies `R` rows with one panel: lane c of `sums[r]` becomes `Σ_k encoded(a)[r, k] · w[k, c]`.
    ///
    /// # Safety
    /// For every r < R, `GROUP * WIDTH` bytes for every packed block must be readable at `a + r * stride`.
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>);
}

/// The right operand of a tile: the columns of one panel.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Panel<'a> {
    /// The panel's blocks, or what [`Dot::unpack`] made of them.
    pub blocks: &'a [Block],
    /// Whether `blocks` are unpacked.
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "native kernels do not unpack"))]
    pub unpacked: bool,
    /// Blocks of the next panel to bring into the cache meanwhile.
    pub next: &'a [Block],
}

#[cfg(target_arch = "wasm32")]
impl<'a> Panel<'a> {
    /// Returns the part of `next` to touch during pass `at` of `passes` over the panel. Few blocks at a time are best, because
    /// engines wait for slow loads. If `next` is as long as the panel, the first pass touches one block of it for each of its own.
    #[inline(always)]
    pub fn next_for_pass(self, at: usize, passes: usize) -> &'a [Block] {
        let len = self.next.len();
        match len == self.blocks.len() {
            true if at == 0 => self.next,
            true => &[],
            false => &self.next[len * at / passes..len * (at + 1) / passes],
        }
    }
}

/// Takes the integer sums of a product.
pub(in crate::kernels) trait Sink<L: Lanes> {
    /// Takes one vector of sums for each row of a tile, the first of which is `row`. The sums are of the columns of `panel`.
    fn put(&mut self, row: usize, panel: usize, sums: &[L::I32]);
}
