//! The pairs of weights whose products can saturate.

use crate::kernels::gemm::{MAX_K, PackedWeights};
use crate::kernels::isa::{Block, Dot, GROUP, Kernel, LANES, Lanes, Task};

/// Two weights of one column, at k = 2j and 2j + 1, the sum of whose products can leave i16.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::kernels) struct RiskyPair {
    /// The pair's number j. K is at most [`MAX_K`], so 16 bits are enough.
    pub(super) pair: u16,
    /// The column in the panel.
    pub(super) column: u8,
    /// The weights, copied because their block is not in the cache when they are needed.
    pub(super) weights: [i8; 2],
}

const _: () = assert!(MAX_K / 2 <= 1 << u16::BITS);

/// The risky pairs of packed panels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::kernels) struct RiskyPairs {
    /// For every panel, the end of its pairs in `all`.
    ends: Vec<u32>,
    /// The pairs of all panels, panel after panel.
    all: Vec<RiskyPair>,
}

impl RiskyPairs {
    /// Records the risky pairs of panels of `groups` blocks each. Replaces all earlier records.
    #[inline(always)]
    pub(in crate::kernels) fn record<L: Lanes>(&mut self, l: L, panels: &[Block], groups: usize) {
        self.ends.clear();
        self.all.clear();
        for panel in panels.chunks_exact(groups) {
            for (at, block) in panel.iter().enumerate() {
                let mut risky = risky_pair_mask(l, block);
                while risky != 0 {
                    let index = risky.trailing_zeros() as usize;
                    risky &= risky - 1;
                    let (column, pair) = (index / (GROUP / 2), index % (GROUP / 2));
                    let weights = block.0.as_chunks().0[index];
                    let pair = at * GROUP / 2 + pair;
                    self.all.push(RiskyPair { pair: pair as u16, column: column as u8, weights });
                }
            }
            self.ends.push(self.all.len() as u32);
        }
    }

    /// Returns the risky pairs of one panel, none if nothing was recorded.
    #[inline(always)]
    pub(in crate::kernels) fn of_panel(&self, panel: usize) -> &[RiskyPair] {
        let Some(&end) = self.ends.get(panel) else { return &[] };
        let before = panel.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[before as usize..end as usize]
    }
}

/// Returns a mask whose bit i is set if pair i of the block's weights is risky: 255 · (w₀ + w₁) can leave i16.
#[inline(always)]
fn risky_pair_mask<L: Lanes>(l: L, block: &Block) -> u32 {
    let parts = block.0.as_chunks().0.iter().enumerate();
    parts.map(|(part, weights)| l.pair_sums_beyond_128(weights) << (part * LANES)).fold(0, |all, part| all | part)
}

impl Kernel {
    /// Returns the pairs of `weights` with which this kernel's products can saturate.
    pub(in crate::kernels) fn risky_pairs(self, weights: &PackedWeights) -> RiskyPairs {
        self.run(FindRiskyPairs(weights))
    }
}

struct FindRiskyPairs<'a>(&'a PackedWeights);

impl Task for FindRiskyPairs<'_> {
    type Output = RiskyPairs;
    #[inline(always)]
    fn run<D: Dot>(self, dot: D) -> RiskyPairs {
        let mut risky_pairs = RiskyPairs::default();
        if D::SATURATES {
            risky_pairs.record(dot.lanes(), self.0.blocks(), self.0.groups());
        }
        risky_pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::{PANEL, Scalar};

    #[test]
    fn pairs_are_risky_if_their_products_can_leave_i16() {
        for (weights, risky) in [([64, 64], false), ([65, 64], true), ([-64, -64], false), ([-65, -64], true)] {
            let mut w = [0i8; GROUP * PANEL];
            (w[2 * PANEL + 5], w[3 * PANEL + 5]) = (weights[0], weights[1]);
            let mut risky_pairs = RiskyPairs::default();
            risky_pairs.record(Scalar, PackedWeights::new(&w, GROUP, PANEL).blocks(), 1);
            let expected = risky.then_some(RiskyPair { pair: 1, column: 5, weights });
            assert_eq!(risky_pairs.of_panel(0), expected.as_slice(), "{weights:?}");
        }
    }

    struct EveryPair;

    impl Task for EveryPair {
        type Output = ();
        fn run<D: Dot>(self, dot: D) {
            let mut block = Block::ZERO;
            for (w0, w1) in (i8::MIN..=i8::MAX).flat_map(|w0| (i8::MIN..=i8::MAX).map(move |w1| (w0, w1))) {
                let index = usize::from(w0.wrapping_mul(3).wrapping_add(w1) as u8) % (GROUP * PANEL / 2);
                block.0.as_chunks_mut().0[index] = [w0, w1];
                let expected = u32::from((i16::from(w0) + i16::from(w1)).abs() > 128) << index;
                assert_eq!(risky_pair_mask(dot.lanes(), &block), expected, "{w0} and {w1} at {index}");
                block.0.as_chunks_mut().0[index] = [0i8; 2];
            }
        }
    }

    #[test]
    fn every_risky_pair_is_found_at_every_index() {
        Kernel::all().for_each(|kernel| kernel.run(EveryPair));
    }
}
