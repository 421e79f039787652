//! Products whose k is multiplied part by part.

use crate::kernels::buffer::at_least;
use crate::kernels::isa::{Lanes, PANEL};
use std::ops::Range;

/// The sums of the parts of k so far, of every row with the panel at hand.
#[derive(Debug)]
pub(in crate::kernels) struct Partial<'a> {
    /// Parts of k.
    pub parts: usize,
    /// Groups of k in each part but the last, which may have fewer.
    pub depth: usize,
    sums: &'a mut [[i32; PANEL]],
}

impl<'a> Partial<'a> {
    /// Splits `groups` of k for products of `rows` rows into as few parts as possible of at most `max_groups`.
    #[inline(always)]
    pub fn new(groups: usize, max_groups: usize, rows: usize, space: &'a mut Vec<[i32; PANEL]>) -> Self {
        let depth = groups.div_ceil(groups.div_ceil(max_groups));
        let parts = groups.div_ceil(depth);
        Partial { parts, depth, sums: at_least(space, if parts > 1 { rows } else { 0 }, [0; PANEL]) }
    }

    /// Adds to the sums that `part` gave `rows` those of the parts before it; whether they are the products now, or kept here
    /// until the next part.
    #[inline(always)]
    pub fn add<L: Lanes>(&mut self, l: L, part: usize, rows: Range<usize>, sums: &mut [L::I32]) -> bool {
        if part > 0 {
            for (sums, before) in sums.iter_mut().zip(&self.sums[rows.clone()]) {
                *sums = l.add_i32(*sums, l.load_i32(before));
            }
        }
        let whole = part + 1 == self.parts;
        if !whole {
            for (sums, kept) in sums.iter().zip(&mut self.sums[rows]) {
                l.store_i32(*sums, kept);
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_few_and_hold_all_groups() {
        for (groups, most) in (1..60).flat_map(|groups| [1, 2, 7, 20, usize::MAX].map(|most| (groups, most))) {
            let space = &mut Vec::new();
            let partial = Partial::new(groups, most, 1, space);
            let Partial { parts, depth, .. } = partial;
            assert_eq!(parts, groups.div_ceil(most), "as few as {most} of {groups} groups allow");
            assert_eq!(parts, (0..groups).step_by(depth).len(), "parts of {depth} of {groups} groups");
            assert!(depth <= most);
        }
    }
}
