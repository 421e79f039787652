//! The integer matrix product, written once over the [`Dot`] of each instruction set.

use super::dot::{Dot, MAX_ROWS, Panel, Sink, Sums};
use super::heights::Heights;
use super::lanes::Lanes;
use super::pack::{Block, GROUP, Weights, fetch};
use super::prepared::Prepared;
use super::saturation::Losses;
use super::strassen;
use std::cell::Cell;

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
