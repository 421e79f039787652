//! Operations on one row of floats: softmax, LayerNorm.

use super::dot::Dot;
use super::lanes::{LANES, Lanes};
use super::math::{Exp, exp};
use super::quantizer::Quantizer;

/// Replaces every value x by `e^(x − max)`, and gives `1 / Σ e^(x − max)`.
#[inline(always)]
pub(super) fn softmax_numerators<L: Lanes>(l: L, row: &mut [[f32; LANES]]) -> f32 {
    let mut max = l.splat(f32::NEG_INFINITY);
    for x in row.iter() {
        max = l.max(l.load(x), max);
    }
    let max = l.splat(l.max_lane(max));
    let (mut sum, constants) = (l.splat(0.0), Exp::new());
    for x in row.iter_mut() {
        let e = exp(l, l.sub(l.load(x), max), constants);
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

    /// Normalises the rows of `x` in place, the rows of `residual` added where there is one, and stores them quantized for the next
    /// product where `quantized` says so.
    #[inline(always)]
    pub(super) fn rows<D: Dot>(
        &self,
        dot: D,
        x: &mut [f32],
        residual: Option<&[f32]>,
        quantized: Option<(&Quantizer, &mut [u8])>,
    ) {
        let (l, features) = (dot.lanes(), self.features());
        let mut residual = residual.map(|rows| rows.chunks_exact(features));
        let mut quantized =
            quantized.map(|(quantizer, out)| (quantizer.by_value(), out.chunks_exact_mut(features * D::WIDTH)));
        for row in x.chunks_exact_mut(features) {
            let row = row.as_chunks_mut().0;
            if let Some(residual) = residual.as_mut().and_then(Iterator::next) {
                for (x, y) in row.iter_mut().zip(residual.as_chunks().0) {
                    l.store(l.add(l.load(x), l.load(y)), x);
                }
            }
            self.normalise(l, row);
            if let Some((quantizer, out)) = &mut quantized {
                quantizer.row(dot, row, out.next().unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use super::super::dispatch::{Kernel, Task};
    use super::*;

    struct Softmax<'a>(&'a mut [[f32; LANES]]);

    impl Task for Softmax<'_> {
        type Output = f32;
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) -> f32 {
            softmax_numerators(dot.lanes(), self.0)
        }
    }

    struct Normalise<'a>(&'a LayerNorm, &'a mut [f32]);

    impl Task for Normalise<'_> {
        type Output = ();
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) {
            self.0.rows(dot, self.1, None, None);
        }
    }

    #[test]
    fn softmax_sums_to_one_at_every_length() {
        for (kernel, len) in Kernel::all().flat_map(|kernel| (1..40usize).map(move |len| (kernel, len))) {
            let x: Vec<f32> = (0..len).map(|i| (i as f32 * 1.7).sin() * 30.0).collect();
            let mut row = x.clone();
            row.resize(len.next_multiple_of(LANES), f32::NEG_INFINITY);
            let inverse_sum = kernel.run(Softmax(row.as_chunks_mut().0));
            let exact: Vec<f64> = x.iter().map(|&x| f64::from(x).exp()).collect();
            let total: f64 = exact.iter().sum();
            for (got, exact) in row.iter().zip(exact) {
                // One exp (2e-7 relative), one sum and one product in f32.
                assert!((f64::from(got * inverse_sum) - exact / total).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn layer_norm_follows_its_formula_at_every_length() {
        for (kernel, len) in Kernel::all().flat_map(|kernel| (8..48usize).step_by(8).map(move |len| (kernel, len))) {
            let row: Vec<f32> = (0..len).map(|i| (i as f32 * 0.9).cos() * 3.0 + 1.0).collect();
            let gamma: Vec<f32> = (0..len).map(|i| 1.0 + i as f32 * 0.01).collect();
            let beta: Vec<f32> = (0..len).map(|i| i as f32 * 0.1).collect();
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / len as f64;
            let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / len as f64;
            let mut got = row.clone();
            kernel.run(Normalise(&LayerNorm::new(&gamma, &beta, 1e-12), &mut got));
            for i in 0..len {
                let exact =
                    (f64::from(row[i]) - mean) / (variance + 1e-12).sqrt() * f64::from(gamma[i]) + f64::from(beta[i]);
                // Sums of at most 40 f32 terms.
                assert!((f64::from(got[i]) - exact).abs() < 2e-6 * exact.abs().max(1.0));
            }
        }
    }
}
