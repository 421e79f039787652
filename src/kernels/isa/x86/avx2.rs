//! The i16 products of AVX2.

use super::lanes::{Avx, narrow};
use super::{half, pair_sums, prefetch};
use crate::kernels::isa::{Dot, GROUP, Panel, Sums};
use std::arch::x86_64::*;

/// Multiplies pairs of i16 (`vpmaddwd`). Bytes at even and odd k are widened into separate registers; encoded activations have
/// the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct Avx2(Avx);

impl Avx2 {
    /// Returns the proof of AVX2 and FMA, or `None` if the processor lacks them.
    pub(in crate::kernels) fn new() -> Option<Self> {
        Avx::new().map(Avx2)
    }
}

impl Dot for Avx2 {
    type Lanes = Avx;
    const WIDTH: usize = 2;
    const SHIFT: i32 = 0;
    const ROWS: usize = 6;

    #[inline(always)]
    fn lanes(self) -> Avx {
        self.0
    }

    #[inline(always)]
    fn encode(self, group: __m256i, to: &mut [u8]) {
        let to: &mut [u8; 2 * GROUP] = to.try_into().expect("a group in its encoded form");
        // SAFETY: `self` proves AVX2; `to` has sixteen bytes, and the store needs no alignment.
        unsafe {
            let even_then_odd = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_shuffle_epi8(narrow(group), even_then_odd));
        }
    }

    #[inline(always)]
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        // SAFETY: `self` proves AVX2; the caller guarantees 16 bytes per block in every row.
        unsafe {
            let mut partial = [[_mm256_setzero_si256(); 2]; R];
            prefetch(panel.next);
            for (group, block) in panel.blocks.iter().enumerate() {
                for at in 0..2 {
                    let both = half(block, at);
                    let even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(both));
                    let odd = _mm256_srai_epi16::<8>(both);
                    for (r, partial) in partial.iter_mut().enumerate() {
                        let row = a.add(r * stride + group * 2 * GROUP).cast::<i64>();
                        let a_even = _mm256_set1_epi64x(row.read_unaligned());
                        partial[at] = _mm256_add_epi32(partial[at], _mm256_madd_epi16(even, a_even));
                        let a_odd = _mm256_set1_epi64x(row.add(1).read_unaligned());
                        partial[at] = _mm256_add_epi32(partial[at], _mm256_madd_epi16(odd, a_odd));
                    }
                }
            }
            for (sums, partial) in sums.iter_mut().zip(partial) {
                *sums = pair_sums(partial);
            }
        }
    }
}
