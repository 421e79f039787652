//! A stand-in for the signed byte dot of ARM engines, for tests on processors that have none.
//!
//! It encodes activations as `wasm::RelaxedDot<true>` does and computes what an ARM engine may compute at worst: products of s8,
//! added in pairs that wrap in i16, then in i32. Lanes are scalar, so its FP32 results equal those of [`Scalar`] bit for bit.

use super::{Dot, GROUP, LANES, PANEL, Panel, Scalar, Sums};

/// The stand-in. [`Kernel::all`](super::Kernel::all) has it as `relaxed-dot-s8` in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct SignedStandIn;

impl Dot for SignedStandIn {
    type Lanes = Scalar;
    const WIDTH: usize = 1;
    const SHIFT: i32 = 128;
    const ROWS: usize = 6;
    // The relaxed dot splits K in the same way, but only at large K.
    const MAX_GROUPS: usize = 3;
    const WRAPS: bool = true;

    fn lanes(self) -> Scalar {
        Scalar
    }

    fn encode(self, group: [i32; LANES], to: &mut [u8]) {
        to.copy_from_slice(&group.map(|activation| activation as u8 ^ 0x80));
    }

    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        sums[..R].fill([0; PANEL]);
        for (group, block) in panel.blocks.iter().enumerate() {
            for (r, sums) in sums[..R].iter_mut().enumerate() {
                // SAFETY: the caller guarantees GROUP bytes per block in every row.
                let row = unsafe { std::slice::from_raw_parts(a.add(r * stride + group * GROUP), GROUP) };
                for (sum, weights) in sums.iter_mut().zip(block.0.as_chunks::<GROUP>().0) {
                    let product = |k: usize| i16::from(row[k] as i8) * i16::from(weights[k]);
                    let pairs = (0..GROUP).step_by(2).map(|k| product(k).wrapping_add(product(k + 1)));
                    *sum += pairs.map(i32::from).sum::<i32>();
                }
            }
        }
    }
}
