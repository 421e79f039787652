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
