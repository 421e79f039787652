//! The byte dot of AVX-VNNI.

use super::lanes::Avx;
use super::{half, pair_sums, prefetch};
use crate::kernels::isa::{Dot, GROUP, Panel, Sums};
use std::arch::x86_64::*;

/// Multiplies unsigned with signed bytes, four to a lane (`vpdpbusd`). A value proves AVX-VNNI besides AVX2 and FMA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct AvxVnni(Avx);

impl AvxVnni {
    /// Returns the proof, or `None` if the processor lacks one of the features.
    pub(in crate::kernels) fn new() -> Option<Self> {
        Avx::new().filter(|_| is_x86_feature_detected!("avxvnni")).map(AvxVnni)
    }
}

impl Dot for AvxVnni {
    type Lanes = Avx;
    const WIDTH: usize = 1;
    const SHIFT: i32 = 0;
    const ROWS: usize = 6;

    #[inline(always)]
    fn lanes(self) -> Avx {
        self.0
    }

    #[inline(always)]
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        // SAFETY: `self` proves AVX2 and AVX-VNNI; the caller guarantees 8 bytes per block in every row.
        unsafe {
            let mut partial = [[_mm256_setzero_si256(); 2]; R];
            prefetch(panel.next);
            for (group, block) in panel.blocks.iter().enumerate() {
                let columns = [half(block, 0), half(block, 1)];
                for (r, partial) in partial.iter_mut().enumerate() {
                    let row = a.add(r * stride + group * GROUP).cast::<i64>();
                    let row = _mm256_set1_epi64x(row.read_unaligned());
                    partial[0] = _mm256_dpbusd_avx_epi32(partial[0], row, columns[0]);
                    partial[1] = _mm256_dpbusd_avx_epi32(partial[1], row, columns[1]);
                }
            }
            for (sums, partial) in sums.iter_mut().zip(partial) {
                *sums = pair_sums(partial);
            }
        }
    }
}
