//! Operations on one row of floats: softmax, LayerNorm.

use super::gemm::Dot;
use super::lanes::{LANES, Lanes};
use super::math::exp;
use super::pack::GROUP;
use super::quantizer::Quantizer;

/// Replaces every value x by `e^(x − max)`, and gives `1 / Σ e^(x − max)`.
#[inline(always)]
pub(super) fn softmax_numerators<L: Lanes>(l: L, row: &mut [[f32; LANES]]) -> f32 {
    let mut max = l.splat(f32::NEG_INFINITY);
    for x in row.iter() {
        max = l.max(l.load(x), max);
    }
    let max = l.splat(l.max_lane(max));
    let mut sum = l.splat(0.0);
    for x in row.iter_mut() {
        let e = exp(l, l.sub(l.load(x), max));
        l.store(e, x);
        sum = l.add(sum, e);
    }
    1.0 / l.sum_lanes(sum)
}

/// LayerNorm over rows of a multiple of 8 features: `(x − mean) / √(variance + epsilon) · gamma + beta`, with the biased
/// variance.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    gamma: Vec<[f32; LANES]>,
    beta: Vec<[f32; LANES]>,
    epsilon: f32,
}

impl LayerNorm {
    /// From `gamma` and `beta`, one value per feature.
    ///
    /// # Panics
    /// If they differ in length or are no multiple of 8.
    pub fn new(gamma: &[f32], beta: &[f32], epsilon: f32) -> Self {
        assert!(gamma.len() == beta.len() && gamma.len().is_multiple_of(LANES), "gamma and beta are per feature");
        LayerNorm { gamma: gamma.as_chunks().0.to_vec(), beta: beta.as_chunks().0.to_vec(), epsilon }
    }

    /// Features of a row.
    pub fn features(&self) -> usize {
        self.gamma.len() * LANES
    }

    /// Normalises the rows of `x` in place, and stores them quantized for the next product where `quantized` says so.
    #[inline(always)]
    pub(super) fn rows<D: Dot>(&self, dot: D, x: &mut [f32], quantized: Option<(Quantizer, &mut [u8])>) {
        let l = dot.lanes();
        let features = self.features();
        let (quantizer, out) = quantized.unwrap_or((Quantizer::new(1.0, 0), &mut []));
        let mut stored = out.chunks_exact_mut(features * D::WIDTH);
        for row in x.chunks_exact_mut(features) {
            let row = row.as_chunks_mut().0;
            self.normalise(l, row);
            for (y, out) in row.iter().zip(stored.next().unwrap_or_default().chunks_exact_mut(GROUP * D::WIDTH)) {
                dot.store(quantizer.apply(l, l.load(y)), out);
            }
        }
    }

    #[inline(always)]
    fn normalise<L: Lanes>(&self, l: L, row: &mut [[f32; LANES]]) {
        let count = self.features() as f32;
        let mut sum = l.splat(0.0);
        for x in row.iter() {
            sum = l.add(sum, l.load(x));
        }
        let mean = l.splat(l.sum_lanes(sum) / count);
        let mut squares = l.splat(0.0);
        for x in row.iter() {
            let centered = l.sub(l.load(x), mean);
            squares = l.mul_add(centered, centered, squares);
        }
        let scale = l.splat(1.0 / (l.sum_lanes(squares) / count + self.epsilon).sqrt());
        for ((x, gamma), beta) in row.iter_mut().zip(&self.gamma).zip(&self.beta) {
            let normal = l.mul(l.sub(l.load(x), mean), scale);
            l.store(l.mul_add(normal, l.load(gamma), l.load(beta)), x);
        }
    }
}
