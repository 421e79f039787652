//! One head of attention.

use super::context::{quantize_probabilities, quantize_values};
use super::epilogues::{QuantizeContext, WriteKeys, WriteValues};
use super::scores::{WriteIntegerScores, write_key_offsets};
use super::sequences::{QUERY_ROWS, Sequence, WriteContext};
use super::{SelfAttention, SharedContext};
use crate::kernels::buffer::at_least;
use crate::kernels::gemm::{PreparedRows, RiskyPairs, Weights, gemm};
use crate::kernels::isa::{Block, Dot, GROUP, LANES, Lanes, PANEL};
use crate::kernels::layers::linear::QuantizeRows;
use crate::kernels::layers::panel_product::{I16PairProduct, multiply_panels};
use crate::kernels::layers::softmax::softmax_numerators;
use crate::kernels::threads::SharedSlice;
use std::ops::Range;

/// One head over all sequences.
pub(super) struct AttentionHead<'a, D> {
    pub dot: D,
    pub attention: &'a SelfAttention,
    pub sequences: &'a [Sequence],
    /// The number of the head.
    pub number: usize,
}

/// The buffers of a head. [`AttentionHead::project`] fills `queries`, `keys`, `value_pairs` and `value_scales`, which
/// [`AttentionHead::attend`] reads. The others are temporary.
#[derive(Debug, Default)]
pub(super) struct HeadBuffers {
    /// Encoded queries of all sequences.
    queries: Vec<u8>,
    /// Packed keys of all sequences.
    keys: Vec<Block>,
    /// Values of all sequences, quantized, two tokens in a pair.
    value_pairs: Vec<[i32; LANES]>,
    /// The scale of every sequence's values.
    value_scales: Vec<f32>,
    /// FP32 values of one sequence.
    values: Vec<[f32; LANES]>,
    /// Scores, then softmax numerators, of [`QUERY_ROWS`] queries.
    scores: Vec<[f32; LANES]>,
    /// Quantized probabilities of [`QUERY_ROWS`] queries, two tokens in a pair.
    probabilities: Vec<[i32; LANES / 2]>,
    /// See [`write_key_offsets`].
    key_offsets: Vec<[i32; LANES]>,
    /// An encoded row of ones.
    ones: Vec<u8>,
    /// The risky pairs of one sequence's keys.
    risky_pairs: RiskyPairs,
}

