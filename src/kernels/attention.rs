//! Multi-head self-attention of sequences laid end to end, without padding: one product for queries, keys and values,
//! integer scores, float softmax, integer context.

use super::buffer::at_least;
use super::context::{quantize_values, quantize_weights};
use super::dispatch::Task;
use super::dot::{Dot, Sink};
use super::gemm::gemm;
use super::lanes::{LANES, Lanes};
use super::linear::{Linear, Put, PutQuantized};
use super::pack::{Block, GROUP, PANEL, Weights};
use super::prepared::Prepared;
use super::quantizer::{Quantize, Quantizer};
use super::saturation::Risks;
use super::sequences::{PutRows, ROWS, Sequence, sequences};
use super::softmax::softmax_numerators;
use super::weigh::{I16Pairs, weigh};

/// How attention splits and quantizes its parts. Queries and keys are quantized symmetrically.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionParams {
    /// Heads.
    pub heads: usize,
    /// Features of a head.
    pub head_size: usize,
    /// Quantizes the queries of a head, filled up to a multiple of 8.
    pub query: Quantizer,
    /// Quantizes the keys of a head, filled up to a multiple of 8.
    pub key: Quantizer,
    /// What an integer score is multiplied with: query scale · key scale / √d.
    pub score_scale: f32,
    /// Whether only the first token of every sequence asks.
    pub first_only: bool,
}

/// `softmax(q · kᵀ · score scale) · v` per sequence and head, with q, k and v from one linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfAttention {
    /// Columns: the queries of every head, the keys of every head, the values of every head, each head filled up to a
    /// multiple of 8.
    projection: Linear,
    params: AttentionParams,
}

/// Where the context goes.
#[derive(Debug)]
pub enum ContextRows<'a> {
    /// To FP32 rows.
    Float(&'a mut [f32]),
    /// Through a quantizer to rows in the stored form, heads filled up to a multiple of 8.
    Stored(&'a Quantizer, &'a mut [u8]),
}

/// Buffers that runs share; they grow to the largest run and stay.
#[derive(Debug, Default)]
pub struct AttentionScratch {
    first: Vec<u8>,
    queries: Vec<u8>,
    keys: Vec<Block>,
    values: Vec<[f32; LANES]>,
    value_pairs: Vec<[i32; LANES]>,
    value_steps: Vec<f32>,
    scores: Vec<[f32; LANES]>,
    weights: Vec<[i32; LANES / 2]>,
    key_offsets: Vec<[i32; LANES]>,
    ones: Vec<u8>,
    risks: Risks,
    asking_prepared: Prepared,
    prepared: Vec<Prepared>,
}

impl SelfAttention {
    /// From the layer that makes queries, keys and values, head after head, each filled up to a multiple of 8.
    ///
    /// # Panics
    /// If the layer's outputs are not three times the heads' features, or a quantizer is for other rows.
    pub fn new(projection: Linear, params: AttentionParams) -> Self {
        let AttentionParams { heads, head_size, ref query, ref key, .. } = params;
        let filled = head_size.next_multiple_of(GROUP);
        assert_eq!(projection.outputs(), 3 * heads * filled, "queries, keys and values of every head");
        assert!(query.features() == filled && key.features() == filled, "queries and keys of a head are quantized");
        SelfAttention { projection, params }
    }

    /// The layer that makes queries, keys and values.
    pub fn projection(&self) -> &Linear {
        &self.projection
    }

    /// Features of an FP32 row of the context.
    pub fn features(&self) -> usize {
        self.params.heads * self.params.head_size
    }

    /// Whether only the first token of every sequence asks.
    pub fn first_only(&self) -> bool {
        self.params.first_only
    }

