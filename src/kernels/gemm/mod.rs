//! The integer matrix product, written once over the [`Dot`] of each instruction set.

mod matmul;
mod packed;
mod packer;
mod partial;
mod prepared;
mod saturation;
mod strassen;
mod tiles;
mod weights;

pub use packed::PackedWeights;
pub use packer::{BAND, Packer};
pub(super) use prepared::Prepared;
pub(super) use saturation::Risks;
pub(super) use tiles::Tiles;
pub(super) use weights::Weights;

use super::isa::{Block, Dot, GROUP, Lanes, MAX_ROWS, PANEL, Panel, Sink, Sums};
use partial::Partial;
use saturation::Losses;
use std::cell::Cell;

/// The largest K of a product.
///
/// Sums are i32, and `|Σ_k a[k] · w[k]| ≤ 255 · 128 · K` with u8 activations and s8 weights. That bound fits i32 up to
/// K = 65,793; this limit is a round multiple of [`GROUP`] below it.
pub const MAX_K: usize = 65_000;

const _: () = assert!(255 * 128 * MAX_K <= i32::MAX as usize && MAX_K.is_multiple_of(GROUP));

/// Tiles of a panel from which on it is worthwhile to unpack it.
const TILES_TO_UNPACK: usize = 4;

/// Multiplies the rows of `a`, in the encoded form, with `weights`, and hands every row's sums to `sink`, a tile at a time,
/// panels counted from the first of `weights.panels`. K is at most [`MAX_K`], so no sum overflows.
#[inline(always)]
pub(in crate::kernels) fn gemm<D: Dot>(dot: D, a: &[u8], weights: Weights, sink: &mut impl Sink<D::Lanes>) {
    let mut prepared = PREPARED.take();
    prepared.find(dot, a, weights.groups * GROUP * D::WIDTH);
    gemm_of(dot, (a, &prepared), weights, sink);
    PREPARED.set(prepared);
}

/// The same for rows that are prepared.
#[inline(always)]
pub(in crate::kernels) fn gemm_of<D: Dot>(
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
    let heights = Tiles::new(rows, D::ROWS);
    let (l, mut sums) = (dot.lanes(), [dot.lanes().splat_i32(0); MAX_ROWS]);
    let Scratch { mut space, mut partial_sums, mut losses, mut strassen } = SCRATCH.take();
    let mut partial = Partial::new(groups, D::MAX_GROUPS, rows, &mut partial_sums);
    let done = match D::STRASSEN {
        true => strassen.multiply(dot, &prepared.parts, panels, groups, sink),
        false => 0,
    };
    if D::SATURATES {
        losses.begin(rows, &heights);
    }
    for (at, blocks) in panels.chunks_exact(groups).enumerate().skip(done) {
        // With every tile a part of the next panel is fetched.
        let next = panels.get((at + 1) * groups..(at + 2) * groups).unwrap_or_default();
        let mut next = next.chunks(groups.div_ceil((heights.tiles * partial.parts).max(1)));
        let unpacked = if heights.tiles >= TILES_TO_UNPACK { dot.unpack(blocks, &mut space) } else { None };
        let (blocks, unpacked) = match unpacked {
            Some(count) => (&space[..count], true),
            None => (blocks, false),
        };
        if D::SATURATES {
            losses.find(dot, (a, &prepared.peaks), &heights, risks.of(first_panel + at));
        }
        for (part, blocks) in blocks.chunks(blocks.len() / groups * partial.depth).enumerate() {
            let offset = part * partial.depth * GROUP * D::WIDTH;
            for (tile, rows) in heights.ranges().enumerate() {
                let panel = Panel { blocks, unpacked, next: next.next().unwrap_or_default() };
                tile_sums(dot, &a[rows.start * stride..rows.end * stride], (stride, offset), panel, &mut sums);
                let sums = &mut sums[..rows.len()];
                if partial.add(l, part, rows.clone(), sums) {
                    if D::SATURATES {
                        losses.mend(dot, tile, rows.start, sums);
                    }
                    sink.put(rows.start, at, sums);
                }
            }
        }
    }
    SCRATCH.set(Scratch { space, partial_sums, losses, strassen });
}

/// What a product needs for itself.
#[derive(Default)]
struct Scratch {
    /// Space for an unpacked panel.
    space: Vec<Block>,
    /// Space for the sums of parts of k.
    partial_sums: Vec<[i32; PANEL]>,
    losses: Losses,
    strassen: strassen::Buffers,
}

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
    static PREPARED: Cell<Prepared> = Cell::default();
}

/// The sums of the rows of `a`, [`Dot::ROWS`] at most and `stride` bytes each, from their byte `offset` on with `panel`.
// In WebAssembly a function of its own, which all operators share. Inlining it into every operator makes functions that
// engines compile slowly, and what they fetch for the processor comes late.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(all(target_arch = "wasm32", feature = "relaxed-simd"), target_feature(enable = "relaxed-simd"))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn tile_sums<D: Dot>(dot: D, a: &[u8], (stride, offset): (usize, usize), panel: Panel, sums: &mut Sums<D>) {
    let (rows, a) = (a.len() / stride, a[offset..].as_ptr());
    // SAFETY: `a` holds `rows` rows of `stride` bytes, from `offset` on GROUP * WIDTH for every block that was packed.
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