impl<D: Dot> AttentionHead<'_, D> {
    /// Returns the number of groups of the head's features.
    fn groups(&self) -> usize {
        self.attention.params.head_size.div_ceil(GROUP)
    }

    /// Returns the number of panels of the longest sequence.
    fn longest(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.panels.len()).max().unwrap_or(0)
    }

    /// Returns the head's panels among the panels of a projection.
    fn panels(&self) -> Range<usize> {
        let first = self.number * self.groups();
        first..first + self.groups()
    }

    /// Computes and quantizes queries from `query_rows`, and keys and values from `token_rows`, the rows of every sequence.
    #[inline(always)]
    pub fn project<'a>(
        &self,
        query_rows: (&[u8], &PreparedRows),
        token_rows: impl Iterator<Item = (&'a [u8], &'a PreparedRows)>,
        buffers: &mut HeadBuffers,
    ) {
        let AttentionHead { dot, attention, sequences, .. } = *self;
        let (l, params, groups) = (dot.lanes(), &attention.params, self.groups());
        let [query, key, value] = &attention.projections;
        let queries = sequences.last().map_or(0, |sequence| sequence.queries.end) * groups * GROUP * D::WIDTH;
        let panels = sequences.last().map_or(0, |sequence| sequence.panels.end);
        let queries = at_least(&mut buffers.queries, queries, 0);
        let keys = at_least(&mut buffers.keys, panels * groups, Block::ZERO);
        let values = at_least(&mut buffers.values, self.longest() * PANEL * groups, [0.0; LANES]);
        let value_pairs = at_least(&mut buffers.value_pairs, panels * PANEL / 2 * groups, [0; LANES]);
        let value_scales = at_least(&mut buffers.value_scales, sequences.len(), 0.0);

        let out = SharedSlice::new(queries);
        let mut epilogue = QuantizeRows { dot, quantizer: params.query.view(), first: 0, groups, out };
        query.multiply(dot, query_rows, self.panels(), &mut epilogue);
        for ((sequence, rows), value_scale) in sequences.iter().zip(token_rows).zip(value_scales) {
            let keys = &mut keys[sequence.key_blocks(groups)];
            let mut epilogue = WriteKeys { l, quantizer: params.key.view(), groups, keys };
            key.multiply(dot, rows, self.panels(), &mut epilogue);
            let (k, values) = (sequence.padded_len(), &mut values[..sequence.padded_len() * groups]);
            for panel in values.chunks_exact_mut(k) {
                panel[sequence.tokens.len()..].fill([0.0; LANES]);
            }
            value.multiply(dot, rows, self.panels(), &mut WriteValues { l, k, values });
            *value_scale = quantize_values(l, values, &mut value_pairs[sequence.value_pairs(groups)]);
        }
    }

    /// Computes the context of every query, [`QUERY_ROWS`] at a time, and writes it to `out`.
    #[inline(always)]
    pub fn attend(&self, buffers: &mut HeadBuffers, out: SharedContext) {
        let AttentionHead { dot, attention, sequences, .. } = *self;
        let (l, params, groups) = (dot.lanes(), &attention.params, self.groups());
        let head_bytes = groups * GROUP * D::WIDTH;
        let scores = at_least(&mut buffers.scores, QUERY_ROWS * self.longest(), [0.0; LANES]);
        let probabilities = at_least(&mut buffers.probabilities, QUERY_ROWS * self.longest(), [0; LANES / 2]);
        let key_offsets = at_least(&mut buffers.key_offsets, self.longest(), [0; LANES]);
        let ones = at_least(&mut buffers.ones, head_bytes, 0);
        let risky_pairs = &mut buffers.risky_pairs;

        for (sequence, &value_scale) in sequences.iter().zip(&buffers.value_scales) {
            let keys = &buffers.keys[sequence.key_blocks(groups)];
            let values = &buffers.value_pairs[sequence.value_pairs(groups)];
            let panels = sequence.panels.len();
            write_key_offsets(dot, ones, groups, keys, key_offsets);
            if D::SATURATES {
                risky_pairs.record(l, keys, groups);
            }
            for first in sequence.queries.clone().step_by(QUERY_ROWS) {
                let rows = first..sequence.queries.end.min(first + QUERY_ROWS);
                let scores = &mut scores[..rows.len() * panels];
                let scale = l.splat(params.score_scale);
                let mut sink = WriteIntegerScores { l, scale, offsets: key_offsets, panels, scores };
                let queries = &buffers.queries[rows.start * head_bytes..rows.end * head_bytes];
                let keys = Weights { blocks: keys, groups, panels: 0..panels, risky_pairs };
                gemm(dot, queries, keys, &mut sink);
                let probabilities = &mut probabilities[..rows.len() * panels];
                let mut factors = [0.0; QUERY_ROWS];
                let each = scores.chunks_exact_mut(panels).zip(probabilities.chunks_exact_mut(panels));
                for ((row, probabilities), factor) in each.zip(&mut factors) {
                    row.as_flattened_mut()[sequence.tokens.len()..].fill(f32::NEG_INFINITY);
                    let inverse_sum = softmax_numerators(l, row);
                    *factor = value_scale * quantize_probabilities(l, row, inverse_sum, probabilities);
                }
                let (k, probabilities) = (sequence.padded_len() / 2, probabilities.as_flattened());
                match out {
                    SharedContext::Encoded(quantizer, out) => {
                        let stride = params.heads * head_bytes;
                        let first = rows.start * stride + self.number * head_bytes;
                        let (quantizer, before) = (quantizer.view(), self.number * groups);
                        let mut epilogue = QuantizeContext { dot, quantizer, factors, before, first, stride, out };
                        multiply_panels::<_, I16PairProduct>(l, k, probabilities, values, &mut epilogue);
                    }
                    SharedContext::Float(out) => {
                        let (size, stride) = (params.head_size, params.heads * params.head_size);
                        let first = rows.start * stride + self.number * size;
                        let mut epilogue = WriteContext { l, factors, first, stride, size, out };
                        multiply_panels::<_, I16PairProduct>(l, k, probabilities, values, &mut epilogue);
                    }
                }
            }
        }
    }
}
