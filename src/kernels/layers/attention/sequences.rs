//! Where sequences laid end to end have their rows, and the FP32 context.

use crate::kernels::isa::{LANES, Lanes, PANEL};
use crate::kernels::layers::linear::Epilogue;
use crate::kernels::threads::SharedSlice;
use std::ops::Range;

/// Query rows to process at a time: their scores, probabilities and context are computed before those of the next rows.
pub(in crate::kernels) const QUERY_ROWS: usize = 24;

/// One of several sequences laid end to end.
pub(in crate::kernels) struct Sequence {
    /// Its rows among the tokens of all sequences.
    pub tokens: Range<usize>,
    /// Its rows among the queries of all sequences: one for each token, or one for the first token.
    pub queries: Range<usize>,
    /// Its panels among the panels of keys of all sequences. One column of a panel is one token.
    pub panels: Range<usize>,
}

impl Sequence {
    /// Returns the sequence's rows among the rows of all sequences, `bytes` bytes each.
    pub fn rows<'a>(&self, all: &'a [u8], bytes: usize) -> &'a [u8] {
        &all[self.tokens.start * bytes..self.tokens.end * bytes]
    }

    /// Returns the number of tokens, filled up to whole panels.
    pub fn padded_len(&self) -> usize {
        self.panels.len() * PANEL
    }

    /// Returns the sequence's blocks among the keys of all sequences, where a panel has `groups` blocks.
    pub fn key_blocks(&self, groups: usize) -> Range<usize> {
        self.panels.start * groups..self.panels.end * groups
    }

    /// Returns the sequence's entries among the values of all sequences: `groups` panels, each with one entry for every two tokens
    /// of [`Sequence::padded_len`].
    pub fn value_pairs(&self, groups: usize) -> Range<usize> {
        self.panels.start * PANEL / 2 * groups..self.panels.end * PANEL / 2 * groups
    }
}

/// Returns the sequences, where `ends[i]` is the end of sequence i among the tokens. With `first_query_only`, only the first token
/// of each sequence is a query.
pub(in crate::kernels) fn sequences(ends: &[usize], first_query_only: bool) -> Vec<Sequence> {
    let (mut token, mut query, mut panel) = (0, 0, 0);
    let sequences = ends.iter().map(|&end| {
        let queries = if first_query_only { 1 } else { end - token };
        let sequence = Sequence {
            tokens: token..end,
            queries: query..query + queries,
            panels: panel..panel + (end - token).div_ceil(PANEL),
        };
        (token, query, panel) = (end, sequence.queries.end, sequence.panels.end);
        sequence
    });
    sequences.collect()
}

/// Scales the context of one head and writes it to FP32 rows.
pub(in crate::kernels) struct WriteContext<'a, L> {
    /// The lanes.
    pub l: L,
    /// The factor of every row.
    pub factors: [f32; QUERY_ROWS],
    /// Where the head's part of the first row begins in `out`.
    pub first: usize,
    /// Features of a row of all heads.
    pub stride: usize,
    /// Features of the head.
    pub size: usize,
    /// FP32 rows of all heads. Nothing else uses the head's part of the rows.
    pub out: SharedSlice<'a, f32>,
}

impl<L: Lanes> Epilogue<L> for WriteContext<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: L::F32) {
        let y = self.l.mul(y, self.l.splat(self.factors[row]));
        let at = self.first + row * self.stride + group * LANES;
        // SAFETY: nothing else uses this head's part of the row.
        let out = unsafe { self.out.range(at..at + LANES.min(self.size - group * LANES)) };
        match <&mut [f32; LANES]>::try_from(&mut *out) {
            Ok(out) => self.l.store(y, out),
            Err(_) => out.copy_from_slice(&self.l.to_array(y)[..out.len()]),
        }
    }
}
