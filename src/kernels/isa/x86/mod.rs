//! AVX2 with FMA, alone and with the byte dots of AVX-VNNI and AVX-512: what their products have in common.

mod avx2;
mod avx512_vnni;
mod avx_vnni;
mod lanes;

pub(super) use avx_vnni::AvxVnni;
pub(super) use avx2::Avx2;
pub(super) use avx512_vnni::Avx512Vnni;

use crate::kernels::isa::Block;
use std::arch::x86_64::*;

/// Sums by column from the partial sums `[c0 c0 c1 c1 | c2 c2 c3 c3]` and `[c4 c4 c5 c5 | c6 c6 c7 c7]`.
///
/// # Safety
/// AVX2 must be available.
#[inline(always)]
unsafe fn pair_sums([a, b]: [__m256i; 2]) -> __m256i {
    // SAFETY: the caller's.
    unsafe { _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b)) }
}

/// The half of `block`, 0 or 1, that holds four columns.
///
/// # Safety
/// AVX2 must be available, and `at` 0 or 1.
#[inline(always)]
unsafe fn half(block: &Block, at: usize) -> __m256i {
    // SAFETY: a block has 64 bytes, aligned to 64; of `at`, the caller's.
    unsafe { _mm256_load_si256(block.0.as_ptr().cast::<__m256i>().add(at)) }
}

/// Asks for the cache lines of blocks that are used later.
#[inline(always)]
fn prefetch(blocks: &[Block]) {
    for block in blocks {
        // SAFETY: SSE is always there, and nothing is read.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(block.0.as_ptr()) };
    }
}
