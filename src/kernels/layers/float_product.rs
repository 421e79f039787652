//! FP32 and FP64 products whose results are the same bits on every processor and in every browser: for quantization, and for FP32
//! layers of INT8 files.
//!
//! Every element is the sum of its products in the order of k, and every product is rounded before it is added.

use super::linear::Epilogue;
use super::panel_product::{F32Product, multiply_panels};
use crate::kernels::isa::{Dot, Kernel, LANES, Lanes, Task};
use crate::kernels::threads::{SharedSlice, for_each_range};

/// The least number of products for a thread: some ten microseconds of work.
const MIN_PRODUCTS: usize = 100_000;

/// A matrix `[k, n]` of FP32 values, packed for products with rows.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatColumns {
    kernel: Kernel,
    k: usize,
    n: usize,
    /// Panels of 8 columns, `k` entries each. The last one is padded with zeros.
    panels: Vec<[f32; LANES]>,
}

impl FloatColumns {
    /// Packs the matrix `[k, n]` of the values `value(row, column)`.
    ///
    /// # Panics
    /// If `k` is 0.
    pub fn new(kernel: Kernel, k: usize, n: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        assert!(k > 0, "products have terms");
        let mut panels = vec![[0.0; LANES]; n.div_ceil(LANES) * k];
        for (panel, first) in panels.chunks_exact_mut(k).zip((0..n).step_by(LANES)) {
            for column in 0..LANES.min(n - first) {
                panel.iter_mut().enumerate().for_each(|(row, entry)| entry[column] = value(row, first + column));
            }
        }
        FloatColumns { kernel, k, n, panels }
    }

    /// Returns the product `[rows, n]` of the rows `x`, `[rows, k]`, and this matrix.
    ///
    /// # Panics
    /// If `x` holds part of a row.
    pub fn multiply(&self, x: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; x.len() / self.k * self.n];
        self.multiply_into(x, &mut out);
        out
    }

    /// Writes the product `[rows, n]` of the rows `x`, `[rows, k]`, and this matrix to `out`.
    ///
    /// # Panics
    /// If `x` holds part of a row, or `out` does not have one row for each.
    pub fn multiply_into(&self, x: &[f32], out: &mut [f32]) {
        struct Product<'a>(&'a FloatColumns, &'a [f32], &'a mut [f32]);
        impl Task for Product<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let (Product(columns, x, out), l) = (self, dot.lanes());
                multiply_panels::<_, F32Product<false>>(
                    l,
                    columns.k,
                    x,
                    &columns.panels,
                    &mut Write { l, n: columns.n, out },
                );
            }
        }
        let rows = x.len() / self.k;
        assert!(x.len() == rows * self.k && out.len() == rows * self.n, "one row of outputs for each row of inputs");
        let out = SharedSlice::new(out);
        for_each_range(rows, MIN_PRODUCTS.div_ceil(self.k * self.n.max(1)), |rows| {
            // SAFETY: no two threads have the same rows.
            let out = unsafe { out.range(rows.start * self.n..rows.end * self.n) };
            self.kernel.run(Product(self, &x[rows.start * self.k..rows.end * self.k], out));
        });
    }
}

/// A linear layer in FP32: `x · weights + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatLinear {
    weights: FloatColumns,
    bias: Vec<f32>,
}

impl FloatLinear {
    /// Returns the layer of `weights` `[inputs, outputs]`, with one `bias` for each output.
    ///
    /// # Panics
    /// If there is not one bias for each output.
    pub fn new(weights: FloatColumns, bias: &[f32]) -> Self {
        assert_eq!(weights.n, bias.len(), "one bias for each output");
        FloatLinear { weights, bias: bias.to_vec() }
    }

    /// Returns the number of inputs.
    pub fn inputs(&self) -> usize {
        self.weights.k
    }

    /// Returns the number of outputs.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Computes the rows `out`, `[rows, outputs]`, from the rows `x`, `[rows, inputs]`.
    ///
    /// # Panics
    /// If the slices are not as many whole rows.
    pub fn run(&self, x: &[f32], out: &mut [f32]) {
        self.weights.multiply_into(x, out);
        for row in out.chunks_exact_mut(self.bias.len()) {
            row.iter_mut().zip(&self.bias).for_each(|(y, bias)| *y += bias);
        }
    }
}

/// Writes a product as rows of `n` values.
struct Write<'a, L> {
    l: L,
    n: usize,
    out: &'a mut [f32],
}

