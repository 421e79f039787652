//! AVX2 with FMA, with and without AVX-VNNI.

use super::dot::{Dot, Panel, Sums};
use super::lanes::{LANES, Lanes};
use super::pack::{Block, GROUP};
use std::arch::x86_64::*;

/// Eight lanes in one register. A value exists only where AVX2 and FMA are available.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx(());

/// Multiplication in i16 pairs (`vpmaddwd`): even and odd k in registers of their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(Avx);

impl Avx2 {
    pub(super) fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(Avx(())))
    }
}

/// Unsigned times signed bytes, four to a lane (`vpdpbusd`). A value exists only where AVX-VNNI is available too.
#[derive(Debug, Clone, Copy)]
pub(super) struct AvxVnni(Avx);

impl AvxVnni {
    pub(super) fn new() -> Option<Self> {
        Avx2::new().filter(|_| is_x86_feature_detected!("avxvnni")).map(|Avx2(lanes)| AvxVnni(lanes))
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
        // SAFETY: eight f32 are one register, and the load has no alignment demand.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, x: __m256, to: &mut [f32; LANES]) {
        // SAFETY: eight f32 are one register, and the store has no alignment demand.
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
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
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
        // SAFETY: eight i32 are one register, and the load has no alignment demand.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_i32(self, x: __m256i, to: &mut [i32; LANES]) {
        // SAFETY: eight i32 are one register, and the store has no alignment demand.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn widen_i8(self, from: &[i8; LANES]) -> __m256i {
        // SAFETY: eight bytes are readable, and the load has no alignment demand.
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
        // SAFETY: AVX2; four i32 are one register, and the store has no alignment demand.
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
        // SAFETY: AVX2; sixteen bytes are readable, and the load has no alignment demand.
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
}

/// Eight lanes within i16 in order.
///
/// # Safety
/// AVX2 must be available.
#[inline(always)]
unsafe fn narrow(x: __m256i) -> __m128i {
    // SAFETY: the caller's.
    unsafe { _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x)) }
}

/// Sums by column from the partial sums `[c0 c0 c1 c1 | c2 c2 c3 c3]` and `[c4 c4 c5 c5 | c6 c6 c7 c7]`.
///
/// # Safety
/// AVX2 must be available.
#[inline(always)]
unsafe fn pair_sums([a, b]: [__m256i; 2]) -> __m256i {
    // SAFETY: the caller's.
    unsafe { _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b)) }
}

/// The half of `block` that holds four columns.
///
/// # Safety
/// AVX2 must be available.
#[inline(always)]
unsafe fn half(block: &Block, at: usize) -> __m256i {
    // SAFETY: a block has 64 bytes, aligned to 64; `at` is 0 or 1.
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
    fn store(self, group: __m256i, to: &mut [u8]) {
        let to: &mut [u8; 2 * GROUP] = to.try_into().expect("a group in its stored form");
        // SAFETY: `self` proves AVX2; sixteen bytes are writable, and the store has no alignment demand.
        unsafe {
            let even_then_odd = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_shuffle_epi8(narrow(group), even_then_odd));
        }
    }

    #[inline(always)]
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        // SAFETY: `self` proves AVX2; the caller vouches for 16 bytes a block at each row.
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
    fn store(self, group: __m256i, to: &mut [u8]) {
        to.copy_from_slice(&self.0.to_bytes(group));
    }

    #[inline(always)]
    unsafe fn tile<const R: usize>(self, a: *const u8, stride: usize, panel: Panel, sums: &mut Sums<Self>) {
        // SAFETY: `self` proves AVX2 and AVX-VNNI; the caller vouches for 8 bytes a block at each row.
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
