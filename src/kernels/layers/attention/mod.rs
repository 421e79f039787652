//! Multi-head self-attention over sequences laid end to end, without padding.
//!
//! # Data flow
//!
//! For every head, and within a head for every sequence:
//!
//! 1. [`AttentionHead::project`]: integer products of the encoded rows with the head's columns of the three projections. Epilogues
//!    quantize queries into encoded rows, and keys into packed weights, one column per token. Values are quantized to 14 bits in i16,
//!    with one scale for the sequence's head.
//! 2. [`AttentionHead::attend`], for a few query rows at a time:
//!    - scores: the integer product of queries and keys, dequantized to FP32;
//!    - softmax in FP32, whose probabilities are quantized to 15 bits in i16;
//!    - context: the product of probabilities and values in pairs of i16, scaled and written as FP32 rows or quantized.
//!
//! If the model reads only the first token of a sequence, that token is the only query ([`AttentionParams::first_query_only`]).
//!
//! [`FloatAttention`] computes scores, softmax and context in FP32, from FP32 queries, keys and values.

mod context;
mod epilogues;
mod float;
mod head;
mod scores;
mod sequences;

pub use float::FloatAttention;

use crate::kernels::buffer::at_least;
use crate::kernels::gemm::{MAX_K, PreparedRows};
use crate::kernels::isa::{Dot, GROUP, Kernel, Task};
use crate::kernels::layers::linear::{Linear, MIN_PRODUCTS};
use crate::kernels::layers::quantizer::Quantizer;
use crate::kernels::threads::{SharedSlice, for_each_range};
use head::{AttentionHead, HeadBuffers};
use sequences::{Sequence, sequences};
use std::cell::Cell;
use std::ops::Range;

/// The heads of attention and the quantization of queries and keys, which is symmetric.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionParams {
    /// Number of heads.
    pub heads: usize,
    /// Features of a head.
    pub head_size: usize,
    /// Quantizes the queries of a head, filled up to a multiple of 8 features.
    pub query: Quantizer,
    /// Quantizes the keys of a head, filled up to a multiple of 8 features, in the narrow range of weights. Out-of-range keys clamp
    /// to −127, not to −128 as QuantizeLinear does.
    pub key: Quantizer,
    /// The factor of integer scores: query scale · key scale / √head_size.
    pub score_scale: f32,
    /// Whether only the first token of every sequence is a query.
    pub first_query_only: bool,
}

/// `softmax(q · kᵀ · score_scale) · v` for every sequence and head, where q, k and v come from three linear layers over the same
/// rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfAttention {
    /// Of queries, keys and values. Their columns are head after head, each filled up to a multiple of 8.
    projections: [Linear; 3],
    params: AttentionParams,
}

/// The output rows of the context, one for each query.
#[derive(Debug)]
pub enum ContextRows<'a> {
    /// FP32 rows.
    Float(&'a mut [f32]),
    /// Encoded rows that the quantizer makes, with heads filled up to a multiple of 8 features.
    Encoded(&'a Quantizer, &'a mut [u8]),
}

/// [`ContextRows`] that heads write on several threads.
#[derive(Clone, Copy)]
enum SharedContext<'a> {
    Float(SharedSlice<'a, f32>),
    Encoded(&'a Quantizer, SharedSlice<'a, u8>),
}

/// The rows that all heads multiply. Kept for the next run.
#[derive(Debug, Default)]
struct InputRows {
    /// The first row of every sequence, if only these are queries.
    first: Vec<u8>,
    /// The prepared query rows.
    queries: PreparedRows,
    /// The prepared rows of every sequence.
    tokens: Vec<PreparedRows>,
}

thread_local! {
    static INPUT_ROWS: Cell<InputRows> = Cell::default();
    static HEAD_BUFFERS: Cell<HeadBuffers> = Cell::default();
}

impl SelfAttention {
    /// Returns attention with the layers of queries, keys and values. Their outputs are head after head, each filled up to a multiple
    /// of 8 features.
    ///
    /// # Panics
    /// If a layer's outputs are not the heads' features, the layers differ in inputs or kernel, a quantizer is not for the features of
    /// one head, or a head has more than [`MAX_K`] features.
    pub fn new(projections: [Linear; 3], params: AttentionParams) -> Self {
        let AttentionParams { heads, head_size, ref query, ref key, .. } = params;
        let filled = head_size.next_multiple_of(GROUP);
        let shape = |layer: &Linear| (layer.outputs(), layer.input_bytes(), layer.kernel());
        let expected = (heads * filled, projections[0].input_bytes(), projections[0].kernel());
        assert!(projections.iter().all(|layer| shape(layer) == expected), "queries, keys and values of every head");
        assert!(query.features() == filled && key.features() == filled, "queries and keys of a head are quantized");
        assert!(filled <= MAX_K, "scores of more than {MAX_K} products can overflow");
        SelfAttention { projections, params }
    }

