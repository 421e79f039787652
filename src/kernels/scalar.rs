//! Plain Rust: what the other kernels are tested against, and the fallback where there is no SIMD.

use super::gemm::{Dot, Sums};
use super::pack::{Block, GROUP, PANEL};

pub(super) struct Scalar;

impl Sums for [i32; PANEL] {
    unsafe fn zero() -> Self {
        [0; PANEL]
    }

    unsafe fn finish(self) -> [i32; PANEL] {
        self
    }
}

impl Dot for Scalar {
    const WIDTH: usize = 1;
    const SHIFT: i32 = 0;
    type Acc = [i32; PANEL];

    fn prepare(group: [u8; GROUP], out: &mut [u8]) {
        out.copy_from_slice(&group);
    }

    unsafe fn step<const R: usize>(acc: &mut [Self::Acc; R], a: *const u8, stride: usize, block: &Block) {
        for (r, sums) in acc.iter_mut().enumerate() {
            for (column, sum) in sums.iter_mut().enumerate() {
                for k in 0..GROUP {
                    // SAFETY: the caller vouches for GROUP bytes at each row.
                    let activation = unsafe { *a.add(r * stride + k) };
                    *sum += i32::from(activation) * i32::from(block.0[column * GROUP + k]);
                }
            }
        }
    }
}

/// A group of activations as i16, even k first, then odd k: what the kernels that multiply in i16 pairs read.
#[cfg(any(target_arch = "wasm32", target_arch = "x86_64"))]
pub(super) fn widen_even_odd(group: [u8; GROUP], out: &mut [u8]) {
    out.fill(0);
    for (k, &activation) in group.iter().enumerate() {
        out[2 * (k / 2 + if k % 2 == 0 { 0 } else { GROUP / 2 })] = activation;
    }
}
