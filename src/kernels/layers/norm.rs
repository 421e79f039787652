//! LayerNorm.

use super::quantizer::Quantizer;
use crate::kernels::isa::{Dot, Kernel, LANES, Lanes, Task};
use crate::kernels::threads::{SharedSlice, for_each_range};

/// The least number of values for a thread: some ten microseconds of work.
pub(super) const MIN_VALUES: usize = 8_192;

/// LayerNorm over rows of a multiple of 8 features, with an optional quantizer of the result:
/// `(x − mean) / √(variance + epsilon) · gamma + beta`, where the variance is the biased one.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    gamma: Vec<[f32; LANES]>,
    beta: Vec<[f32; LANES]>,
    epsilon: f32,
    output: Option<Quantizer>,
}

impl LayerNorm {
    /// Returns the norm with `gamma` and `beta`, one value per feature, and the quantizer of its result, if any.
    ///
    /// # Panics
    /// If `gamma` and `beta` differ in length, the length is not a multiple of 8, or `output` has another number of features.
    pub fn new(gamma: &[f32], beta: &[f32], epsilon: f32, output: Option<Quantizer>) -> Self {
        assert!(gamma.len() == beta.len() && gamma.len().is_multiple_of(LANES), "gamma and beta are per feature");
        assert!(
            output.as_ref().is_none_or(|output| output.features() == gamma.len()),
            "the norm's features are quantized"
        );
        LayerNorm { gamma: gamma.as_chunks().0.to_vec(), beta: beta.as_chunks().0.to_vec(), epsilon, output }
    }

    /// Returns the number of features of a row.
    pub fn features(&self) -> usize {
        self.gamma.len() * LANES
    }

    /// Whether the norm quantizes its result.
    pub fn quantizes(&self) -> bool {
        self.output.is_some()
    }

    /// Returns the bytes of `values` encoded activations of `width` bytes each, or 0 if the norm does not quantize.
    pub(in crate::kernels) fn encoded_len(&self, values: usize, width: usize) -> usize {
        if self.quantizes() { values * width } else { 0 }
    }

    /// Does what [`LayerNorm::rows`] does on several threads, if there is a pool.
    pub(in crate::kernels) fn run(
        &self,
        kernel: Kernel,
        x: &mut [f32],
        residual: Option<&[f32]>,
        quantized: &mut [u8],
    ) {
        struct Rows<'a> {
            norm: &'a LayerNorm,
            x: &'a mut [f32],
            residual: Option<&'a [f32]>,
            quantized: &'a mut [u8],
        }
        impl Task for Rows<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                self.norm.rows(dot, self.x, self.residual, self.quantized);
            }
        }
        let features = self.features();
        let encoded = self.encoded_len(features, kernel.encoded_width());
        let rows = x.len() / features;
        let (x, quantized) = (SharedSlice::new(x), SharedSlice::new(quantized));
        for_each_range(rows, MIN_VALUES.div_ceil(features), |rows| {
            let part = |features: usize| rows.start * features..rows.end * features;
            // SAFETY: no two threads have the same rows.
            let (x, quantized) = unsafe { (x.range(part(features)), quantized.range(part(encoded))) };
            kernel.run(Rows { norm: self, x, residual: residual.map(|rows| &rows[part(features)]), quantized });
        });
    }

    /// Adds the rows of `residual`, if any, to `x` and normalizes the rows of `x` in place. If the norm quantizes, writes their
    /// encoded form to `quantized`.
    #[inline(always)]
    pub(in crate::kernels) fn rows<D: Dot>(
        &self,
        dot: D,
        x: &mut [f32],
        residual: Option<&[f32]>,
        quantized: &mut [u8],
    ) {
        let (l, features) = (dot.lanes(), self.features());
        let mut residual = residual.map(|rows| rows.chunks_exact(features));
        let output = self.output.as_ref();
        let mut output = output.map(|quantizer| (quantizer.view(), quantized.chunks_exact_mut(features * D::WIDTH)));
        for row in x.chunks_exact_mut(features) {
            let row = row.as_chunks_mut().0;
            if let Some(residual) = residual.as_mut().and_then(Iterator::next) {
                for (x, y) in row.iter_mut().zip(residual.as_chunks().0) {
                    l.store(l.add(l.load(x), l.load(y)), x);
                }
            }
            self.normalize(l, row);
            if let Some((quantizer, out)) = &mut output {
                quantizer.row(dot, row, out.next().unwrap_or_default());
            }
        }
    }

    /// Normalizes one row in place.
    #[inline(always)]
    fn normalize<L: Lanes>(&self, l: L, row: &mut [[f32; LANES]]) {
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
    use super::*;
    use crate::kernels::isa::{Kernel, Task};

    struct Normalize<'a>(&'a LayerNorm, &'a mut [f32]);

    impl Task for Normalize<'_> {
        type Output = ();
        #[inline(always)]
        fn run<D: Dot>(self, dot: D) {
            self.0.rows(dot, self.1, None, &mut []);
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
            kernel.run(Normalize(&LayerNorm::new(&gamma, &beta, 1e-12, None), &mut got));
            for i in 0..len {
                let exact =
                    (f64::from(row[i]) - mean) / (variance + 1e-12).sqrt() * f64::from(gamma[i]) + f64::from(beta[i]);
                // Sums of at most 40 f32 terms.
                assert!((f64::from(got[i]) - exact).abs() < 2e-6 * exact.abs().max(1.0));
            }
        }
    }
}