    /// Returns the bytes of one encoded input row.
    pub fn input_bytes(&self) -> usize {
        self.projections[0].input_bytes()
    }

    /// Returns the kernel that attention runs on.
    pub fn kernel(&self) -> Kernel {
        self.projections[0].kernel()
    }

    /// Returns the number of features of an FP32 row of the context.
    pub fn features(&self) -> usize {
        self.params.heads * self.params.head_size
    }

    /// Whether only the first token of every sequence is a query.
    pub fn first_query_only(&self) -> bool {
        self.params.first_query_only
    }

    /// Runs on the encoded rows of `a`, which hold sequences laid end to end, where `ends[i]` is the end of sequence i. Writes the
    /// context of every query to `out`.
    ///
    /// # Panics
    /// If `ends` is not ascending up to the number of rows, or `out` does not have one row for each query.
    pub fn run(&self, a: &[u8], ends: &[usize], out: ContextRows) {
        let rows = a.len() / self.input_bytes();
        assert!(ends.is_sorted() && ends.last() == Some(&rows), "sequences cover the rows");
        let queries = if self.params.first_query_only { ends.len() } else { rows };
        let out = match out {
            ContextRows::Float(out) => {
                assert_eq!(out.len(), queries * self.features(), "a row for every query");
                SharedContext::Float(SharedSlice::new(out))
            }
            ContextRows::Encoded(quantizer, out) => {
                let features = self.params.heads * self.params.head_size.next_multiple_of(GROUP);
                assert_eq!(quantizer.features(), features, "the context of every head is quantized");
                let bytes = features * self.kernel().encoded_width();
                assert_eq!(out.len(), queries * bytes, "a row for every query");
                SharedContext::Encoded(quantizer, SharedSlice::new(out))
            }
        };
        let sequences = &sequences(ends, self.params.first_query_only)[..];
        let mut rows = INPUT_ROWS.take();
        self.kernel().run(Prepare { attention: self, a, sequences, rows: &mut rows });
        let (heads, products) = (self.params.heads, 3 * a.len() * self.projections[0].outputs());
        for_each_range(heads, (MIN_PRODUCTS * heads).div_ceil(products.max(1)), |heads| {
            self.kernel().run(Attend { attention: self, a, sequences, rows: &rows, heads, out });
        });
        INPUT_ROWS.set(rows);
    }
}

/// Prepares the rows that all heads multiply.
struct Prepare<'a> {
    attention: &'a SelfAttention,
    a: &'a [u8],
    sequences: &'a [Sequence],
    rows: &'a mut InputRows,
}

impl Task for Prepare<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let Prepare { attention, a, sequences, rows: InputRows { first, queries, tokens } } = self;
        let bytes = attention.input_bytes();
        let tokens = at_least(tokens, sequences.len(), PreparedRows::default());
        for (sequence, prepared) in sequences.iter().zip(tokens) {
            prepared.prepare(dot, sequence.rows(a, bytes), bytes);
        }
        if attention.first_query_only() {
            queries.prepare(dot, first_rows(sequences, a, bytes, first), bytes);
        } else if sequences.len() > 1 {
            queries.prepare(dot, a, bytes);
        }
    }
}

/// Computes the context of some of the heads.
struct Attend<'a> {
    attention: &'a SelfAttention,
    a: &'a [u8],
    sequences: &'a [Sequence],
    rows: &'a InputRows,
    heads: Range<usize>,
    out: SharedContext<'a>,
}

impl Task for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let Attend { attention, a, sequences, rows, heads, out } = self;
        let bytes = attention.input_bytes();
        let queries = match attention.first_query_only() {
            true => (&rows.first[..sequences.len() * bytes], &rows.queries),
            // All rows of the only sequence are queries.
            false if sequences.len() == 1 => (a, &rows.tokens[0]),
            false => (a, &rows.queries),
        };
        let mut buffers = HEAD_BUFFERS.take();
        for number in heads {
            let head = AttentionHead { dot, attention, sequences, number };
            let tokens = sequences.iter().map(|sequence| sequence.rows(a, bytes)).zip(&rows.tokens);
            head.project(queries, tokens, &mut buffers);
            head.attend(&mut buffers, out);
        }
        HEAD_BUFFERS.set(buffers);
    }
}

