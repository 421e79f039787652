//! The bare integer product: what tests compare and benchmarks time.

use super::packed::PackedWeights;
use super::saturation::Risks;
use crate::kernels::gemm::{MAX_K, gemm};
use crate::kernels::isa::{Dot, GROUP, Kernel, LANES, Lanes, Sink, Task};

impl Kernel {
    /// Puts u8 rows of a multiple of 8 values into the form that this kernel reads.
    ///
    /// # Panics
    /// If `values` is no whole number of groups.
    pub fn encode(self, values: &[u8]) -> Vec<u8> {
        struct Store<'a>(&'a [u8]);
        impl Task for Store<'_> {
            type Output = Vec<u8>;
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) -> Vec<u8> {
                let mut stored = vec![0; self.0.len() * D::WIDTH];
                for (group, out) in self.0.chunks_exact(GROUP).zip(stored.chunks_exact_mut(GROUP * D::WIDTH)) {
                    let group: [i32; LANES] = std::array::from_fn(|k| i32::from(group[k]));
                    dot.encode(dot.lanes().load_i32(&group), out);
                }
                stored
            }
        }
        assert!(values.len().is_multiple_of(GROUP), "activations come in groups of {GROUP}");
        self.run(Store(values))
    }

    /// `out[m, n] = Σ_k a[m, k] · w[k, n]` from activations in the encoded form.
    ///
    /// # Panics
    /// If the shapes do not match, or K exceeds [`MAX_K`].
    pub fn matmul(self, a: &[u8], weights: &PackedWeights, out: &mut [i32]) {
        struct Product<'a> {
            a: &'a [u8],
            weights: &'a PackedWeights,
            risks: Risks,
            out: &'a mut [i32],
        }
        impl Task for Product<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let panels = self.weights.columns() / LANES;
                let mut sink = Unshifted {
                    l: dot.lanes(),
                    shift: D::SHIFT,
                    column_sums: self.weights.column_sums(),
                    out: self.out.as_chunks_mut().0,
                    panels,
                };
                gemm(dot, self.a, self.weights.panels(0..panels, &self.risks), &mut sink);
            }
        }
        let rows = a.len() / (weights.groups() * GROUP * self.encoded_width());
        assert_eq!(out.len(), rows * weights.columns(), "one sum for every row and column");
        assert!(weights.groups() * GROUP <= MAX_K, "sums of more than {MAX_K} products can overflow");
        self.run(Product { a, weights, risks: self.risks(weights), out });
    }
}

/// Gives back what the encoded form took: `Σ a·w = Σ (a − s)·w + s·Σ w`.
struct Unshifted<'a, L> {
    l: L,
    shift: i32,
    column_sums: &'a [i32],
    out: &'a mut [[i32; LANES]],
    panels: usize,
}

impl<L: Lanes> Sink<L> for Unshifted<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, panel: usize, sums: &[L::I32]) {
        for (at, sums) in sums.iter().enumerate() {
            let out = &mut self.out[(row + at) * self.panels + panel];
            self.l.store_i32(*sums, out);
            if self.shift != 0 {
                for (sum, column) in out.iter_mut().zip(&self.column_sums[panel * LANES..]) {
                    *sum += self.shift * column;
                }
            }
        }
    }
}
