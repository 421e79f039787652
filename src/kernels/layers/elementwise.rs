//! Activation and quantization of FP32 rows. An integer linear layer does both in its epilogue; these are for rows that come from
//! elsewhere.

use super::activate::Activate;
use super::norm::MIN_VALUES;
use super::quantizer::Quantizer;
use crate::activation::Activation;
use crate::kernels::isa::{Dot, GROUP, Kernel, LANES, Lanes, Task};
use crate::kernels::threads::{SharedSlice, for_each_range};

impl Kernel {
    /// Applies `activation` to every value of `x` and writes the results to `out`.
    ///
    /// # Panics
    /// If the slices differ in length, or the length is not a multiple of [`LANES`].
    pub fn activate(self, activation: Activation, x: &[f32], out: &mut [f32]) {
        struct Values<'a>(Activation, &'a [f32], &'a mut [f32]);
        impl Task for Values<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Values(activation, x, out) = self;
                let (l, activation) = (dot.lanes(), Activate::new(activation));
                for (x, y) in x.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
                    l.store(activation.apply(l, l.load(x)), y);
                }
            }
        }
        assert!(x.len() == out.len() && x.len().is_multiple_of(LANES), "values come in groups of {LANES}");
        let shared = SharedSlice::new(out);
        for_each_range(x.len() / LANES, MIN_VALUES / LANES, |groups| {
            let part = groups.start * LANES..groups.end * LANES;
            // SAFETY: no two threads have the same groups.
            self.run(Values(activation, &x[part.clone()], unsafe { shared.range(part) }));
        });
    }

    /// Applies `activation`, if any, to the rows of `x`, quantizes them, and writes their encoded form to `out`.
    ///
    /// # Panics
    /// If `x` is not a whole number of rows of the quantizer's features, or `out` does not have one encoded row for each.
    pub fn quantize(self, activation: Option<Activation>, quantizer: &Quantizer, x: &[f32], out: &mut [u8]) {
        struct Quantize<'a>(Option<Activation>, &'a Quantizer, &'a [f32], &'a mut [u8]);
        impl Task for Quantize<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Quantize(activation, quantizer, x, out) = self;
                let (l, groups, quantizer) = (dot.lanes(), quantizer.features() / GROUP, quantizer.view());
                let activation = activation.map(Activate::for_u8);
                let encoded = out.chunks_exact_mut(GROUP * D::WIDTH);
                for (at, (x, out)) in x.as_chunks().0.iter().zip(encoded).enumerate() {
                    let x = l.load(x);
                    let x = match activation {
                        Some(activation) => activation.apply(l, x),
                        None => x,
                    };
                    dot.encode(quantizer.apply(l, at % groups, x), out);
                }
            }
        }
        let fits = x.len().is_multiple_of(quantizer.features()) && out.len() == x.len() * self.encoded_width();
        assert!(fits, "one encoded row for every row");
        let (features, encoded) = (quantizer.features(), quantizer.features() * self.encoded_width());
        let shared = SharedSlice::new(out);
        for_each_range(x.len() / features, MIN_VALUES.div_ceil(features), |rows| {
            // SAFETY: no two threads have the same rows.
            let out = unsafe { shared.range(rows.start * encoded..rows.end * encoded) };
            self.run(Quantize(activation, quantizer, &x[rows.start * features..rows.end * features], out));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_activated_and_quantized_on_every_kernel() {
        let x: Vec<f32> = (0..48).map(|i| (i as f32 - 20.3) * 0.7).collect();
        let factors: [f32; 16] = std::array::from_fn(|j| 0.5 + j as f32 * 0.1);
        let quantizer = Quantizer::mapped(0.25, 100, &factors, &[0.0; 16]);
        let relu = |x: f32| x.max(0.0);
        let step = |(at, x): (usize, f32)| ((x * factors[at % 16] * 4.0).round() + 100.0).clamp(0.0, 255.0) as u8;
        for kernel in Kernel::all() {
            let mut rows = [f32::NAN; 48];
            kernel.activate(Activation::Relu, &x, &mut rows);
            assert_eq!(rows.to_vec(), x.iter().map(|&x| relu(x)).collect::<Vec<_>>());
            for activation in [None, Some(Activation::Relu)] {
                let of = |x: f32| if activation.is_some() { relu(x) } else { x };
                let expected: Vec<u8> = x.iter().map(|&x| of(x)).enumerate().map(step).collect();
                let mut out = vec![0; 48 * kernel.encoded_width()];
                kernel.quantize(activation, &quantizer, &x, &mut out);
                assert_eq!(out, kernel.encode(&expected), "{}", kernel.name());
            }
        }
    }
}
