//! What an instruction set must offer for the integer matrix product, and who takes its sums.

use super::Lanes;
use super::{Block, GROUP};

/// Rows of the largest tile there is.
pub(in crate::kernels) const MAX_ROWS: usize = 6;

/// The sums of one tile: a row of [`PANEL`](PANEL) sums each.
pub(in crate::kernels) type Sums<D> = [<<D as Dot>::Lanes as Lanes>::I32; MAX_ROWS];

/// The dot products of one instruction set: [`PANEL`](PANEL) columns and [`GROUP`] k at a time. A value of the
/// implementing type proves that the instruction set is available and gives exact integers.
pub(in crate::kernels) trait Dot: Copy {
    /// The instruction set's lanes.
    type Lanes: Lanes;
    /// Bytes of the encoded form of one activation.
    const WIDTH: usize;
    /// What the encoded form takes off every activation.
    const SHIFT: i32;
    /// Rows of the largest tile: 1 to [`MAX_ROWS`].
    const ROWS: usize;
    /// Groups of k that are multiplied at a time where it is quicker to have all that a tile reads of them in the first cache.
    const MAX_GROUPS: usize = usize::MAX;
    /// Whether `tile` adds products in pairs that saturate in i16.
    const SATURATES: bool = false;
    /// Whether `tile` may add products in pairs that wrap in i16, which two of (−128)² do: no weights may have two of −128 side by
    /// side.
    const WRAPS: bool = false;
    /// Whether products of many rows are quicker in seven parts; the encoded form is then i16 in order.
    const STRASSEN: bool = false;

    /// The proof for the lanes.
    fn lanes(self) -> Self::Lanes;

    /// Writes the encoded form of eight activations in 0..=255 to `to`, which has `GROUP * WIDTH` bytes: where that form is bytes,
    /// these as they are.
    #[inline(always)]
    fn encode(self, group: <Self::Lanes as Lanes>::I32, to: &mut [u8]) {
        to.copy_from_slice(&self.lanes().to_bytes(group));
    }

    /// Writes to `space` the form of `panel` that is quicker to multiply with when there are many tiles, and gives its number of
    /// blocks; `None` where the panel itself is.
    #[inline(always)]
    fn unpack(self, panel: &[Block], space: &mut Vec<Block>) -> Option<usize> {
        let _ = (panel, space);
        None
    }

    /// A block's weights in i16: by every two k those of the panel's columns.
    #[inline(always)]
    fn pairs(self, block: &Block) -> [<Self::Lanes as Lanes>::I32; GROUP / 2] {
        let weight = |column: usize, k: usize| i32::from(block.0[column * GROUP + k]);
        let pair = |column, k| weight(column, 2 * k) & 0xffff | weight(column, 2 * k + 1) << 16;
        std::array::from_fn(|k| self.lanes().load_i32(&std::array::from_fn(|column| pair(column, k))))
    }

    /// Writes the products of `R` rows with one panel to `sums`: lane c of sums r is `Σ_k stored(a)[r, k] · w[k, c]`.
    ///
    /// # Safety
    /// GROUP * WIDTH bytes for every block that was packed must be readable at `a + r * stride` for every r < R.
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>);
}

/// What a tile multiplies with.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Panel<'a> {
    /// The blocks of the panel, or what [`Dot::unpack`] has made of them.
    pub blocks: &'a [Block],
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "native kernels do not unpack"))]
    pub unpacked: bool,
    /// Blocks of the next panel, to be brought into the cache along the way.
    pub next: &'a [Block],
}

#[cfg(target_arch = "wasm32")]
impl<'a> Panel<'a> {
    /// What of `next` to fetch in the pass `at` of `passes` over the panel. The fewer at a time the better, as engines wait for
    /// what does not come soon; as many as the panel has go one by one with those of the first pass.
    #[inline(always)]
    pub fn next_in(self, at: usize, passes: usize) -> &'a [Block] {
        let len = self.next.len();
        match len == self.blocks.len() {
            true if at == 0 => self.next,
            true => &[],
            false => &self.next[len * at / passes..len * (at + 1) / passes],
        }
    }
}

/// Takes the sums of a product.
pub(in crate::kernels) trait Sink<L: Lanes> {
    /// Takes the [`PANEL`](PANEL) sums in `panel` of each of a tile's rows, from `row` on.
    fn put(&mut self, row: usize, panel: usize, sums: &[L::I32]);
}
