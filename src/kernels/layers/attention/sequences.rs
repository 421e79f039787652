//! What the kinds of attention share: where sequences laid end to end have their rows, and FP32 context.

use crate::kernels::isa::{LANES, Lanes, PANEL};
use crate::kernels::layers::linear::Epilogue;
use std::ops::Range;

/// Query rows whose scores are computed, normalised and used before the next ones.
pub(in crate::kernels) const ROWS: usize = 24;

/// One sequence: its tokens, the tokens that ask among all that ask, and its panels among the packed keys.
pub(in crate::kernels) struct Sequence {
    pub tokens: Range<usize>,
    pub queries: Range<usize>,
    pub panels: Range<usize>,
}

impl Sequence {
    /// Its tokens, filled up to whole panels.
    pub fn places(&self) -> usize {
        self.panels.len() * PANEL
    }

    /// Where its keys lie among the keys of all, a panel having `groups` blocks.
    pub fn keys(&self, groups: usize) -> Range<usize> {
        self.panels.start * groups..self.panels.end * groups
    }

    /// Where its values, two tokens side by side, lie among the values of all: `groups` panels of half of
    /// [`Sequence::places`].
    pub fn value_pairs(&self, groups: usize) -> Range<usize> {
        self.panels.start * PANEL / 2 * groups..self.panels.end * PANEL / 2 * groups
    }
}

/// The sequences that end before the tokens `ends`; with `first_only` the first token of each asks alone.
pub(in crate::kernels) fn sequences(ends: &[usize], first_only: bool) -> Vec<Sequence> {
    let (mut token, mut query, mut panel) = (0, 0, 0);
    let sequences = ends.iter().map(|&end| {
        let asking = if first_only { 1 } else { end - token };
        let sequence = Sequence {
            tokens: token..end,
            queries: query..query + asking,
            panels: panel..panel + (end - token).div_ceil(PANEL),
        };
        (token, query, panel) = (end, sequence.queries.end, sequence.panels.end);
        sequence
    });
    sequences.collect()
}

/// Scales and writes the FP32 context of one head.
pub(in crate::kernels) struct WriteContext<'a, L> {
    pub l: L,
    /// What the sums of every row are multiplied with.
    pub factors: [f32; ROWS],
    /// Where the head's part of the first row begins.
    pub first: usize,
    pub stride: usize,
    /// Features of the head.
    pub size: usize,
    pub out: &'a mut [f32],
}

impl<L: Lanes> Epilogue<L> for WriteContext<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: L::F32) {
        let y = self.l.mul(y, self.l.splat(self.factors[row]));
        let at = self.first + row * self.stride + group * LANES;
        let out = &mut self.out[at..at + LANES.min(self.size - group * LANES)];
        match <&mut [f32; LANES]>::try_from(&mut *out) {
            Ok(out) => self.l.store(y, out),
            Err(_) => out.copy_from_slice(&self.l.to_array(y)[..out.len()]),
        }
    }
}