/// Copies the first row of every sequence, `bytes` bytes each, to `first`.
fn first_rows<'a>(sequences: &[Sequence], a: &[u8], bytes: usize, first: &'a mut Vec<u8>) -> &'a [u8] {
    let first = at_least(first, sequences.len() * bytes, 0);
    for (sequence, row) in sequences.iter().zip(first.chunks_exact_mut(bytes)) {
        row.copy_from_slice(&a[sequence.tokens.start * bytes..][..bytes]);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::gemm::PackedWeights;

    const INPUTS: usize = 24;
    const HEADS: usize = 2;
    const LENGTHS: [usize; 4] = [30, 1, 8, 13];

    /// Attention over projections whose scales are powers of two, so that queries, keys, values and scores are exact in FP32 on every
    /// kernel. Only the softmax and what follows may be rounded differently.
    fn attention(kernel: Kernel, head_size: usize, first_query_only: bool) -> SelfAttention {
        let filled = head_size.next_multiple_of(GROUP);
        let outputs = HEADS * filled;
        let projection = |seed: usize| {
            let is_feature = |column: usize| column % filled < head_size;
            let weight = |i: usize| if is_feature(i % outputs) { ((i * i * 57 + i * seed) % 255) as i8 } else { 0 };
            let weights: Vec<i8> = (0..INPUTS * outputs).map(weight).map(|weight| weight.max(-127)).collect();
            let bias: Vec<f32> =
                (0..outputs).map(|i| if is_feature(i) { (i * seed % 7) as f32 - 3.0 } else { 0.0 }).collect();
            let weights = PackedWeights::new(&weights, INPUTS, outputs);
            Linear::new(kernel, weights, 117, &vec![1.0 / 4096.0; outputs], &bias)
        };
        let params = AttentionParams {
            heads: HEADS,
            head_size,
            query: Quantizer::uniform(1.0 / 8.0, Quantizer::SYMMETRIC, filled),
            key: Quantizer::narrow_range(1.0 / 8.0, filled),
            score_scale: 1.0 / 256.0,
            first_query_only,
        };
        SelfAttention::new([projection(3), projection(5), projection(11)], params)
    }

    /// Runs attention on sequences of [`LENGTHS`].
    fn run(attention: &SelfAttention, out: ContextRows) {
        let ends: Vec<usize> = (1..=LENGTHS.len()).map(|count| LENGTHS[..count].iter().sum()).collect();
        let tokens = LENGTHS.iter().sum::<usize>();
        let a: Vec<u8> = (0..tokens * INPUTS).map(|i| (i * i * 31 + i * 7) as u8).collect();
        attention.run(&attention.kernel().encode(&a), &ends, out);
    }

    fn queries(attention: &SelfAttention) -> usize {
        if attention.first_query_only() { LENGTHS.len() } else { LENGTHS.iter().sum() }
    }

    fn context(attention: &SelfAttention) -> Vec<f32> {
        let mut out = vec![f32::NAN; queries(attention) * attention.features()];
        run(attention, ContextRows::Float(&mut out));
        out
    }

    fn encoded_context(attention: &SelfAttention, quantizer: &Quantizer) -> Vec<u8> {
        let mut out = vec![0; queries(attention) * quantizer.features() * attention.kernel().encoded_width()];
        run(attention, ContextRows::Encoded(quantizer, &mut out));
        out
    }

    #[test]
    fn every_kernel_has_the_scalar_kernel_s_context() {
        for (head_size, first_query_only) in [8, 13, 32].into_iter().flat_map(|size| [(size, false), (size, true)]) {
            let expected = context(&attention(Kernel::SCALAR, head_size, first_query_only));
            let largest = expected.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
            assert!(largest > 1.0, "{largest}");
            for kernel in Kernel::all() {
                let got = context(&attention(kernel, head_size, first_query_only));
                // A probability may be rounded to the next of 15 bits.
                let close = |(x, y): (&f32, &f32)| (x - y).abs() <= 1e-3 * largest;
                assert!(got.iter().zip(&expected).all(close), "{} with heads of {head_size}", kernel.name());
            }
        }
    }

    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    fn the_signed_dot_has_the_bits_of_the_scalar_kernel() {
        let signed =
            Kernel::new(crate::kernels::KernelKind::RelaxedDotSigned).expect("the stand-in is always available");
        for (head_size, first_query_only) in [8, 13, 32].into_iter().flat_map(|size| [(size, false), (size, true)]) {
            let [signed, scalar] =
                [signed, Kernel::SCALAR].map(|kernel| attention(kernel, head_size, first_query_only));
            let bits = |attention| context(attention).into_iter().map(f32::to_bits).collect::<Vec<_>>();
            assert_eq!(bits(&signed), bits(&scalar), "heads of {head_size}");
            let features = HEADS * head_size.next_multiple_of(GROUP);
            let quantizer = Quantizer::uniform(1.0 / 16.0, 117, features);
            let unsigned: Vec<u8> = encoded_context(&signed, &quantizer).iter().map(|byte| byte ^ 0x80).collect();
            assert_eq!(unsigned, encoded_context(&scalar, &quantizer), "heads of {head_size}");
        }
    }
}
