//! The bare integer product, for tests and benchmarks.

use super::packed::PackedWeights;
use super::saturation::RiskyPairs;
use crate::kernels::gemm::{MAX_K, gemm};
use crate::kernels::isa::{Dot, GROUP, Kernel, LANES, Lanes, PANEL, Sink, Task};

impl Kernel {
    /// Returns u8 activations in encoded form, the form that this kernel reads. Rows must have a multiple of [`GROUP`] values.
    ///
    /// # Panics
    /// If `values` is not a whole number of groups.
    pub fn encode(self, values: &[u8]) -> Vec<u8> {
        struct Encode<'a>(&'a [u8]);
        impl Task for Encode<'_> {
            type Output = Vec<u8>;
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) -> Vec<u8> {
                let mut encoded = vec![0; self.0.len() * D::WIDTH];
                for (group, out) in self.0.chunks_exact(GROUP).zip(encoded.chunks_exact_mut(GROUP * D::WIDTH)) {
                    let group: [i32; LANES] = std::array::from_fn(|k| i32::from(group[k]));
                    dot.encode(dot.lanes().load_i32(&group), out);
                }
                encoded
            }
        }
        assert!(values.len().is_multiple_of(GROUP), "activations come in groups of {GROUP}");
        self.run(Encode(values))
    }

    /// Computes `out[m, n] = Σ_k a[m, k] · w[k, n]`.
    ///
    /// `a` holds the encoded rows of K values, filled up to a multiple of [`GROUP`]. `out` has one i32 for every row and for every
    /// column of `weights`, with the columns that fill up the last panel.
    ///
    /// # Panics
    /// If the shapes do not match, or K exceeds [`MAX_K`].
    pub fn matmul(self, a: &[u8], weights: &PackedWeights, out: &mut [i32]) {
        struct Product<'a> {
            a: &'a [u8],
            weights: &'a PackedWeights,
            risky_pairs: RiskyPairs,
            out: &'a mut [i32],
        }
        impl Task for Product<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let panels = self.weights.columns() / PANEL;
                let mut sink = UndoShift {
                    l: dot.lanes(),
                    shift: D::SHIFT,
                    column_sums: self.weights.column_sums(),
                    out: self.out.as_chunks_mut().0,
                    panels,
                };
                gemm(dot, self.a, self.weights.panels(0..panels, &self.risky_pairs), &mut sink);
            }
        }
        let rows = a.len() / (weights.groups() * GROUP * self.encoded_width());
        assert_eq!(out.len(), rows * weights.columns(), "one sum for every row and column");
        assert!(weights.groups() * GROUP <= MAX_K, "sums of more than {MAX_K} products can overflow");
        self.run(Product { a, weights, risky_pairs: self.risky_pairs(weights), out });
    }
}

/// Corrects the sums for what encoding subtracted: `Σ a·w = Σ (a − shift)·w + shift·Σ w`.
struct UndoShift<'a, L> {
    l: L,
    shift: i32,
    column_sums: &'a [i32],
    out: &'a mut [[i32; PANEL]],
    panels: usize,
}

impl<L: Lanes> Sink<L> for UndoShift<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, panel: usize, sums: &[L::I32]) {
        for (at, sums) in sums.iter().enumerate() {
            let out = &mut self.out[(row + at) * self.panels + panel];
            self.l.store_i32(*sums, out);
            if self.shift != 0 {
                for (sum, column_sum) in out.iter_mut().zip(&self.column_sums[panel * PANEL..]) {
                    *sum += self.shift * column_sum;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::KernelKind;

    /// Multiplies on every kernel and compares with a plain loop in i64. Returns the kernels that are exact for the weights.
    fn check(shape @ [m, k, n]: [usize; 3], a: impl Fn(usize) -> u8, w: impl Fn(usize) -> i8) -> Vec<KernelKind> {
        let a: Vec<u8> = (0..m * k).map(a).collect();
        let w: Vec<i8> = (0..k * n).map(w).collect();
        let product =
            |row: usize, column: usize, k_at: usize| i64::from(a[row * k + k_at]) * i64::from(w[k_at * n + column]);
        let exact = |i: usize| (0..k).map(|k_at| product(i / n, i % n, k_at)).sum::<i64>();
        let expected: Vec<i64> = (0..m * n).map(exact).collect();
        let weights = PackedWeights::new(&w, k, n);
        let kernels: Vec<Kernel> = Kernel::all().filter(|kernel| kernel.is_exact_for(&weights)).collect();
        for kernel in &kernels {
            let mut out = vec![0; m * n];
            kernel.matmul(&kernel.encode(&a), &weights, &mut out);
            let out: Vec<i64> = out.into_iter().map(i64::from).collect();
            assert_eq!(out, expected, "{} at {shape:?}", kernel.name());
        }
        kernels.into_iter().map(Kernel::kind).collect()
    }

    #[test]
    fn every_kernel_equals_the_plain_loop() {
        for (m, k) in [1, 2, 5, 6, 7, 13, 30].into_iter().flat_map(|m| [8, 16, 24, 40, 64, 200].map(|k| (m, k))) {
            for n in [8, 16, 24] {
                // Weights in −127..=127, for which all kernels are exact.
                let kernels =
                    check([m, k, n], |i| (i * i * 31 + i * 7 + 255) as u8, |i| ((i * i * 57 + i) % 255) as i8 ^ 1);
                assert!(kernels.len() >= Kernel::all().count() - 1, "{kernels:?}");
            }
        }
    }

    #[test]
    fn extremes_are_exact_and_pairs_of_the_lowest_weight_need_a_kernel_that_does_not_wrap() {
        for (a, w) in [0, 1, 127, 128, 255].into_iter().flat_map(|a| [-128, -127, -1, 127].map(|w| (a, w))) {
            let kernels = check([7, 64, 16], |_| a, |_| w);
            assert_eq!(kernels.contains(&KernelKind::RelaxedDotSigned), w != -128 && signed_is_tested());
        }
    }

    #[test]
    fn single_lowest_weights_are_exact_with_the_lowest_activations() {
        // −128 at even k, where the signed dot reads the activation 0 as −128.
        let kernels = check([7, 64, 16], |_| 0, |i| if i / 16 % 2 == 0 { -128 } else { 127 });
        assert_eq!(kernels.contains(&KernelKind::RelaxedDotSigned), signed_is_tested());
    }

    /// Natively a stand-in computes the signed dot. In WebAssembly the engine may have it or not.
    fn signed_is_tested() -> bool {
        cfg!(not(target_arch = "wasm32")) || Kernel::new(KernelKind::RelaxedDotSigned).is_some()
    }

    #[test]
    #[should_panic(expected = "can overflow")]
    fn a_k_beyond_the_limit_is_refused() {
        let k = MAX_K + GROUP;
        let weights = PackedWeights::new(&vec![1; k * PANEL], k, PANEL);
        Kernel::SCALAR.matmul(&vec![1; k], &weights, &mut [0; PANEL]);
    }
}
