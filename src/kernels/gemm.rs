//! The integer matrix product, written once over the [`Dot`] of each instruction set.

use super::heights::Heights;
use super::lanes::Lanes;
use super::pack::{Block, GROUP};
use super::prepared::Prepared;
use super::saturation::{Losses, Risks};
use super::strassen;
use std::cell::Cell;
use std::ops::Range;

/// Rows of the largest tile there is.
pub(super) const MAX_ROWS: usize = 6;

/// The sums of one tile: a row of [`PANEL`](super::pack::PANEL) sums each.
pub(super) type Sums<D> = [<<D as Dot>::Lanes as Lanes>::I32; MAX_ROWS];

/// The dot products of one instruction set: [`PANEL`](super::pack::PANEL) columns and [`GROUP`] k at a time. A value of the
/// implementing type proves that the instruction set is available and gives exact integers.
pub(super) trait Dot: Copy {
    /// The instruction set's lanes.
    type Lanes: Lanes;
    /// Bytes of the stored form of one activation.
    const WIDTH: usize;
    /// What the stored form takes off every activation.
    const SHIFT: i32;
    /// Rows of the largest tile: 1 to [`MAX_ROWS`].
    const ROWS: usize;
    /// Whether `tile` adds products in pairs that saturate in i16.
    const SATURATES: bool = false;
    /// Whether products of many rows are quicker in seven parts; the stored form is then i16 in order.
    const STRASSEN: bool = false;

    /// The proof for the lanes.
    fn lanes(self) -> Self::Lanes;

    /// Writes the stored form of eight activations in 0..=255 to `to`, which has `GROUP * WIDTH` bytes.
    fn store(self, group: <Self::Lanes as Lanes>::I32, to: &mut [u8]);

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
    /// `stride` bytes must be readable at `a + r * stride` for every r < R, GROUP * WIDTH of them for every block that was packed.
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>);
}

/// What a tile multiplies with.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    /// The blocks of the panel, or what [`Dot::unpack`] has made of them.
    pub blocks: &'a [Block],
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "native kernels do not unpack"))]
    pub unpacked: bool,
    /// The blocks of the next panel, as many, to be brought into the cache along the way.
    pub next: Option<&'a [Block]>,
}

/// The weights of a product: `panels` of all the panels in `blocks`, each of `groups` blocks.
#[derive(Clone)]
pub(super) struct Weights<'a> {
    pub blocks: &'a [Block],
    pub groups: usize,
    pub panels: Range<usize>,
    /// Where [`Dot::SATURATES`] must be made up for.
    pub risks: &'a Risks,
}

/// Takes the sums of a product.
pub(super) trait Sink<L: Lanes> {
    /// Takes the [`PANEL`](super::pack::PANEL) sums of `row` in `panel`.
    fn put(&mut self, row: usize, panel: usize, sums: L::I32);
}

/// Tiles of a panel from which on it is quicker to fetch the next panel between them than within the first, and worthwhile to
/// unpack the panel.
const MANY_TILES: usize = 4;

/// Multiplies the rows of `a`, in the stored form, with `weights`, and hands every row's sums to `sink`, a tile at a time,
/// panels counted from the first of `weights.panels`. No overflow: |sum| ≤ 255·128·K fits i32 for K ≤ 65,000.
#[inline(always)]
pub(super) fn gemm<D: Dot>(dot: D, a: &[u8], weights: Weights, sink: &mut impl Sink<D::Lanes>) {
    let mut prepared = PREPARED.take();
    prepared.find(dot, a, weights.groups * GROUP * D::WIDTH);
    gemm_of(dot, (a, &prepared), weights, sink);
    PREPARED.set(prepared);
}

