//! A quantized linear layer: integer product, then scale and bias, then an epilogue.

use super::activate::{Activate, F32_PAIRS, U8_PAIRS};
use super::quantizer::{Quantizer, QuantizerView};
use crate::activation::Activation;
use crate::kernels::gemm::{MAX_K, PackedWeights, PreparedRows, RiskyPairs, gemm_prepared};
use crate::kernels::isa::{Dot, GROUP, Kernel, LANES, Lanes, MAX_ROWS, PANEL, Sink, Task};
use crate::kernels::threads::{SharedSlice, for_each_range};
use std::ops::Range;
use std::sync::Arc;

/// The least number of products of a u8 and an s8 for a thread: some ten microseconds of work.
pub(in crate::kernels) const MIN_PRODUCTS: usize = 500_000;

/// A linear layer: `y[m, n] = (Σ_k (a[m, k] − za)·w[k, n]) · scale[n] + bias[n]`.
///
/// Activations a are u8 with the zero point za, encoded for the layer's kernel. Weights w are s8. K and N are multiples of 8.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    kernel: Kernel,
    weights: Arc<PackedWeights>,
    risky_pairs: RiskyPairs,
    /// `(za − shift) · Σ_k w[k, n]`, where encoding subtracts the shift.
    offsets: Vec<[i32; LANES]>,
    /// Activation scale times weight scale.
    scales: Vec<[f32; LANES]>,
    bias: Vec<[f32; LANES]>,
}

impl Linear {
    /// Returns a layer for `kernel` with the zero point of its activations. Every column has a scale (activation scale times weight
    /// scale) and a bias.
    ///
    /// # Panics
    /// If there is not one scale and one bias per column, or K exceeds [`MAX_K`].
    pub fn new(
        kernel: Kernel,
        weights: impl Into<Arc<PackedWeights>>,
        zero_point: u8,
        scales: &[f32],
        bias: &[f32],
    ) -> Self {
        let weights = weights.into();
        assert!(scales.len() == weights.columns() && bias.len() == scales.len(), "scales and biases are per column");
        assert!(weights.groups() * GROUP <= MAX_K, "sums of more than {MAX_K} products can overflow");
        let zero_point = i32::from(zero_point) - kernel.encoded_shift();
        let offsets: Vec<i32> = weights.column_sums().iter().map(|sum| zero_point * sum).collect();
        Linear {
            kernel,
            offsets: offsets.as_chunks().0.to_vec(),
            scales: scales.as_chunks().0.to_vec(),
            bias: bias.as_chunks().0.to_vec(),
            risky_pairs: kernel.risky_pairs(&weights),
            weights,
        }
    }

    /// Returns the kernel that the layer runs on.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Returns the bytes of one encoded input row.
    pub fn input_bytes(&self) -> usize {
        self.weights.groups() * GROUP * self.kernel.encoded_width()
    }

    /// Returns the number of output features, N.
    pub fn outputs(&self) -> usize {
        self.weights.columns()
    }

    /// Multiplies the prepared rows of `a` with `panels` and passes the dequantized values to `epilogue`, where panel 0 is the first
    /// of `panels`.
    #[inline(always)]
    pub(in crate::kernels) fn multiply<D: Dot>(
        &self,
        dot: D,
        a: (&[u8], &PreparedRows),
        panels: Range<usize>,
        epilogue: &mut impl Epilogue<D::Lanes>,
    ) {
        let mut sink = Dequantize {
            l: dot.lanes(),
            offsets: &self.offsets[panels.clone()],
            scales: &self.scales[panels.clone()],
            bias: &self.bias[panels.clone()],
            epilogue,
        };
        gemm_prepared(dot, a, self.weights.panels(panels, &self.risky_pairs), &mut sink);
    }

    /// Prepares the encoded rows of `a` and calls `multiply` with them for ranges of the layer's panels, on several threads if there
    /// is a pool.
    pub(in crate::kernels) fn for_each_panels(
        &self,
        a: &[u8],
        multiply: impl Fn((&[u8], &PreparedRows), Range<usize>) + Sync,
    ) {
        let (k, panels) = (self.weights.groups() * GROUP, self.outputs() / PANEL);
        let rows = a.len() / self.input_bytes();
        PreparedRows::with(self.kernel, a, self.input_bytes(), |prepared| {
            // Strassen's algorithm takes two panels at a time.
            let least = MIN_PRODUCTS.div_ceil((rows * k * 2 * PANEL).max(1));
            for_each_range(panels.div_ceil(2), least, |twos| {
                multiply((a, prepared), 2 * twos.start..panels.min(2 * twos.end));
            });
        });
    }

