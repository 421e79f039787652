//! x86-64: AVX2 with FMA, alone or with the byte dots of AVX-VNNI or AVX-512 VNNI, and what their kernels share.

mod avx2;
mod avx512_vnni;
mod avx_vnni;
mod lanes;

pub(super) use avx_vnni::AvxVnni;
pub(super) use avx2::Avx2;
pub(super) use avx512_vnni::Avx512Vnni;

use crate::kernels::isa::Block;
use std::arch::x86_64::*;

/// Returns one sum for each column from two partial sums each, `[c0 c0 c1 c1 | c2 c2 c3 c3]` and `[c4 c4 c5 c5 | c6 c6 c7 c7]`.
///
/// # Safety
/// AVX2 must be available.
#[inline(always)]
unsafe fn pair_sums([a, b]: [__m256i; 2]) -> __m256i {
    // SAFETY: the caller guarantees AVX2.
    unsafe { _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b)) }
}

/// Loads four columns of `block`: the first four if `at` is 0, the last four if it is 1.
///
/// # Safety
/// AVX2 must be available, and `at` 0 or 1.
#[inline(always)]
unsafe fn half(block: &Block, at: usize) -> __m256i {
    // SAFETY: a block has 64 bytes, aligned to 64; the caller guarantees AVX2 and the range of `at`.
    unsafe { _mm256_load_si256(block.0.as_ptr().cast::<__m256i>().add(at)) }
}

/// Prefetches blocks that are needed later.
#[inline(always)]
fn prefetch(blocks: &[Block]) {
    for block in blocks {
        // SAFETY: every x86-64 processor has SSE, and a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(block.0.as_ptr()) };
    }
}