/// The same for rows that are prepared.
#[inline(always)]
pub(super) fn gemm_of<D: Dot>(
    dot: D,
    (a, prepared): (&[u8], &Prepared),
    weights: Weights,
    sink: &mut impl Sink<D::Lanes>,
) {
    let Weights { blocks, groups, panels, risks } = weights;
    let first_panel = panels.start;
    let panels = &blocks[panels.start * groups..panels.end * groups];
    let stride = groups * GROUP * D::WIDTH;
    assert!(stride > 0 && a.len().is_multiple_of(stride), "shapes do not match");
    let rows = a.len() / stride;
    let heights = Heights::new(rows, D::ROWS);
    // The blocks of the next panel that each tile fetches, so that all are at hand when their turn comes.
    let ahead = groups.div_ceil(heights.tiles.max(1)).min(16);
    let mut sums = [dot.lanes().splat_i32(0); MAX_ROWS];
    let Scratch { mut space, mut losses, mut strassen } = SCRATCH.take();
    let done = match D::STRASSEN {
        true => strassen.multiply(dot, &prepared.parts, panels, groups, sink),
        false => 0,
    };
    if D::SATURATES {
        losses.begin(rows, &heights);
    }
    for (at, blocks) in panels.chunks_exact(groups).enumerate().skip(done) {
        let next = panels.get((at + 1) * groups..(at + 2) * groups);
        let many = heights.tiles >= MANY_TILES;
        let unpacked = if many { dot.unpack(blocks, &mut space) } else { None };
        let panel = match unpacked {
            Some(count) => Panel { blocks: &space[..count], unpacked: true, next: None },
            None => Panel { blocks, unpacked: false, next: None },
        };
        if D::SATURATES {
            losses.find(dot, (a, &prepared.peaks), &heights, risks.of(first_panel + at));
        }
        let mut parts = next.unwrap_or_default().chunks(ahead);
        let mut row = 0;
        for tile in 0..heights.tiles {
            let height = heights.of(tile);
            let rows = &a[row * stride..(row + height) * stride];
            if many {
                fetch(parts.next());
            }
            let next = if many || tile > 0 { None } else { next };
            tile_sums(dot, rows, stride, Panel { next, ..panel }, &mut sums);
            if D::SATURATES {
                losses.mend(dot, tile, row, &mut sums[..height]);
            }
            for sums in &sums[..height] {
                sink.put(row, at, *sums);
                row += 1;
            }
        }
    }
    SCRATCH.set(Scratch { space, losses, strassen });
}

/// What a product needs for itself.
#[derive(Default)]
struct Scratch {
    /// Space for an unpacked panel.
    space: Vec<Block>,
    losses: Losses,
    strassen: strassen::Buffers,
}

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
    static PREPARED: Cell<Prepared> = Cell::default();
}

/// Reads a byte of every block, and thereby its cache line.
#[inline(always)]
pub(super) fn fetch(blocks: Option<&[Block]>) {
    let bytes = blocks.unwrap_or_default().iter().fold(0, |all, block| all ^ block.0[0]);
    std::hint::black_box(bytes);
}

/// The sums of the rows of `a`, [`Dot::ROWS`] at most, with `panel`.
#[inline(always)]
fn tile_sums<D: Dot>(dot: D, a: &[u8], stride: usize, panel: Panel, sums: &mut Sums<D>) {
    let (rows, a) = (a.len() / stride, a.as_ptr());
    // SAFETY: `a` holds `rows` rows of `stride` bytes, GROUP * WIDTH for every block.
    unsafe {
        match rows {
            6 if D::ROWS >= 6 => dot.tile::<6>(a, stride, panel, sums),
            5 if D::ROWS >= 5 => dot.tile::<5>(a, stride, panel, sums),
            4 if D::ROWS >= 4 => dot.tile::<4>(a, stride, panel, sums),
            3 if D::ROWS >= 3 => dot.tile::<3>(a, stride, panel, sums),
            2 if D::ROWS >= 2 => dot.tile::<2>(a, stride, panel, sums),
            1 => dot.tile::<1>(a, stride, panel, sums),
            _ => unreachable!("a tile has 1 to {} rows", D::ROWS),
        }
    }
}