    /// Runs the layer on the encoded rows of `a`, applies `activation`, if any, and writes FP32 rows to `out`.
    ///
    /// # Panics
    /// If `a` and `out` do not have the same number of rows.
    pub fn run(&self, a: &[u8], activation: Option<Activation>, out: &mut [f32]) {
        struct Rows<'a> {
            linear: &'a Linear,
            a: (&'a [u8], &'a PreparedRows),
            panels: Range<usize>,
            activation: Option<Activation>,
            out: SharedSlice<'a, [f32; LANES]>,
        }
        impl Task for Rows<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Rows { linear, a, panels, activation, out } = self;
                let activation = activation.map(Activate::new);
                let (first, stride) = (panels.start, linear.outputs() / PANEL);
                linear.multiply(dot, a, panels, &mut WriteRows { l: dot.lanes(), first, stride, activation, out });
            }
        }
        let rows = a.len() / self.input_bytes();
        assert_eq!(out.len(), rows * self.outputs(), "one output row for every input row");
        let out = SharedSlice::new(out.as_chunks_mut().0);
        self.for_each_panels(a, |a, panels| self.kernel.run(Rows { linear: self, a, panels, activation, out }));
    }

    /// Runs the layer on the encoded rows of `a`, applies `activation`, quantizes the result and writes its encoded form to `out`.
    ///
    /// # Panics
    /// If `a` and `out` do not have the same number of rows, or the features of `quantizer` are not the layer's outputs.
    pub fn run_quantized(&self, a: &[u8], activation: Activation, quantizer: &Quantizer, out: &mut [u8]) {
        struct Activated<'a> {
            linear: &'a Linear,
            a: (&'a [u8], &'a PreparedRows),
            panels: Range<usize>,
            activation: Activation,
            quantizer: &'a Quantizer,
            out: SharedSlice<'a, u8>,
        }
        impl Task for Activated<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Activated { linear, a, panels, activation, quantizer, out } = self;
                let (first, groups) = (panels.start, linear.outputs() / GROUP);
                let quantized = QuantizeRows { dot, quantizer: quantizer.view(), first, groups, out };
                let activation = Activate::for_u8(activation);
                linear.multiply(dot, a, panels, &mut ActivateAndQuantize { activation, quantized });
            }
        }
        let rows = a.len() / self.input_bytes();
        assert_eq!(quantizer.features(), self.outputs(), "the layer's outputs are quantized");
        assert_eq!(
            out.len(),
            rows * self.outputs() * self.kernel.encoded_width(),
            "one output row for every input row"
        );
        let out = SharedSlice::new(out);
        self.for_each_panels(a, |a, panels| {
            self.kernel.run(Activated { linear: self, a, panels, activation, quantizer, out });
        });
    }
}

/// Takes the FP32 values of a product.
pub(in crate::kernels) trait Epilogue<L: Lanes> {
    /// Takes the values of one row in the columns of `panel`.
    fn put(&mut self, row: usize, panel: usize, y: L::F32);

    /// Takes the values of a tile, whose first row is `row`, in the columns of `panel`. May overwrite them.
    // Epilogues with long computations use several loops over the rows: processors overlap the steps of several rows only if they
    // follow each other closely.
    #[inline(always)]
    fn put_tile(&mut self, row: usize, panel: usize, values: &mut [L::F32]) {
        for (at, y) in values.iter().enumerate() {
            self.put(row + at, panel, *y);
        }
    }
}

/// Dequantizes sums for an epilogue.
struct Dequantize<'a, L, P> {
    l: L,
    offsets: &'a [[i32; LANES]],
    scales: &'a [[f32; LANES]],
    bias: &'a [[f32; LANES]],
    epilogue: &'a mut P,
}

impl<L: Lanes, P: Epilogue<L>> Sink<L> for Dequantize<'_, L, P> {
    #[inline(always)]
    fn put(&mut self, row: usize, panel: usize, sums: &[L::I32]) {
        let l = self.l;
        let (offsets, scales) = (l.load_i32(&self.offsets[panel]), l.load(&self.scales[panel]));
        let bias = l.load(&self.bias[panel]);
        let mut values = [l.splat(0.0); MAX_ROWS];
        let values = &mut values[..sums.len()];
        for (value, sums) in values.iter_mut().zip(sums) {
            *value = l.mul_add(l.to_f32(l.sub_i32(*sums, offsets)), scales, bias);
        }
        self.epilogue.put_tile(row, panel, values);
    }
}

/// Quantizes the values and writes them in encoded form.
pub(in crate::kernels) struct QuantizeRows<'a, D> {
    /// The kernel.
    pub dot: D,
    /// The quantizer of a row.
    pub quantizer: QuantizerView<'a>,
    /// The group of a row that the first panel is.
    pub first: usize,
    /// Groups of a row.
    pub groups: usize,
    /// Encoded rows. Nothing else uses the groups of the product's panels.
    pub out: SharedSlice<'a, u8>,
}

impl<D: Dot> Epilogue<D::Lanes> for QuantizeRows<'_, D> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: <D::Lanes as Lanes>::F32) {
        let group = self.first + group;
        let at = (row * self.groups + group) * GROUP * D::WIDTH;
        let quantized = self.quantizer.apply(self.dot.lanes(), group, y);
        // SAFETY: nothing else uses this group of the row.
        self.dot.encode(quantized, unsafe { self.out.range(at..at + GROUP * D::WIDTH) });
    }
}

