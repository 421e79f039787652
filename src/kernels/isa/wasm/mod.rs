//! WebAssembly: SIMD128, alone or with the byte dots of relaxed SIMD, and what its kernels share.

/// `each_block!(panel, next, |group, block| work)` runs `work` for every block of `panel` with the block's number, and touches the
/// blocks of `next` meanwhile. It touches few blocks all at once before the first block of `panel`, more of them in parts before
/// every eighth block, and as many as `panel` has one by one.
///
/// A macro, because a function would take `work` as a closure, which the compiler may not inline. All sums would then be in
/// memory.
macro_rules! each_block {
    ($panel:expr, $next:expr, |$group:ident, $block:ident| $work:expr) => {{
        use crate::kernels::isa::{Block, touch};
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
                touch(next.next().unwrap_or_default());
                for (at, $block) in blocks.iter().enumerate() {
                    let $group = step * STEP + at;
                    $work;
                }
            }
        } else {
            touch(next);
            for ($group, $block) in panel.iter().enumerate() {
                $work;
            }
        }
    }};
}

mod i16;
mod lanes;
#[cfg(target_feature = "relaxed-simd")]
mod pairs;
#[cfg(target_feature = "relaxed-simd")]
mod relaxed;

pub(super) use i16::Simd128I16;
pub(crate) use lanes::Simd128;
#[cfg(target_feature = "relaxed-simd")]
pub(super) use pairs::RelaxedPairs;
#[cfg(target_feature = "relaxed-simd")]
pub(super) use relaxed::RelaxedDot;

use std::arch::wasm32::*;

#[cfg(not(target_feature = "simd128"))]
compile_error!("build with RUSTFLAGS=-Ctarget-feature=+simd128 (build.sh does): without SIMD the kernels are too slow");

/// Returns one sum for each column from two partial sums each, `[c0 c0 c1 c1]` and `[c2 c2 c3 c3]`.
#[inline(always)]
fn pair_sums(a: v128, b: v128) -> v128 {
    i32x4_add(i32x4_shuffle::<0, 2, 4, 6>(a, b), i32x4_shuffle::<1, 3, 5, 7>(a, b))
}
