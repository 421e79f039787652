//! AVX2, with and without AVX-VNNI.

use super::gemm::{self, Dot, Sums};
use super::pack::{Block, GROUP, PANEL};
use std::arch::x86_64::*;

/// `[c0 c0 c1 c1 | c2 c2 c3 c3], [c4 c4 c5 c5 | c6 c6 c7 c7]`.
type Acc = [__m256i; 2];

impl Sums for Acc {
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller vouches for AVX2.
        unsafe { [_mm256_setzero_si256(); 2] }
    }

    #[inline(always)]
    unsafe fn finish(self) -> [i32; PANEL] {
        let mut sums = [0; PANEL];
        // SAFETY: the caller vouches for AVX2; `sums` has room for eight i32, and the store has no alignment demand.
        unsafe {
            let pairs = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(self[0], self[1]));
            _mm256_storeu_si256(sums.as_mut_ptr().cast(), pairs);
        }
        sums
    }
}

/// The half of `block` that holds four columns.
#[inline]
#[target_feature(enable = "avx2")]
fn half(block: &Block, at: usize) -> __m256i {
    // SAFETY: a block has 64 bytes, aligned to 64.
    unsafe { _mm256_load_si256(block.0[at * 32..][..32].as_ptr().cast()) }
}

/// Multiplication in i16 pairs (`vpmaddwd`): even and odd k in registers of their own.
pub(super) struct Avx2;

impl Dot for Avx2 {
    const WIDTH: usize = 2;
    const SHIFT: i32 = 0;
    type Acc = Acc;

    fn prepare(group: [u8; GROUP], out: &mut [u8]) {
        super::scalar::widen_even_odd(group, out);
    }

    #[inline(always)]
    unsafe fn step<const R: usize>(acc: &mut [Acc; R], a: *const u8, stride: usize, block: &Block) {
        // SAFETY: the caller vouches for AVX2 and for 16 readable bytes at each row.
        unsafe {
            for at in 0..2 {
                let both = half(block, at);
                let even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(both));
                let odd = _mm256_srai_epi16::<8>(both);
                for (r, sums) in acc.iter_mut().enumerate() {
                    let row = a.add(r * stride).cast::<i64>();
                    let a_even = _mm256_set1_epi64x(row.read_unaligned());
                    let a_odd = _mm256_set1_epi64x(row.add(1).read_unaligned());
                    let products = _mm256_add_epi32(_mm256_madd_epi16(even, a_even), _mm256_madd_epi16(odd, a_odd));
                    sums[at] = _mm256_add_epi32(sums[at], products);
                }
            }
        }
    }

    #[target_feature(enable = "avx2")]
    unsafe fn tile<const R: usize>(a: *const u8, stride: usize, panel: &[Block]) -> [[i32; PANEL]; R] {
        // SAFETY: same contract.
        unsafe { gemm::tile::<Self, R>(a, stride, panel) }
    }
}

/// Unsigned times signed bytes, four to a lane (`vpdpbusd`).
pub(super) struct AvxVnni;

impl Dot for AvxVnni {
    const WIDTH: usize = 1;
    const SHIFT: i32 = 0;
    type Acc = Acc;

    fn prepare(group: [u8; GROUP], out: &mut [u8]) {
        out.copy_from_slice(&group);
    }

    #[inline(always)]
    unsafe fn step<const R: usize>(acc: &mut [Acc; R], a: *const u8, stride: usize, block: &Block) {
        // SAFETY: the caller vouches for AVX2, AVX-VNNI and for 8 readable bytes at each row.
        unsafe {
            let columns = [half(block, 0), half(block, 1)];
            for (r, sums) in acc.iter_mut().enumerate() {
                let row = _mm256_set1_epi64x(a.add(r * stride).cast::<i64>().read_unaligned());
                sums[0] = _mm256_dpbusd_avx_epi32(sums[0], row, columns[0]);
                sums[1] = _mm256_dpbusd_avx_epi32(sums[1], row, columns[1]);
            }
        }
    }

    #[target_feature(enable = "avx2,avxvnni")]
    unsafe fn tile<const R: usize>(a: *const u8, stride: usize, panel: &[Block]) -> [[i32; PANEL]; R] {
        // SAFETY: same contract.
        unsafe { gemm::tile::<Self, R>(a, stride, panel) }
    }
}