/// Applies an activation function, if any, and writes FP32 rows.
pub(in crate::kernels) struct WriteRows<'a, L> {
    /// The lanes.
    pub l: L,
    /// The panel of a row that the product's first panel is.
    pub first: usize,
    /// Panels of a row.
    pub stride: usize,
    /// The activation function.
    pub activation: Option<Activate<F32_PAIRS>>,
    /// FP32 rows. Nothing else uses the product's panels.
    pub out: SharedSlice<'a, [f32; LANES]>,
}

impl<L: Lanes> Epilogue<L> for WriteRows<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, panel: usize, y: L::F32) {
        let y = match self.activation {
            Some(activation) => activation.apply(self.l, y),
            None => y,
        };
        // SAFETY: nothing else uses this panel of the row.
        self.l.store(y, unsafe { self.out.element(row * self.stride + self.first + panel) });
    }
}

/// Applies an activation function, quantizes the values and writes them in encoded form.
struct ActivateAndQuantize<'a, D> {
    activation: Activate<U8_PAIRS>,
    quantized: QuantizeRows<'a, D>,
}

impl<D: Dot> Epilogue<D::Lanes> for ActivateAndQuantize<'_, D> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: <D::Lanes as Lanes>::F32) {
        self.put_tile(row, group, &mut [y]);
    }

    #[inline(always)]
    fn put_tile(&mut self, row: usize, group: usize, values: &mut [<D::Lanes as Lanes>::F32]) {
        for y in &mut *values {
            *y = self.activation.apply(self.quantized.dot.lanes(), *y);
        }
        self.quantized.put_tile(row, group, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: usize = 7;
    const K: usize = 40;
    const N: usize = 24;

    /// A layer whose values are integers that FP32 holds, so that every kernel must compute them exactly.
    struct Case {
        zero_point: u8,
        a: Vec<u8>,
        w: Vec<i8>,
        bias: Vec<f32>,
    }

    impl Case {
        fn new(zero_point: u8) -> Self {
            let w = (0..K * N).map(|i| ((i * i * 57 + i * 3) % 255) as u8 as i8).map(|w| w.max(-127)).collect();
            let bias = (0..N).map(|column| column as f32 * 3.0 - 30.0).collect();
            Case { zero_point, a: (0..ROWS * K).map(|i| (i * i * 31 + i * 7) as u8).collect(), w, bias }
        }

        fn layer(&self, kernel: Kernel) -> Linear {
            Linear::new(kernel, PackedWeights::new(&self.w, K, N), self.zero_point, &[0.5; N], &self.bias)
        }

        /// Computes the layer without packing, encoding or folded offsets.
        fn expected(&self) -> Vec<f32> {
            let product = |row: usize, column: usize, k: usize| {
                (i64::from(self.a[row * K + k]) - i64::from(self.zero_point)) * i64::from(self.w[k * N + column])
            };
            let sum = |i: usize| (0..K).map(|k| product(i / N, i % N, k)).sum::<i64>();
            (0..ROWS * N).map(|i| sum(i) as f32 * 0.5 + self.bias[i % N]).collect()
        }
    }

    #[test]
    fn every_kernel_folds_the_zero_point_exactly() {
        for zero_point in [0, 1, 117, 128, 255] {
            let case = Case::new(zero_point);
            let expected = case.expected();
            for kernel in Kernel::all() {
                let mut out = vec![f32::NAN; ROWS * N];
                case.layer(kernel).run(&kernel.encode(&case.a), None, &mut out);
                assert_eq!(out, expected, "{} with zero point {zero_point}", kernel.name());
            }
        }
    }

    #[test]
    fn every_kernel_encodes_the_quantized_result() {
        let case = Case::new(117);
        // A power of two, so that no product is rounded.
        let quantizer = Quantizer::uniform(128.0, 90, N);
        let quantize = |y: &f32| ((y.max(0.0) / 128.0).round_ties_even() + 90.0).clamp(0.0, 255.0) as u8;
        let expected: Vec<u8> = case.expected().iter().map(quantize).collect();
        assert!(expected.contains(&90) && expected.iter().any(|&y| y > 120), "{expected:?}");
        for kernel in Kernel::all() {
            let mut out = vec![0; ROWS * N * kernel.encoded_width()];
            case.layer(kernel).run_quantized(&kernel.encode(&case.a), Activation::Relu, &quantizer, &mut out);
            assert_eq!(out, kernel.encode(&expected), "{}", kernel.name());
        }
    }

    #[test]
    #[should_panic(expected = "can overflow")]
    fn a_k_beyond_the_limit_is_refused() {
        let k = MAX_K + GROUP;
        let weights = PackedWeights::new(&vec![1; k * PANEL], k, PANEL);
        Linear::new(Kernel::SCALAR, weights, 0, &[1.0; PANEL], &[0.0; PANEL]);
    }
}
