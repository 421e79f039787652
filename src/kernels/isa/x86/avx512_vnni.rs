//! The byte dot of AVX-512 VNNI.

use super::lanes::Avx;
use super::{pair_sums, prefetch};
use crate::kernels::isa::{Block, Dot, GROUP, Panel, Sums};
use std::arch::x86_64::*;

/// Multiplies unsigned with signed bytes, four to a lane (`vpdpbusd`), one block at a time. A value proves AVX-512 F and VNNI
/// besides AVX2 and FMA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct Avx512Vnni(Avx);

impl Avx512Vnni {
    /// Returns the proof, or `None` if the processor lacks one of the features.
    pub(in crate::kernels) fn new() -> Option<Self> {
        let available = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni");
        Avx::new().filter(|_| available).map(Avx512Vnni)
    }
}

impl Dot for Avx512Vnni {
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
        // SAFETY: `self` proves AVX-512 F and VNNI; the caller guarantees 8 bytes per block in every row.
        unsafe {
            // Even and odd blocks have separate sums: an instruction waits for the previous one that added to the same sums.
            let (mut even, mut odd) = ([_mm512_setzero_si512(); R], [_mm512_setzero_si512(); R]);
            prefetch(panel.next);
            let (twos, rest) = panel.blocks.as_chunks::<2>();
            for (two, blocks) in twos.iter().enumerate() {
                add(&mut even, a.add(2 * two * GROUP), stride, &blocks[0]);
                add(&mut odd, a.add((2 * two + 1) * GROUP), stride, &blocks[1]);
            }
            if let [last] = rest {
                add(&mut even, a.add(2 * twos.len() * GROUP), stride, last);
            }
            for (sums, (even, odd)) in sums.iter_mut().zip(even.into_iter().zip(odd)) {
                let both = _mm512_add_epi32(even, odd);
                *sums = pair_sums([_mm512_castsi512_si256(both), _mm512_extracti64x4_epi64::<1>(both)]);
            }
        }
    }
}

/// Adds the products of `R` rows with a block to `sums`, four k of one column per lane.
///
/// # Safety
/// AVX-512 F and VNNI must be available, and [`GROUP`] bytes readable at `a + r * stride` for every r < R.
#[inline(always)]
unsafe fn add<const R: usize>(sums: &mut [__m512i; R], a: *const u8, stride: usize, block: &Block) {
    // SAFETY: the caller guarantees features and rows; a block has 64 bytes, aligned to 64.
    unsafe {
        let columns = _mm512_load_si512(block.0.as_ptr().cast());
        for (r, sums) in sums.iter_mut().enumerate() {
            let row = _mm512_set1_epi64(a.add(r * stride).cast::<i64>().read_unaligned());
            *sums = _mm512_dpbusd_epi32(*sums, row, columns);
        }
    }
}
