//! Multi-head self-attention in FP32 over sequences laid end to end, without padding.

use super::sequences::{QUERY_ROWS, Sequence, WriteContext, sequences};
use crate::kernels::buffer::at_least;
use crate::kernels::isa::{Dot, Kernel, LANES, Lanes, Task};
use crate::kernels::layers::linear::Epilogue;
use crate::kernels::layers::panel_product::{F32Product, multiply_panels};
use crate::kernels::layers::softmax::softmax_numerators;
use crate::kernels::threads::{SharedSlice, for_each_range};
use std::cell::Cell;
use std::ops::Range;

/// `softmax(q · kᵀ · score_scale) · v` for every sequence and head. The FP32 rows of q, k and v hold head after head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloatAttention {
    /// The kernel that attention runs on.
    pub kernel: Kernel,
    /// Number of heads.
    pub heads: usize,
    /// Features of a head.
    pub head_size: usize,
    /// The factor of scores: 1 / √head_size.
    pub score_scale: f32,
    /// Whether `a · b + c` is rounded once where the instruction set can do so. This is faster, and the results then depend on the
    /// instruction set.
    pub fused: bool,
}

/// The buffers of a head. Kept for the next one.
#[derive(Debug, Default)]
struct HeadBuffers {
    queries: Vec<[f32; LANES]>,
    keys: Vec<[f32; LANES]>,
    values: Vec<[f32; LANES]>,
    scores: Vec<[f32; LANES]>,
}

thread_local! {
    static HEAD_BUFFERS: Cell<HeadBuffers> = Cell::default();
}

impl FloatAttention {
    /// Returns the number of features of a row.
    pub fn features(&self) -> usize {
        self.heads * self.head_size
    }

    /// Runs on rows of queries, keys and values of sequences laid end to end, where `ends[i]` is the end of sequence i among the
    /// keys. There is one query for each token, or one for the first token of each sequence. Writes the context of every query to
    /// `out`.
    ///
    /// # Panics
    /// If `ends` is not ascending up to the number of keys, or the numbers of queries, values or output rows do not fit.
    pub fn run(&self, [queries, keys, values]: [&[f32]; 3], ends: &[usize], out: &mut [f32]) {
        let (tokens, query_rows) = (keys.len() / self.features(), queries.len() / self.features());
        assert!(ends.is_sorted() && ends.last() == Some(&tokens), "sequences cover the rows");
        assert!(
            query_rows == tokens || query_rows == ends.len(),
            "queries for all tokens, or for the first of every sequence"
        );
        assert!(
            values.len() == keys.len() && out.len() == queries.len(),
            "a value for every key, a row for every query"
        );
        let sequences = &sequences(ends, query_rows == ends.len())[..];
        let out = SharedSlice::new(out);
        for_each_range(self.heads, 1, |heads| match self.fused {
            true => self.kernel.run(Attend::<true> { attention: self, queries, keys, values, sequences, heads, out }),
            false => self.kernel.run(Attend::<false> { attention: self, queries, keys, values, sequences, heads, out }),
        });
    }
}

struct Attend<'a, const FUSED: bool> {
    attention: &'a FloatAttention,
    queries: &'a [f32],
    keys: &'a [f32],
    values: &'a [f32],
    sequences: &'a [Sequence],
    heads: Range<usize>,
    out: SharedSlice<'a, f32>,
}

