//! The integer matrix product (GEMM), written once over the [`Dot`] of each instruction set.
//!
//! `sums[m, n] = Σ_k encoded(a)[m, k] · w[k, n]`, with i32 sums of u8 activations and s8 weights.
//!
//! - **Packing.** [`Packer`] lays out the weights once, when a model is loaded, in panels of [`PANEL`] columns. A panel is a
//!   sequence of blocks, one for every group of [`GROUP`] k, so that a kernel reads weights from one address upwards.
//! - **Encoded activations.** Rows are written in the form that the kernel reads: bytes, bytes minus 128, or i16. The layer
//!   that computes a row also encodes it.
//! - **Tiles.** The rows are split into [`Tiles`] whose sums fit the registers. The loop goes over panels, then over tiles: a
//!   panel stays in the first-level cache while every tile is multiplied with it. A kernel may limit K for that
//!   ([`Dot::MAX_GROUPS`]); the product then runs in [`KChunks`].
//! - **Sinks.** The sums of each tile go to a [`Sink`], which finishes them while they are in registers. They never pass
//!   through memory as a whole matrix.
//! - **Saturation repair.** One kernel adds products in pairs that saturate in i16. `saturation` finds the pairs that did and adds
//!   what the sums lost.
//! - **Strassen-Winograd.** Kernels with i16 products multiply many rows by one step of this algorithm, with seven half-size
//!   products instead of eight. See `strassen`.
//!
//! Every kernel computes the same integers.

mod k_chunks;
mod matmul;
mod packed;
mod packer;
mod prepared_rows;
mod saturation;
mod strassen;
mod tiles;
mod weights;

pub use packed::PackedWeights;
pub use packer::{BAND, Packer};
pub(super) use prepared_rows::PreparedRows;
pub(super) use saturation::RiskyPairs;
pub(super) use tiles::Tiles;
pub(super) use weights::Weights;

use super::isa::{Block, Dot, GROUP, Lanes, MAX_ROWS, PANEL, Panel, Sink, Sums};
use k_chunks::KChunks;
use saturation::SaturationRepair;
use std::cell::Cell;

/// The largest K of a product.
///
/// Sums are i32, and `|Σ_k a[k] · w[k]| ≤ 255 · 128 · K` with u8 activations and s8 weights. That bound fits i32 up to
/// K = 65,793; this limit is a round multiple of [`GROUP`] below it.
pub const MAX_K: usize = 65_000;

const _: () = assert!(255 * 128 * MAX_K <= i32::MAX as usize && MAX_K.is_multiple_of(GROUP));

/// The least number of tiles for which unpacking a panel saves time.
const TILES_TO_UNPACK: usize = 4;

/// Multiplies the encoded rows of `a` with `weights` and passes the sums of each tile to `sink`, where panel 0 is the first of
/// `weights.panels`. K is at most [`MAX_K`], so no sum overflows.
#[inline(always)]
pub(in crate::kernels) fn gemm<D: Dot>(dot: D, a: &[u8], weights: Weights, sink: &mut impl Sink<D::Lanes>) {
    let mut prepared = PREPARED_ROWS.take();
    prepared.prepare(dot, a, weights.groups * GROUP * D::WIDTH);
    gemm_prepared(dot, (a, &prepared), weights, sink);
    PREPARED_ROWS.set(prepared);
}

/// Multiplies like [`gemm`] rows that are already prepared.
#[inline(always)]
pub(in crate::kernels) fn gemm_prepared<D: Dot>(
    dot: D,
    (a, prepared): (&[u8], &PreparedRows),
    weights: Weights,
    sink: &mut impl Sink<D::Lanes>,
) {
    let Weights { blocks, groups, panels, risky_pairs } = weights;
    let first_panel = panels.start;
    let panels = &blocks[panels.start * groups..panels.end * groups];
    let stride = groups * GROUP * D::WIDTH;
    assert!(stride > 0 && a.len().is_multiple_of(stride), "shapes do not match");
    let rows = a.len() / stride;
    let tiles = Tiles::new(rows, D::ROWS);
    let (l, mut sums) = (dot.lanes(), [dot.lanes().splat_i32(0); MAX_ROWS]);
    let Scratch { mut space, mut chunk_sums, mut repair, mut strassen } = SCRATCH.take();
    let mut chunks = KChunks::new(groups, D::MAX_GROUPS, rows, &mut chunk_sums);
    let done = match D::STRASSEN {
        true => strassen.multiply(dot, &prepared.strassen, panels, groups, sink),
        false => 0,
    };
    if D::SATURATES {
        repair.begin(rows, &tiles);
    }
    for (at, blocks) in panels.chunks_exact(groups).enumerate().skip(done) {
        // Every tile brings a part of the next panel into the cache.
        let next = panels.get((at + 1) * groups..(at + 2) * groups).unwrap_or_default();
        let mut next = next.chunks(groups.div_ceil((tiles.count * chunks.count).max(1)));
        let unpacked = if tiles.count >= TILES_TO_UNPACK { dot.unpack(blocks, &mut space) } else { None };
        let (blocks, unpacked) = match unpacked {
            Some(count) => (&space[..count], true),
            None => (blocks, false),
        };
        if D::SATURATES {
            repair.find_losses(dot, (a, &prepared.peaks), &tiles, risky_pairs.of_panel(first_panel + at));
        }
        for (chunk, blocks) in blocks.chunks(blocks.len() / groups * chunks.groups).enumerate() {
            let offset = chunk * chunks.groups * GROUP * D::WIDTH;
            for (tile, rows) in tiles.ranges().enumerate() {
                let panel = Panel { blocks, unpacked, next: next.next().unwrap_or_default() };
                tile_sums(dot, &a[rows.start * stride..rows.end * stride], (stride, offset), panel, &mut sums);
                let sums = &mut sums[..rows.len()];
                if chunks.add(l, chunk, rows.clone(), sums) {
                    if D::SATURATES {
                        repair.repair(dot, tile, rows.start, sums);
                    }
                    sink.put(rows.start, at, sums);
                }
            }
        }
    }
    SCRATCH.set(Scratch { space, chunk_sums, repair, strassen });
}

/// Buffers of [`gemm_prepared`], kept for the next product.
#[derive(Default)]
struct Scratch {
    /// An unpacked panel.
    space: Vec<Block>,
    /// The sums of [`KChunks`].
    chunk_sums: Vec<[i32; PANEL]>,
    repair: SaturationRepair,
    strassen: strassen::Buffers,
}

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
    static PREPARED_ROWS: Cell<PreparedRows> = Cell::default();
}

/// Multiplies the rows of `a` with `panel`. `a` holds at most [`Dot::ROWS`] rows of `stride` bytes; the product begins at
/// byte `offset` of each row.
// In WebAssembly this is one function that all operators share. Inlining it into every operator makes functions that engines
// compile slowly, and whose prefetches come late.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn tile_sums<D: Dot>(dot: D, a: &[u8], (stride, offset): (usize, usize), panel: Panel, sums: &mut Sums<D>) {
    let (rows, a) = (a.len() / stride, a[offset..].as_ptr());
    // SAFETY: `a` holds `rows` rows of `stride` bytes, which from `offset` on have GROUP * WIDTH bytes for every packed block.
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