    /// Runs on the rows of `a` (stored form), which hold the sequences that end before `ends`, and writes the context of
    /// every token that asks to `out`.
    ///
    /// # Panics
    /// If `ends` does not grow to the rows of `a`, or `out` has not one row of the context for every token that asks.
    pub fn run(&self, a: &[u8], ends: &[usize], scratch: &mut AttentionScratch, out: ContextRows) {
        let rows = a.len() / self.projection.input_bytes();
        assert!(ends.is_sorted() && ends.last() == Some(&rows), "sequences cover the rows");
        let asking = if self.params.first_only { ends.len() } else { rows };
        match &out {
            ContextRows::Float(out) => assert_eq!(out.len(), asking * self.features(), "a row for every query"),
            ContextRows::Stored(quantizer, out) => {
                let features = self.params.heads * self.params.head_size.next_multiple_of(GROUP);
                assert_eq!(quantizer.features(), features, "the context of every head is quantized");
                let bytes = features * self.projection.kernel().width();
                assert_eq!(out.len(), asking * bytes, "a row for every query");
            }
        }
        let sequences = sequences(ends, self.params.first_only);
        self.projection.kernel().run(Attend { attention: self, a, sequences, scratch, out });
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
        let (l, params, linear) = (dot.lanes(), &attention.params, &attention.projection);
        let groups = params.head_size.div_ceil(GROUP);
        let head_bytes = groups * GROUP * D::WIDTH;
        let asking = sequences.last().map_or(0, |s| s.queries.end);
        let all_panels = sequences.last().map_or(0, |s| s.panels.end);
        let longest = sequences.iter().map(|s| s.panels.len()).max().unwrap_or(0);

        let asking_rows = if params.first_only {
            let first = at_least(&mut scratch.first, asking * linear.input_bytes(), 0);
            for (sequence, row) in sequences.iter().zip(first.chunks_exact_mut(linear.input_bytes())) {
                row.copy_from_slice(&a[sequence.tokens.start * linear.input_bytes()..][..row.len()]);
            }
            &*first
        } else {
            a
        };
        let queries = at_least(&mut scratch.queries, asking * head_bytes, 0);
        let keys = at_least(&mut scratch.keys, all_panels * groups, Block::ZERO);
        let values = at_least(&mut scratch.values, longest * PANEL * groups, [0.0; LANES]);
        let value_pairs = at_least(&mut scratch.value_pairs, all_panels * PANEL / 2 * groups, [0; LANES]);
        let value_steps = at_least(&mut scratch.value_steps, sequences.len(), 0.0);
        let scores = at_least(&mut scratch.scores, ROWS * longest, [0.0; LANES]);
        let weights = at_least(&mut scratch.weights, ROWS * longest, [0; LANES / 2]);
        let key_offsets = at_least(&mut scratch.key_offsets, longest, [0; LANES]);
        let ones = at_least(&mut scratch.ones, head_bytes, 0);
        let risks = &mut scratch.risks;
        let prepared = at_least(&mut scratch.prepared, sequences.len(), Prepared::default());
        let rows_of = |sequence: &Sequence| {
            &a[sequence.tokens.start * linear.input_bytes()..sequence.tokens.end * linear.input_bytes()]
        };
        // Every head's products have the same rows.
        for (sequence, prepared) in sequences.iter().zip(&mut *prepared) {
            prepared.find(dot, rows_of(sequence), linear.input_bytes());
        }
        let asking_prepared = match &*prepared {
            // All rows of the one sequence ask.
            [only] if !params.first_only => only,
            _ => {
                scratch.asking_prepared.find(dot, asking_rows, linear.input_bytes());
                &scratch.asking_prepared
            }
        };

        for head in 0..params.heads {
            let part = |part: usize| {
                let first = (part * params.heads + head) * groups;
                first..first + groups
            };
            let mut put = PutQuantized { dot, quantizer: params.query.by_value(), groups, out: queries };
            linear.values_of(dot, (asking_rows, asking_prepared), part(0), &mut put);
            for ((sequence, prepared), value_step) in sequences.iter().zip(&*prepared).zip(&mut *value_steps) {
                let rows = (rows_of(sequence), prepared);
                let keys = &mut keys[sequence.keys(groups)];
                let mut put = PutKeys { l, quantizer: params.key.by_value(), groups, keys };
                linear.values_of(dot, rows, part(1), &mut put);
                let (k, values) = (sequence.places(), &mut values[..sequence.places() * groups]);
                for panel in values.chunks_exact_mut(k) {
                    panel[sequence.tokens.len()..].fill([0.0; LANES]);
                }
                linear.values_of(dot, rows, part(2), &mut PutValues { l, k, values });
                *value_step = quantize_values(l, values, &mut value_pairs[sequence.value_pairs(groups)]);
            }

            for (sequence, &value_step) in sequences.iter().zip(&*value_steps) {
                let (keys, values) = (&keys[sequence.keys(groups)], &value_pairs[sequence.value_pairs(groups)]);
                let panels = sequence.panels.len();
                sum_keys(dot, ones, groups, keys, key_offsets);
                if D::SATURATES {
                    risks.note(keys, groups);
                }
                for first in sequence.queries.clone().step_by(ROWS) {
                    let rows = first..sequence.queries.end.min(first + ROWS);
                    let scores = &mut scores[..rows.len() * panels];
                    let scale = l.splat(params.score_scale);
                    let mut sink = Scores { l, scale, offsets: key_offsets, panels, scores };
                    let queries = &queries[rows.start * head_bytes..rows.end * head_bytes];
                    let keys = Weights { blocks: keys, groups, panels: 0..panels, risks };
                    gemm(dot, queries, keys, &mut sink);
                    let weights = &mut weights[..rows.len() * panels];
                    let mut factors = [0.0; ROWS];
                    let each = scores.chunks_exact_mut(panels).zip(weights.chunks_exact_mut(panels));
                    for ((row, weights), factor) in each.zip(&mut factors) {
                        row.as_flattened_mut()[sequence.tokens.len()..].fill(f32::NEG_INFINITY);
                        let inverse_sum = softmax_numerators(l, row);
                        *factor = value_step * quantize_weights(l, row, inverse_sum, weights);
                    }
                    let (k, weights) = (sequence.places() / 2, weights.as_flattened());
                    match &mut out {
                        ContextRows::Stored(quantizer, out) => {
                            let stride = params.heads * head_bytes;
                            let first = rows.start * stride + head * head_bytes;
                            let (quantizer, before) = (quantizer.by_value(), head * groups);
                            let mut put = PutContext { dot, quantizer, factors, before, first, stride, out };
                            weigh::<_, I16Pairs>(l, k, weights, values, &mut put);
                        }
                        ContextRows::Float(out) => {
                            let (size, stride) = (params.head_size, params.heads * params.head_size);
                            let first = rows.start * stride + head * size;
                            let mut put = PutRows { l, factors, first, stride, size, out };
                            weigh::<_, I16Pairs>(l, k, weights, values, &mut put);
                        }
                    }
                }
            }
        }
    }
}

