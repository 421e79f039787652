//! Products that multiply K in chunks.

use crate::kernels::buffer::at_least;
use crate::kernels::isa::{Lanes, PANEL};
use std::ops::Range;

/// K in chunks, and the sums of the chunks so far: those of every row with the current panel.
#[derive(Debug)]
pub(in crate::kernels) struct KChunks<'a> {
    /// Number of chunks.
    pub count: usize,
    /// Groups of k in every chunk. The last chunk may have fewer.
    pub groups: usize,
    sums: &'a mut [[i32; PANEL]],
}

impl<'a> KChunks<'a> {
    /// Splits `groups` of k into as few chunks as possible of at most `max_groups`, for products of `rows` rows.
    #[inline(always)]
    pub fn new(groups: usize, max_groups: usize, rows: usize, space: &'a mut Vec<[i32; PANEL]>) -> Self {
        let chunk_groups = groups.div_ceil(groups.div_ceil(max_groups));
        let count = groups.div_ceil(chunk_groups);
        let sums = at_least(space, if count > 1 { rows } else { 0 }, [0; PANEL]);
        KChunks { count, groups: chunk_groups, sums }
    }

    /// Accumulates the earlier chunks into `sums`, the sums of `rows` with chunk number `chunk`. Returns true once the sums are
    /// complete.
    #[inline(always)]
    pub fn add<L: Lanes>(&mut self, l: L, chunk: usize, rows: Range<usize>, sums: &mut [L::I32]) -> bool {
        if chunk > 0 {
            for (sums, before) in sums.iter_mut().zip(&self.sums[rows.clone()]) {
                *sums = l.add_i32(*sums, l.load_i32(before));
            }
        }
        let complete = chunk + 1 == self.count;
        if !complete {
            for (sums, kept) in sums.iter().zip(&mut self.sums[rows]) {
                l.store_i32(*sums, kept);
            }
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_few_and_cover_all_groups() {
        for (groups, max_groups) in
            (1..60).flat_map(|groups| [1, 2, 7, 20, usize::MAX].map(|max_groups| (groups, max_groups)))
        {
            let space = &mut Vec::new();
            let chunks = KChunks::new(groups, max_groups, 1, space);
            let KChunks { count, groups: depth, .. } = chunks;
            assert_eq!(count, groups.div_ceil(max_groups), "as few as {max_groups} of {groups} groups allow");
            assert_eq!(count, (0..groups).step_by(depth).len(), "chunks of {depth} of {groups} groups");
            assert!(depth <= max_groups);
        }
    }
}