impl<const FUSED: bool> Task for Attend<'_, FUSED> {
    type Output = ();

    #[inline(always)]
    fn run<D: Dot>(self, dot: D) {
        let Attend { attention, sequences, out, .. } = self;
        let (l, size, features) = (dot.lanes(), attention.head_size, attention.features());
        let groups = size.div_ceil(LANES);
        // The head's features, filled up to whole vectors.
        let filled = groups * LANES;
        let longest = sequences.iter().map(|s| s.panels.len()).max().unwrap_or(0);
        let mut buffers = HEAD_BUFFERS.take();
        let queries = at_least(&mut buffers.queries, QUERY_ROWS * groups, [0.0; LANES]);
        let keys = at_least(&mut buffers.keys, longest * filled, [0.0; LANES]);
        let values = at_least(&mut buffers.values, longest * filled, [0.0; LANES]);
        let scores = at_least(&mut buffers.scores, QUERY_ROWS * longest, [0.0; LANES]);
        for head in self.heads {
            // The head's part of a row.
            let part = |row: usize| row * features + head * size..row * features + (head + 1) * size;
            for sequence in sequences {
                let (panels, padded_len) = (sequence.panels.len(), sequence.padded_len());
                let (keys, values) = (&mut keys[..panels * filled], &mut values[..panels * filled]);
                // Heads and panels are filled up with zeros, which add nothing.
                keys.fill([0.0; LANES]);
                values.fill([0.0; LANES]);
                for (at, token) in sequence.tokens.clone().enumerate() {
                    let panel = &mut keys[at / LANES * filled..][..size];
                    for (column, key) in panel.iter_mut().zip(&self.keys[part(token)]) {
                        column[at % LANES] = *key;
                    }
                    for (group, value) in self.values[part(token)].chunks(LANES).enumerate() {
                        values[group * padded_len + at][..value.len()].copy_from_slice(value);
                    }
                }
                for first in sequence.queries.clone().step_by(QUERY_ROWS) {
                    let rows = first..sequence.queries.end.min(first + QUERY_ROWS);
                    let queries = &mut queries[..rows.len() * groups];
                    queries.fill([0.0; LANES]);
                    for (query, row) in queries.chunks_exact_mut(groups).zip(rows.clone()) {
                        query.as_flattened_mut()[..size].copy_from_slice(&self.queries[part(row)]);
                    }
                    let scores = &mut scores[..rows.len() * panels];
                    let scale = l.splat(attention.score_scale);
                    multiply_panels::<_, F32Product<FUSED>>(
                        l,
                        filled,
                        queries.as_flattened(),
                        keys,
                        &mut WriteScores { l, scale, panels, scores },
                    );
                    let mut factors = [0.0; QUERY_ROWS];
                    for (row, inverse_sum) in scores.chunks_exact_mut(panels).zip(&mut factors) {
                        row.as_flattened_mut()[sequence.tokens.len()..].fill(f32::NEG_INFINITY);
                        *inverse_sum = softmax_numerators(l, row);
                    }
                    let first = rows.start * features + head * size;
                    let mut epilogue = WriteContext { l, factors, first, stride: features, size, out };
                    multiply_panels::<_, F32Product<FUSED>>(
                        l,
                        padded_len,
                        scores.as_flattened(),
                        values,
                        &mut epilogue,
                    );
                }
            }
        }
        HEAD_BUFFERS.set(buffers);
    }
}

/// Scales scores and writes them as FP32 rows, one for each query.
struct WriteScores<'a, L: Lanes> {
    l: L,
    scale: L::F32,
    panels: usize,
    scores: &'a mut [[f32; LANES]],
}

impl<L: Lanes> Epilogue<L> for WriteScores<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, panel: usize, y: L::F32) {
        self.l.store(self.l.mul(y, self.scale), &mut self.scores[row * self.panels + panel]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(seed: usize, len: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 37 + seed * 101) as f32 * 0.7).sin() * 2.0).collect()
    }

    /// Computes attention value by value in f64.
    fn plain(attention: &FloatAttention, [q, k, v]: [&[f32]; 3], sequences: &[Sequence]) -> Vec<f64> {
        let (size, features) = (attention.head_size, attention.features());
        let mut out = vec![0.0; q.len()];
        for (sequence, head) in sequences.iter().flat_map(|s| (0..attention.heads).map(move |head| (s, head))) {
            let at = |row: usize, j: usize| row * features + head * size + j;
            for query in sequence.queries.clone() {
                let product = |token: usize, j: usize| f64::from(q[at(query, j)]) * f64::from(k[at(token, j)]);
                let score = |token: usize| (0..size).map(|j| product(token, j)).sum::<f64>();
                let weight = |token: usize| f64::exp(score(token) * f64::from(attention.score_scale));
                let total: f64 = sequence.tokens.clone().map(weight).sum();
                for j in 0..size {
                    let weighted = sequence.tokens.clone().map(|token| weight(token) * f64::from(v[at(token, j)]));
                    out[at(query, j)] = weighted.sum::<f64>() / total;
                }
            }
        }
        out
    }

    #[test]
    fn equals_the_plain_loop_for_every_kernel_length_and_head_size() {
        for (kernel, (head_size, fused)) in Kernel::all().flat_map(|kernel| {
            [(1, true), (4, false), (8, true), (13, false), (32, true), (32, false)].map(|case| (kernel, case))
        }) {
            let attention =
                FloatAttention { kernel, heads: 3, head_size, score_scale: 1.0 / (head_size as f32).sqrt(), fused };
            // Shorter runs find what longer ones left in the buffers.
            for lengths in [&[40, 1, 17][..], &[1, 2, 3, 4, 5, 6, 7, 8, 9], &[16], &[33, 8]] {
                let ends: Vec<usize> = (1..=lengths.len()).map(|count| lengths[..count].iter().sum()).collect();
                let tokens = lengths.iter().sum::<usize>() * attention.features();
                let (keys, values) = (rows(1, tokens), rows(2, tokens));
                for first_query_only in [false, true] {
                    let sequences = sequences(&ends, first_query_only);
                    let queries = if first_query_only { ends.len() * attention.features() } else { tokens };
                    let parts = [&rows(3, queries)[..], &keys, &values];
                    let mut out = vec![f32::NAN; queries];
                    attention.run(parts, &ends, &mut out);
                    for (got, exact) in out.iter().zip(plain(&attention, parts, &sequences)) {
                        // Scores of at most 23 in f32, their exponentials, and a mean of values of at most 2.
                        assert!((f64::from(*got) - exact).abs() < 2e-5, "{head_size}: {got}, not {exact}");
                    }
                }
            }
        }
    }
}