impl<L: Lanes> Epilogue<L> for Write<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, panel: usize, y: L::F32) {
        let out = &mut self.out[row * self.n..][..self.n][panel * LANES..];
        match out.first_chunk_mut() {
            Some(out) => self.l.store(y, out),
            None => out.copy_from_slice(&self.l.to_array(y)[..out.len()]),
        }
    }
}

impl Kernel {
    /// Subtracts `Σ_k a[k][i] · b[k][j]` from `matrix[i][j]` for all j ≥ i. `a` and `b` hold one slice of n values for each k, and the
    /// rows of `matrix`, of which there are at least n, start every `stride` values.
    ///
    /// # Panics
    /// If `matrix` is too short, or the slices differ in length or number.
    pub fn subtract_products(self, matrix: &mut [f64], stride: usize, a: &[&[f64]], b: &[&[f64]]) {
        struct Subtract<'a>(&'a mut [f64], usize, &'a [&'a [f64]], &'a [&'a [f64]]);
        impl Task for Subtract<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, _dot: D) {
                let Subtract(matrix, stride, a, b) = self;
                let n = a.first().map_or(0, |row| row.len());
                for (i, row) in matrix.chunks_mut(stride).take(n).enumerate() {
                    let row = &mut row[i..n];
                    // Four rows of b for each pass over the row of the matrix.
                    for (a, b) in a.chunks(4).zip(b.chunks(4)) {
                        match (a, b) {
                            ([a0, a1, a2, a3], [b0, b1, b2, b3]) => {
                                let (a, b) = ([a0[i], a1[i], a2[i], a3[i]], [&b0[i..], &b1[i..], &b2[i..], &b3[i..]]);
                                let values = b[0].iter().zip(b[1]).zip(b[2].iter().zip(b[3]));
                                for (x, ((b0, b1), (b2, b3))) in row.iter_mut().zip(values) {
                                    *x = *x - a[0] * b0 - a[1] * b1 - a[2] * b2 - a[3] * b3;
                                }
                            }
                            _ => {
                                for (a, b) in a.iter().zip(b) {
                                    row.iter_mut().zip(&b[i..]).for_each(|(x, b)| *x -= a[i] * b);
                                }
                            }
                        }
                    }
                }
            }
        }
        let n = a.first().map_or(0, |row| row.len());
        let same = a.len() == b.len() && a.iter().chain(b).all(|row| row.len() == n);
        assert!(same && n <= stride && matrix.len() + stride >= n * stride + n, "the matrix has a row for each value");
        self.run(Subtract(matrix, stride, a, b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(seed: usize, at: usize) -> f32 {
        ((at * 37 + seed * 101) as f32 * 0.7).sin() * 2.0
    }

    #[test]
    fn products_add_in_order_and_are_the_same_bits_on_every_kernel() {
        for (rows, k, n) in [(1, 1, 1), (3, 5, 8), (9, 17, 20), (30, 64, 41), (0, 4, 4)] {
            let x: Vec<f32> = (0..rows * k).map(|at| value(1, at)).collect();
            let weight = |row, column| value(2, row * n + column);
            let element = |at: usize| {
                let term = |k_at: usize| x[at / n * k + k_at] * weight(k_at, at % n);
                (0..k).fold(0.0, |sum: f32, k_at| sum + term(k_at))
            };
            let expected: Vec<f32> = (0..rows * n).map(element).collect();
            for kernel in Kernel::all() {
                assert_eq!(FloatColumns::new(kernel, k, n, weight).multiply(&x), expected, "{}", kernel.name());
            }
        }
    }

    #[test]
    fn products_are_subtracted_from_the_upper_triangle() {
        for (n, terms) in [(1, 1), (6, 4), (13, 7), (9, 8)] {
            let stride = n + 3;
            let column = |seed, k| -> Vec<f64> { (0..n).map(|i| f64::from(value(seed, k * n + i))).collect() };
            let [a, b] = [1, 2].map(|seed| (0..terms).map(|k| column(seed, k)).collect::<Vec<_>>());
            let matrix: Vec<f64> = (0..n * stride).map(|at| f64::from(value(3, at))).collect();
            for kernel in Kernel::all() {
                let mut found = matrix.clone();
                let slices = [&a, &b].map(|rows| rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
                kernel.subtract_products(&mut found, stride, &slices[0], &slices[1]);
                for at in (0..n * stride).filter(|at| at % stride < n && at % stride >= at / stride) {
                    let expected = (0..terms).fold(matrix[at], |x, k| x - a[k][at / stride] * b[k][at % stride]);
                    assert_eq!(found[at], expected, "{}", kernel.name());
                }
            }
        }
    }
}
