//! A quantized linear layer: integer product, then scale and bias.

use super::activate::{Activate, F32_PAIRS, U8_PAIRS};
use super::quantizer::{Quantizer, QuantizerView};
use crate::activation::Activation;
use crate::kernels::gemm::{MAX_K, PackedWeights, PreparedRows, RiskyPairs, gemm, gemm_prepared};
use crate::kernels::isa::{Dot, GROUP, Kernel, LANES, Lanes, MAX_ROWS, Sink, Task};
use std::ops::Range;
use std::sync::Arc;

/// `y[m, n] = (Σ_k (a[m, k] − za)·w[k, n]) · scale[n] + bias[n]`, with u8 activations `a` of zero point za in the encoded form
/// of one kernel, and s8 weights w. K and N are multiples of 8.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    kernel: Kernel,
    weights: Arc<PackedWeights>,
    risky_pairs: RiskyPairs,
    /// `(za − what the encoded form takes off) · Σ_k w[k, n]`.
    offsets: Vec<[i32; LANES]>,
    scales: Vec<[f32; LANES]>,
    bias: Vec<[f32; LANES]>,
}

impl Linear {
    /// A layer for `kernel` from packed weights, the zero point of its activations, and a scale (activation scale times
    /// weight scale) and a bias for every column.
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

    /// The kernel it was made for.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Bytes of a row of activations in the encoded form.
    pub fn input_bytes(&self) -> usize {
        self.weights.groups() * GROUP * self.kernel.encoded_width()
    }

    /// Output features (N).
    pub fn outputs(&self) -> usize {
        self.weights.columns()
    }

    /// Multiplies `a` with the panels `panels`, which count from the first of them in what `put` takes.
    #[inline(always)]
    pub(in crate::kernels) fn multiply<D: Dot>(
        &self,
        dot: D,
        a: &[u8],
        panels: Range<usize>,
        epilogue: &mut impl Epilogue<D::Lanes>,
    ) {
        gemm(dot, a, self.weights.panels(panels.clone(), &self.risky_pairs), &mut self.sink(dot, panels, epilogue));
    }

    /// The same for rows that are prepared.
    #[inline(always)]
    pub(in crate::kernels) fn multiply_prepared<D: Dot>(
        &self,
        dot: D,
        a: (&[u8], &PreparedRows),
        panels: Range<usize>,
        epilogue: &mut impl Epilogue<D::Lanes>,
    ) {
        gemm_prepared(
            dot,
            a,
            self.weights.panels(panels.clone(), &self.risky_pairs),
            &mut self.sink(dot, panels, epilogue),
        );
    }

    #[inline(always)]
    fn sink<'a, D: Dot, P>(&'a self, dot: D, panels: Range<usize>, epilogue: &'a mut P) -> Dequantize<'a, D::Lanes, P> {
        Dequantize {
            l: dot.lanes(),
            offsets: &self.offsets[panels.clone()],
            scales: &self.scales[panels.clone()],
            bias: &self.bias[panels.clone()],
            epilogue,
        }
    }

    /// Runs the layer, and `activation` where there is one, on the rows of `a`, and writes FP32 rows to `out`.
    ///
    /// # Panics
    /// If `a` and `out` have no or different numbers of rows.
    pub fn run(&self, a: &[u8], activation: Option<Activation>, out: &mut [f32]) {
        struct Rows<'a> {
            linear: &'a Linear,
            a: &'a [u8],
            activation: Option<Activation>,
            out: &'a mut [f32],
        }
        impl Task for Rows<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Rows { linear, a, activation, out } = self;
                let groups = linear.outputs() / GROUP;
                let activation = activation.map(Activate::new);
                let epilogue = &mut WriteRows { l: dot.lanes(), groups, activation, out: out.as_chunks_mut().0 };
                linear.multiply(dot, a, 0..groups, epilogue);
            }
        }
        let rows = a.len() / self.input_bytes();
        assert_eq!(out.len(), rows * self.outputs(), "one output row for every input row");
        self.kernel.run(Rows { linear: self, a, activation, out });
    }

    /// Runs the layer and `activation` on the rows of `a`, and writes the quantized result, in the encoded form, to `out`.
    ///
    /// # Panics
    /// If `a` and `out` have no or different numbers of rows, or `quantizer` is not for rows of the layer's outputs.
    pub fn run_quantized(&self, a: &[u8], activation: Activation, quantizer: &Quantizer, out: &mut [u8]) {
        struct Activated<'a> {
            linear: &'a Linear,
            a: &'a [u8],
            activation: Activation,
            quantizer: &'a Quantizer,
            out: &'a mut [u8],
        }
        impl Task for Activated<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Activated { linear, a, activation, quantizer, out } = self;
                let groups = linear.outputs() / GROUP;
                let quantized = QuantizeRows { dot, quantizer: quantizer.view(), groups, out };
                let activation = Activate::for_u8(activation);
                linear.multiply(dot, a, 0..groups, &mut ActivateRows { activation, quantized });
            }
        }
        let rows = a.len() / self.input_bytes();
        assert_eq!(quantizer.features(), self.outputs(), "the layer's outputs are quantized");
        assert_eq!(
            out.len(),
            rows * self.outputs() * self.kernel.encoded_width(),
            "one output row for every input row"
        );
        self.kernel.run(Activated { linear: self, a, activation, quantizer, out });
    }
}

/// Takes the values of a product.
pub(in crate::kernels) trait Epilogue<L: Lanes> {
    /// Takes the eight values of `row` in `panel`.
    fn put(&mut self, row: usize, panel: usize, y: L::F32);

    /// Takes those of a tile's rows, from `row` on. What is long is done in several loops: engines overlap the steps of several
    /// rows only where these follow closely.
    #[inline(always)]
    fn put_tile(&mut self, row: usize, panel: usize, values: &mut [L::F32]) {
        for (at, y) in values.iter().enumerate() {
            self.put(row + at, panel, *y);
        }
    }
}

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

/// Quantizes, and writes the encoded form of rows of `groups` groups.
pub(in crate::kernels) struct QuantizeRows<'a, D> {
    pub dot: D,
    pub quantizer: QuantizerView<'a>,
    pub groups: usize,
    pub out: &'a mut [u8],
}

impl<D: Dot> Epilogue<D::Lanes> for QuantizeRows<'_, D> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: <D::Lanes as Lanes>::F32) {
        let at = (row * self.groups + group) * GROUP * D::WIDTH;
        let quantized = self.quantizer.apply(self.dot.lanes(), group, y);
        self.dot.encode(quantized, &mut self.out[at..at + GROUP * D::WIDTH]);
    }
}

/// Writes FP32 rows of `groups` groups.
pub(in crate::kernels) struct WriteRows<'a, L> {
    pub l: L,
    pub groups: usize,
    pub activation: Option<Activate<F32_PAIRS>>,
    pub out: &'a mut [[f32; LANES]],
}

impl<L: Lanes> Epilogue<L> for WriteRows<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: L::F32) {
        let y = match self.activation {
            Some(activation) => activation.apply(self.l, y),
            None => y,
        };
        self.l.store(y, &mut self.out[row * self.groups + group]);
    }
}

struct ActivateRows<'a, D> {
    activation: Activate<U8_PAIRS>,
    quantized: QuantizeRows<'a, D>,
}

impl<D: Dot> Epilogue<D::Lanes> for ActivateRows<'_, D> {
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
