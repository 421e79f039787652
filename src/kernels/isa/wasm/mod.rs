//! WebAssembly: what its ways to multiply have in common.

/// `each_block!(panel, next, |group, block| work)` does the work for every block of a panel in turn, with its number, and fetches
/// the blocks `next` along the way: all before the first, or where these are many some before every eighth, or where they are as
/// many as the panel's one before each. A function would take the work as a closure, which can end up a function of its own and
/// keep all sums in memory.
macro_rules! each_block {
    ($panel:expr, $next:expr, |$group:ident, $block:ident| $work:expr) => {{
        use crate::kernels::isa::{Block, fetch};
        const STEP: usize = 8;
        let (panel, next): (&[Block], &[Block]) = ($panel, $next);
        if next.len() == panel.len() {
            let mut bytes = 0;
            for ($group, ($block, next)) in panel.iter().zip(next).enumerate() {
                bytes ^= next.0[0];
                $work;
            }
            std::hint::black_box(bytes);
        } else if next.len() * STEP >= panel.len() {
            let mut next = next.chunks(next.len().div_ceil(panel.len().div_ceil(STEP)));
            for (step, blocks) in panel.chunks(STEP).enumerate() {
                fetch(next.next().unwrap_or_default());
                for (at, $block) in blocks.iter().enumerate() {
                    let $group = step * STEP + at;
                    $work;
                }
            }
        } else {
            fetch(next);
            for ($group, $block) in panel.iter().enumerate() {
                $work;
            }
        }
    }};
}

mod i16;
mod lanes;
#[cfg(feature = "relaxed-simd")]
mod pairs;
#[cfg(feature = "relaxed-simd")]
mod relaxed;

pub(super) use i16::I16;
pub(crate) use lanes::Simd128;
#[cfg(feature = "relaxed-simd")]
pub(super) use pairs::Pairs;
#[cfg(feature = "relaxed-simd")]
pub(super) use relaxed::Relaxed;

use std::arch::wasm32::*;

#[cfg(not(target_feature = "simd128"))]
compile_error!("build with RUSTFLAGS=-Ctarget-feature=+simd128 (build.sh does): without SIMD the kernels are too slow");

/// Sums by column from the partial sums `[c0 c0 c1 c1] [c2 c2 c3 c3]`.
#[inline(always)]
fn pair_sums(a: v128, b: v128) -> v128 {
    i32x4_add(i32x4_shuffle::<0, 2, 4, 6>(a, b), i32x4_shuffle::<1, 3, 5, 7>(a, b))
}
