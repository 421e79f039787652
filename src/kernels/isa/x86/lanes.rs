//! Eight lanes of AVX2.

use crate::kernels::isa::{LANES, Lanes};
use std::arch::x86_64::*;

/// Eight lanes in one register. A value proves AVX2 and FMA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::kernels) struct Avx(());

impl Avx {
    /// Returns the proof, or `None` if the processor lacks AVX2 or FMA.
    pub(super) fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx(()))
    }
}

impl Lanes for Avx {
    type F32 = __m256;
    type I32 = __m256i;
    const ROWS: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves AVX2, here and below.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> __m256 {
        // SAFETY: eight f32 are one register, and the load needs no alignment.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, x: __m256, to: &mut [f32; LANES]) {
        // SAFETY: eight f32 are one register, and the store needs no alignment.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), x) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: AVX2.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: AVX2.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: AVX2.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: AVX2.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn fused_mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` proves FMA.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: AVX2.
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: AVX2.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn splat_i32(self, x: i32) -> __m256i {
        // SAFETY: AVX2.
        unsafe { _mm256_set1_epi32(x) }
    }

    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> __m256i {
        // SAFETY: eight i32 are one register, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_i32(self, x: __m256i, to: &mut [i32; LANES]) {
        // SAFETY: eight i32 are one register, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn widen_i8(self, from: &[i8; LANES]) -> __m256i {
        // SAFETY: `from` has eight bytes, and the load needs no alignment.
        unsafe { _mm256_cvtepi8_epi32(_mm_loadl_epi64(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn add_i32(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: AVX2.
        unsafe { _mm256_add_epi32(a, b) }
    }

    #[inline(always)]
    fn sub_i32(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: AVX2.
        unsafe { _mm256_sub_epi32(a, b) }
    }

    #[inline(always)]
    fn shift_to_exponent(self, x: __m256i) -> __m256i {
        // SAFETY: AVX2.
        unsafe { _mm256_slli_epi32::<23>(x) }
    }

    #[inline(always)]
    fn to_f32(self, x: __m256i) -> __m256 {
        // SAFETY: AVX2.
        unsafe { _mm256_cvtepi32_ps(x) }
    }

    #[inline(always)]
    fn to_bits(self, x: __m256) -> __m256i {
        // SAFETY: AVX2.
        unsafe { _mm256_castps_si256(x) }
    }

    #[inline(always)]
    fn bits_to_f32(self, x: __m256i) -> __m256 {
        // SAFETY: AVX2.
        unsafe { _mm256_castsi256_ps(x) }
    }

    #[inline(always)]
    fn to_bytes(self, x: __m256i) -> [u8; LANES] {
        // SAFETY: AVX2.
        unsafe {
            let narrow = narrow(x);
            _mm_cvtsi128_si64(_mm_packus_epi16(narrow, narrow)).to_le_bytes()
        }
    }

    #[inline(always)]
    fn to_pairs(self, x: __m256i) -> [i32; LANES / 2] {
        let mut pairs = [0; LANES / 2];
        // SAFETY: AVX2; four i32 are one register, and the store needs no alignment.
        unsafe { _mm_storeu_si128(pairs.as_mut_ptr().cast(), narrow(x)) };
        pairs
    }

    #[inline(always)]
    fn pair(self, low: __m256i, high: __m256i) -> __m256i {
        // SAFETY: AVX2.
        unsafe { _mm256_blend_epi16::<0b1010_1010>(low, _mm256_slli_epi32::<16>(high)) }
    }

    #[inline(always)]
    fn dot_pairs(self, a: __m256i, b: __m256i, c: __m256i) -> __m256i {
        // SAFETY: AVX2.
        unsafe { _mm256_add_epi32(_mm256_madd_epi16(a, b), c) }
    }

    #[inline(always)]
    fn add_pairs(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: AVX2.
        unsafe { _mm256_add_epi16(a, b) }
    }

    #[inline(always)]
    fn sub_pairs(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: AVX2.
        unsafe { _mm256_sub_epi16(a, b) }
    }

    #[inline(always)]
    fn widen_pairs(self, from: &[[u8; 2]; LANES]) -> __m256i {
        // SAFETY: AVX2; `from` has sixteen bytes, and the load needs no alignment.
        unsafe { _mm256_cvtepu8_epi16(_mm_loadu_si128(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn outside_i16(self, x: __m256i) -> u32 {
        // SAFETY: AVX2.
        unsafe {
            let inside = _mm256_cmpeq_epi32(x, _mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(x)));
            !_mm256_movemask_ps(_mm256_castsi256_ps(inside)) as u32 & 0xff
        }
    }

    #[inline(always)]
    fn pair_sums_beyond_128(self, from: &[i8; 2 * LANES]) -> u32 {
        // SAFETY: AVX2; sixteen s8 are half a register, and the load needs no alignment.
        unsafe {
            let sums = _mm_maddubs_epi16(_mm_set1_epi8(1), _mm_loadu_si128(from.as_ptr().cast()));
            let far = _mm_cmpgt_epi16(_mm_abs_epi16(sums), _mm_set1_epi16(128));
            _mm_movemask_epi8(_mm_packs_epi16(far, far)) as u32 & 0xff
        }
    }
}

/// Narrows eight lanes within i16, in order.
///
/// # Safety
/// AVX2 must be available.
#[inline(always)]
pub(super) unsafe fn narrow(x: __m256i) -> __m128i {
    // SAFETY: the caller guarantees AVX2.
    unsafe { _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x)) }
}