/// Quantizes keys, and writes them as the columns of a weight matrix.
struct PutKeys<'a, L> {
    l: L,
    quantizer: Quantize<'a>,
    groups: usize,
    keys: &'a mut [Block],
}

impl<L: Lanes> Put<L> for PutKeys<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: L::F32) {
        let bytes = self.l.to_bytes(self.quantizer.apply(self.l, group, y));
        let signed = (u64::from_ne_bytes(bytes) ^ 0x8080_8080_8080_8080).to_ne_bytes();
        let block = &mut self.keys[row / PANEL * self.groups + group];
        block.0[row % PANEL * GROUP..][..GROUP].copy_from_slice(&signed.map(|byte| byte as i8));
    }
}

/// Writes values as panels of columns, each `k` tokens long.
struct PutValues<'a, L> {
    l: L,
    k: usize,
    values: &'a mut [[f32; LANES]],
}

impl<L: Lanes> Put<L> for PutValues<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: L::F32) {
        self.l.store(y, &mut self.values[group * self.k + row]);
    }
}

struct Scores<'a, L: Lanes> {
    l: L,
    scale: L::F32,
    offsets: &'a [[i32; LANES]],
    panels: usize,
    scores: &'a mut [[f32; LANES]],
}

impl<L: Lanes> Sink<L> for Scores<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, panel: usize, sums: &[L::I32]) {
        let l = self.l;
        let offsets = l.load_i32(&self.offsets[panel]);
        for (sums, score) in sums.iter().zip(self.scores[row * self.panels + panel..].iter_mut().step_by(self.panels)) {
            l.store(l.mul(l.to_f32(l.sub_i32(*sums, offsets)), self.scale), score);
        }
    }
}

/// Writes what the queries' zero point adds to every key's scores: `(zero point − what the stored form takes off) · Σ key`.
#[inline(always)]
fn sum_keys<D: Dot>(dot: D, ones: &mut [u8], groups: usize, keys: &[Block], offsets: &mut [[i32; LANES]]) {
    struct Store<'a, L> {
        l: L,
        sums: &'a mut [[i32; LANES]],
    }
    impl<L: Lanes> Sink<L> for Store<'_, L> {
        #[inline(always)]
        fn put(&mut self, _row: usize, panel: usize, sums: &[L::I32]) {
            self.l.store_i32(sums[0], &mut self.sums[panel]);
        }
    }
    // What the stored form makes 1.
    for group in ones.chunks_exact_mut(GROUP * D::WIDTH) {
        dot.store(dot.lanes().splat_i32(1 + D::SHIFT), group);
    }
    let offsets = &mut offsets[..keys.len() / groups];
    let keys = Weights { blocks: keys, groups, panels: 0..offsets.len(), risks: &Risks::default() };
    gemm(dot, ones, keys, &mut Store { l: dot.lanes(), sums: offsets });
    for offset in offsets.as_flattened_mut() {
        *offset *= i32::from(Quantizer::SYMMETRIC) - D::SHIFT;
    }
}

/// Scales and quantizes the context of one head, and writes its stored form.
struct PutContext<'a, D> {
    dot: D,
    quantizer: Quantize<'a>,
    /// What the sums of every row are multiplied with.
    factors: [f32; ROWS],
    /// Groups of the heads before.
    before: usize,
    /// Where the head's part of the first row begins.
    first: usize,
    stride: usize,
    out: &'a mut [u8],
}

impl<D: Dot> Put<D::Lanes> for PutContext<'_, D> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: <D::Lanes as Lanes>::F32) {
        let l = self.dot.lanes();
        let y = l.mul(y, l.splat(self.factors[row]));
        let at = self.first + row * self.stride + group * GROUP * D::WIDTH;
        let quantized = self.quantizer.apply(l, self.before + group, y);
        self.dot.store(quantized, &mut self.out[at..at + GROUP * D::WIDTH]);
    }
}
