//! WebAssembly: the i16 dot of SIMD128, and the byte dot of relaxed SIMD in the two readings engines give it.

use super::gemm::{Dot, Sums};
use super::pack::{Block, GROUP, PANEL};
use std::arch::wasm32::*;

#[cfg(not(target_feature = "simd128"))]
compile_error!("build with RUSTFLAGS=-Ctarget-feature=+simd128 (build.sh does): without SIMD the kernels are too slow");

/// `[c0 c0 c1 c1] [c2 c2 c3 c3] [c4 c4 c5 c5] [c6 c6 c7 c7]`.
type Acc = [v128; 4];

impl Sums for Acc {
    #[inline(always)]
    unsafe fn zero() -> Self {
        [i32x4_splat(0); 4]
    }

    #[inline(always)]
    unsafe fn finish(self) -> [i32; PANEL] {
        let mut sums = [0; PANEL];
        for (out, pair) in sums.chunks_exact_mut(4).zip(self.chunks_exact(2)) {
            let even = i32x4_shuffle::<0, 2, 4, 6>(pair[0], pair[1]);
            let odd = i32x4_shuffle::<1, 3, 5, 7>(pair[0], pair[1]);
            // SAFETY: `out` has room for four i32, and the store has no alignment demand.
            unsafe { v128_store(out.as_mut_ptr().cast(), i32x4_add(even, odd)) };
        }
        sums
    }
}

/// Two columns of `block`.
#[inline(always)]
fn columns(block: &Block, at: usize) -> v128 {
    // SAFETY: a block has 64 bytes.
    unsafe { v128_load(block.0[at * 16..][..16].as_ptr().cast()) }
}

/// Multiplication in i16 pairs (`i32x4.dot_i16x8_s`): even and odd k in registers of their own.
pub(super) struct I16;

impl Dot for I16 {
    const WIDTH: usize = 2;
    const SHIFT: i32 = 0;
    type Acc = Acc;

    fn prepare(group: [u8; GROUP], out: &mut [u8]) {
        super::scalar::widen_even_odd(group, out);
    }

    #[inline(always)]
    unsafe fn step<const R: usize>(acc: &mut [Acc; R], a: *const u8, stride: usize, block: &Block) {
        for at in 0..4 {
            let both = columns(block, at);
            let even = i16x8_shr(i16x8_shl(both, 8), 8);
            let odd = i16x8_shr(both, 8);
            for (r, sums) in acc.iter_mut().enumerate() {
                // SAFETY: the caller vouches for 16 readable bytes at each row.
                let (a_even, a_odd) = unsafe {
                    let row = a.add(r * stride).cast::<u64>();
                    (v128_load64_splat(row), v128_load64_splat(row.add(1)))
                };
                let products = i32x4_add(i32x4_dot_i16x8(even, a_even), i32x4_dot_i16x8(odd, a_odd));
                sums[at] = i32x4_add(sums[at], products);
            }
        }
    }
}

/// The byte dot of relaxed SIMD on an engine that reads its second operand as unsigned (`SIGNED` false: x86 with VNNI)
/// or as signed (`SIGNED` true: ARM with dot products).
#[cfg(target_feature = "relaxed-simd")]
pub(super) struct Relaxed<const SIGNED: bool>;

#[cfg(target_feature = "relaxed-simd")]
impl<const SIGNED: bool> Dot for Relaxed<SIGNED> {
    const WIDTH: usize = 1;
    const SHIFT: i32 = if SIGNED { 128 } else { 0 };
    type Acc = Acc;

    fn prepare(group: [u8; GROUP], out: &mut [u8]) {
        let flip = if SIGNED { 0x80 } else { 0 };
        out.copy_from_slice(&group.map(|a| a ^ flip));
    }

    #[inline(always)]
    unsafe fn step<const R: usize>(acc: &mut [Acc; R], a: *const u8, stride: usize, block: &Block) {
        let columns: [v128; 4] = std::array::from_fn(|at| columns(block, at));
        for (r, sums) in acc.iter_mut().enumerate() {
            // SAFETY: the caller vouches for 8 readable bytes at each row.
            let row = unsafe { v128_load64_splat(a.add(r * stride).cast()) };
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = i32x4_relaxed_dot_i8x16_i7x16_add(column, row, *sum);
            }
        }
    }
}

/// What the engine makes of the byte dot when its second operand exceeds 127.
#[cfg(target_feature = "relaxed-simd")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Unsigned,
    Signed,
    /// Sums of pairs saturate in i16: not exact for 8-bit activations.
    Saturating,
}

/// Asks the engine: 4 · 127 · 255 is 129,540 read as unsigned, 4 · 127 · (−1) read as signed, 2 · 32,767 where pairs
/// saturate. A mixed second case guards against an engine that differs by lane or sign.
#[cfg(target_feature = "relaxed-simd")]
pub(super) fn probe() -> Reading {
    let dot = |w: i8, a: u8| {
        let (w, a) = (std::hint::black_box(i8x16_splat(w)), std::hint::black_box(u8x16_splat(a)));
        let sums = i32x4_relaxed_dot_i8x16_i7x16_add(w, a, i32x4_splat(1));
        let lanes = [
            i32x4_extract_lane::<0>(sums),
            i32x4_extract_lane::<1>(sums),
            i32x4_extract_lane::<2>(sums),
            i32x4_extract_lane::<3>(sums),
        ];
        lanes.iter().all(|&l| l == lanes[0]).then_some(lanes[0] - 1)
    };
    match (dot(127, 255), dot(-127, 200)) {
        (Some(129_540), Some(-101_600)) => Reading::Unsigned,
        (Some(-508), Some(28_448)) => Reading::Signed,
        _ => Reading::Saturating,
    }
}
