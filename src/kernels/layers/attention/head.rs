//! One head of attention.

use super::context::{quantize_values, quantize_weights};
use super::epilogues::{QuantizeContext, WriteKeys, WriteValues};
use super::scores::{Scores, sum_keys};
use super::sequences::{ROWS, Sequence, WriteContext};
use super::weigh::{I16Pairs, weigh};
use super::{ContextRows, SelfAttention};
use crate::kernels::buffer::at_least;
use crate::kernels::gemm::{Prepared, Risks, Weights, gemm};
use crate::kernels::isa::{Block, Dot, GROUP, LANES, Lanes, PANEL};
use crate::kernels::layers::linear::QuantizeRows;
use crate::kernels::layers::softmax::softmax_numerators;
use std::ops::Range;

/// Head `number` of the sequences.
pub(super) struct Head<'a, D> {
    pub dot: D,
    pub attention: &'a SelfAttention,
    pub sequences: &'a [Sequence],
    pub number: usize,
}

/// What [`Head::project`] leaves to [`Head::attend`], and what these need for themselves.
#[derive(Debug, Default)]
pub(super) struct HeadBuffers {
    queries: Vec<u8>,
    keys: Vec<Block>,
    values: Vec<[f32; LANES]>,
    value_pairs: Vec<[i32; LANES]>,
    /// What a step of every sequence's values stands for.
    value_steps: Vec<f32>,
    scores: Vec<[f32; LANES]>,
    weights: Vec<[i32; LANES / 2]>,
    key_offsets: Vec<[i32; LANES]>,
    ones: Vec<u8>,
    risks: Risks,
}

impl<D: Dot> Head<'_, D> {
    /// Groups of the head's features.
    fn groups(&self) -> usize {
        self.attention.params.head_size.div_ceil(GROUP)
    }

    /// Panels of the most that a sequence has.
    fn longest(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.panels.len()).max().unwrap_or(0)
    }

    /// The head's panels among those of all heads.
    fn panels(&self) -> Range<usize> {
        let first = self.number * self.groups();
        first..first + self.groups()
    }

    /// Queries of the rows that ask, keys and values of the rows of every sequence, each quantized.
    #[inline(always)]
    pub fn project<'a>(
        &self,
        asking: (&[u8], &Prepared),
        tokens: impl Iterator<Item = (&'a [u8], &'a Prepared)>,
        buffers: &mut HeadBuffers,
    ) {
        let Head { dot, attention, sequences, .. } = *self;
        let (l, params, groups) = (dot.lanes(), &attention.params, self.groups());
        let [query, key, value] = &attention.projections;
        let queries = sequences.last().map_or(0, |sequence| sequence.queries.end) * groups * GROUP * D::WIDTH;
        let panels = sequences.last().map_or(0, |sequence| sequence.panels.end);
        let queries = at_least(&mut buffers.queries, queries, 0);
        let keys = at_least(&mut buffers.keys, panels * groups, Block::ZERO);
        let values = at_least(&mut buffers.values, self.longest() * PANEL * groups, [0.0; LANES]);
        let value_pairs = at_least(&mut buffers.value_pairs, panels * PANEL / 2 * groups, [0; LANES]);
        let value_steps = at_least(&mut buffers.value_steps, sequences.len(), 0.0);

        let mut put = QuantizeRows { dot, quantizer: params.query.by_value(), groups, out: queries };
        query.values_of(dot, asking, self.panels(), &mut put);
        for ((sequence, rows), value_step) in sequences.iter().zip(tokens).zip(value_steps) {
            let keys = &mut keys[sequence.keys(groups)];
            let mut put = WriteKeys { l, quantizer: params.key.by_value(), groups, keys };
            key.values_of(dot, rows, self.panels(), &mut put);
            let (k, values) = (sequence.places(), &mut values[..sequence.places() * groups]);
            for panel in values.chunks_exact_mut(k) {
                panel[sequence.tokens.len()..].fill([0.0; LANES]);
            }
            value.values_of(dot, rows, self.panels(), &mut WriteValues { l, k, values });
            *value_step = quantize_values(l, values, &mut value_pairs[sequence.value_pairs(groups)]);
        }
    }

    /// The context of every query, [`ROWS`] at a time.
    #[inline(always)]
    pub fn attend(&self, buffers: &mut HeadBuffers, out: &mut ContextRows) {
        let Head { dot, attention, sequences, .. } = *self;
        let (l, params, groups) = (dot.lanes(), &attention.params, self.groups());
        let head_bytes = groups * GROUP * D::WIDTH;
        let scores = at_least(&mut buffers.scores, ROWS * self.longest(), [0.0; LANES]);
        let weights = at_least(&mut buffers.weights, ROWS * self.longest(), [0; LANES / 2]);
        let key_offsets = at_least(&mut buffers.key_offsets, self.longest(), [0; LANES]);
        let ones = at_least(&mut buffers.ones, head_bytes, 0);
        let risks = &mut buffers.risks;

        for (sequence, &value_step) in sequences.iter().zip(&buffers.value_steps) {
            let keys = &buffers.keys[sequence.keys(groups)];
            let values = &buffers.value_pairs[sequence.value_pairs(groups)];
            let panels = sequence.panels.len();
            sum_keys(dot, ones, groups, keys, key_offsets);
            if D::SATURATES {
                risks.note(l, keys, groups);
            }
            for first in sequence.queries.clone().step_by(ROWS) {
                let rows = first..sequence.queries.end.min(first + ROWS);
                let scores = &mut scores[..rows.len() * panels];
                let scale = l.splat(params.score_scale);
                let mut sink = Scores { l, scale, offsets: key_offsets, panels, scores };
                let queries = &buffers.queries[rows.start * head_bytes..rows.end * head_bytes];
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
                match out {
                    ContextRows::Encoded(quantizer, out) => {
                        let stride = params.heads * head_bytes;
                        let first = rows.start * stride + self.number * head_bytes;
                        let (quantizer, before) = (quantizer.by_value(), self.number * groups);
                        let mut put = QuantizeContext { dot, quantizer, factors, before, first, stride, out };
                        weigh::<_, I16Pairs>(l, k, weights, values, &mut put);
                    }
                    ContextRows::Float(out) => {
                        let (size, stride) = (params.head_size, params.heads * params.head_size);
                        let first = rows.start * stride + self.number * size;
                        let mut put = WriteContext { l, factors, first, stride, size, out };
                        weigh::<_, I16Pairs>(l, k, weights, values, &mut put);
                    }
                }
            }
        }
    }
}
