//! Dequantization of integer scores.

use crate::kernels::gemm::{RiskyPairs, Weights, gemm};
use crate::kernels::isa::{Block, Dot, GROUP, LANES, Lanes, Sink};
use crate::kernels::layers::quantizer::Quantizer;

/// Dequantizes integer scores and writes them as FP32 rows, one for each query.
pub(super) struct WriteIntegerScores<'a, L: Lanes> {
    pub l: L,
    pub scale: L::F32,
    /// From [`write_key_offsets`].
    pub offsets: &'a [[i32; LANES]],
    /// Panels of a row.
    pub panels: usize,
    /// FP32 rows.
    pub scores: &'a mut [[f32; LANES]],
}

impl<L: Lanes> Sink<L> for WriteIntegerScores<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, panel: usize, sums: &[L::I32]) {
        let l = self.l;
        let offsets = l.load_i32(&self.offsets[panel]);
        for (sums, score) in sums.iter().zip(self.scores[row * self.panels + panel..].iter_mut().step_by(self.panels)) {
            l.store(l.mul(l.to_f32(l.sub_i32(*sums, offsets)), self.scale), score);
        }
    }
}

/// Writes the offset of every key's scores, which is due to the queries' zero point: `(zero point − shift) · Σ_k key[k]`, where
/// encoding subtracts the shift. Computes the sums as a product of the keys with an encoded row of ones.
#[inline(always)]
pub(super) fn write_key_offsets<D: Dot>(
    dot: D,
    ones: &mut [u8],
    groups: usize,
    keys: &[Block],
    offsets: &mut [[i32; LANES]],
) {
    struct Store<'a, L> {
        l: L,
        sums: &'a mut [[i32; LANES]],
    }
    impl<L: Lanes> Sink<L> for Store<'_, L> {
        #[inline(always)]
        fn put(&mut self, _row: usize, panel: usize, sums: &[L::I32]) {
            self.l.store_i32(sums[0], &mut self.sums[panel]);
        }
    }
    // Encoding subtracts the shift, which leaves ones.
    for group in ones.chunks_exact_mut(GROUP * D::WIDTH) {
        dot.encode(dot.lanes().splat_i32(1 + D::SHIFT), group);
    }
    let offsets = &mut offsets[..keys.len() / groups];
    let keys = Weights { blocks: keys, groups, panels: 0..offsets.len(), risky_pairs: &RiskyPairs::default() };
    gemm(dot, ones, keys, &mut Store { l: dot.lanes(), sums: offsets });
    for offset in offsets.as_flattened_mut() {
        *offset *= i32::from(Quantizer::SYMMETRIC) - D::SHIFT;
    }
}
