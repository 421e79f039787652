//! Multi-head self-attention of sequences laid end to end, without padding: queries, keys and values of the same rows,
//! integer scores, float softmax, integer context.

mod context;
mod epilogues;
mod float;
mod head;
mod panel_product;
mod scores;
mod sequences;

pub use float::{FloatAttention, FloatAttentionScratch};

use crate::kernels::buffer::at_least;
use crate::kernels::gemm::{MAX_K, PreparedRows};
use crate::kernels::isa::{Dot, GROUP, Kernel, Task};
use crate::kernels::layers::linear::Linear;
use crate::kernels::layers::quantizer::Quantizer;
use head::{AttentionHead, HeadBuffers};
use sequences::{Sequence, sequences};

/// How attention splits and quantizes its parts. Queries and keys are quantized symmetrically.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionParams {
    /// Heads.
    pub heads: usize,
    /// Features of a head.
    pub head_size: usize,
    /// Quantizes the queries of a head, filled up to a multiple of 8.
    pub query: Quantizer,
    /// Quantizes the keys of a head, filled up to a multiple of 8, as weights. A key beyond its range so ends a step earlier than by
    /// QuantizeLinear.
    pub key: Quantizer,
    /// What an integer score is multiplied with: query scale · key scale / √d.
    pub score_scale: f32,
    /// Whether only the first token of every sequence asks.
    pub first_query_only: bool,
}

/// `softmax(q · kᵀ · score scale) · v` per sequence and head, with q, k and v from linear layers over the same rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfAttention {
    /// For queries, keys and values. Columns: head after head, each filled up to a multiple of 8.
    projections: [Linear; 3],
    params: AttentionParams,
}

/// Where the context goes.
#[derive(Debug)]
pub enum ContextRows<'a> {
    /// To FP32 rows.
    Float(&'a mut [f32]),
    /// Through a quantizer to rows in the encoded form, heads filled up to a multiple of 8.
    Encoded(&'a Quantizer, &'a mut [u8]),
}

/// Buffers that runs share; they grow to the largest run and stay.
#[derive(Debug, Default)]
pub struct AttentionScratch {
    /// Rows of the first tokens.
    first: Vec<u8>,
    /// Of all rows that ask.
    asking: PreparedRows,
    /// Of every sequence's rows.
    tokens: Vec<PreparedRows>,
    head: HeadBuffers,
}

impl SelfAttention {
    /// From the layers that make queries, keys and values, head after head, each filled up to a multiple of 8.
    ///
    /// # Panics
    /// If a layer's outputs are not the heads' features, the layers differ in inputs or kernel, a quantizer is for other rows, or
    /// a head has more than [`MAX_K`] features.
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

    /// Bytes of a row of activations in the encoded form.
    pub fn input_bytes(&self) -> usize {
        self.projections[0].input_bytes()
    }

    /// The kernel it was made for.
    pub fn kernel(&self) -> Kernel {
        self.projections[0].kernel()
    }

    /// Features of an FP32 row of the context.
    pub fn features(&self) -> usize {
        self.params.heads * self.params.head_size
    }

    /// Whether only the first token of every sequence asks.
    pub fn first_query_only(&self) -> bool {
        self.params.first_query_only
    }

    /// Runs on the rows of `a` (encoded form), which hold the sequences that end before `ends`, and writes the context of
    /// every token that asks to `out`.
    ///
    /// # Panics
    /// If `ends` does not grow to the rows of `a`, or `out` has not one row of the context for every token that asks.
    pub fn run(&self, a: &[u8], ends: &[usize], scratch: &mut AttentionScratch, out: ContextRows) {
        let rows = a.len() / self.input_bytes();
        assert!(ends.is_sorted() && ends.last() == Some(&rows), "sequences cover the rows");
        let asking = if self.params.first_query_only { ends.len() } else { rows };
        match &out {
            ContextRows::Float(out) => assert_eq!(out.len(), asking * self.features(), "a row for every query"),
            ContextRows::Encoded(quantizer, out) => {
                let features = self.params.heads * self.params.head_size.next_multiple_of(GROUP);
                assert_eq!(quantizer.features(), features, "the context of every head is quantized");
                let bytes = features * self.kernel().encoded_width();
                assert_eq!(out.len(), asking * bytes, "a row for every query");
            }
        }
        let sequences = sequences(ends, self.params.first_query_only);
        self.kernel().run(Attend { attention: self, a, sequences, scratch, out });
    }
}

struct Attend<'a> {
    attention: &'a SelfAttention,
    a: &'a [u8],
    sequences: Vec<Sequence>,
    scratch: &'a mut AttentionScratch,
    out: ContextRows<'a>,
}

impl Task for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let Attend { attention, a, sequences, scratch, mut out } = self;
        let AttentionScratch { first, asking, tokens, head: buffers } = scratch;
        let bytes = attention.input_bytes();
        let rows_of = |sequence: &Sequence| &a[sequence.tokens.start * bytes..sequence.tokens.end * bytes];
        // Every head's products have the same rows.
        let tokens = at_least(tokens, sequences.len(), PreparedRows::default());
        for (sequence, prepared) in sequences.iter().zip(&mut *tokens) {
            prepared.prepare(dot, rows_of(sequence), bytes);
        }
        let asking = match &*tokens {
            // All rows of the one sequence ask.
            [only] if !attention.first_query_only() => (a, only),
            _ => {
                let rows = match attention.first_query_only() {
                    true => first_rows(&sequences, a, bytes, first),
                    false => a,
                };
                asking.prepare(dot, rows, bytes);
                (rows, &*asking)
            }
        };
        for number in 0..attention.params.heads {
            let head = AttentionHead { dot, attention, sequences: &sequences, number };
            head.project(asking, sequences.iter().map(rows_of).zip(&*tokens), buffers);
            head.attend(buffers, &mut out);
        }
    }
}

/// The first of every sequence's rows of `bytes` bytes.
fn first_rows<'a>(sequences: &[Sequence], a: &[u8], bytes: usize, first: &'a mut Vec<u8>) -> &'a [u8] {
    let first = at_least(first, sequences.len() * bytes, 0);
    for (sequence, row) in sequences.iter().zip(first.chunks_exact_mut(bytes)) {
        row.copy_from_slice(&a[sequence.tokens.start * bytes..][..bytes]);
    }
    first
}
