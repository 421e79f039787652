//! Where weights are such that sums of two products can saturate.

use crate::kernels::gemm::PackedWeights;
use crate::kernels::isa::{Block, Dot, GROUP, Kernel, LANES, Lanes, Task};

/// A pair of weights whose products can leave i16.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::kernels) struct Risk {
    /// Half the first weight's k.
    pub(super) pair: u16,
    pub(super) column: u8,
    /// The weights: where they come from is not in the cache when they are asked for.
    pub(super) weights: [i8; 2],
}

/// The risks of packed panels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::kernels) struct Risks {
    /// Where those of each panel end.
    ends: Vec<u32>,
    all: Vec<Risk>,
}

impl Risks {
    /// Notes the risks of panels of `groups` blocks each, and forgets those of others.
    #[inline(always)]
    pub(in crate::kernels) fn note<L: Lanes>(&mut self, l: L, panels: &[Block], groups: usize) {
        self.ends.clear();
        self.all.clear();
        for panel in panels.chunks_exact(groups) {
            for (at, block) in panel.iter().enumerate() {
                let mut risky = risky_pairs(l, block);
                while risky != 0 {
                    let place = risky.trailing_zeros() as usize;
                    risky &= risky - 1;
                    let (column, pair) = (place / (GROUP / 2), place % (GROUP / 2));
                    let weights = block.0.as_chunks().0[place];
                    let pair = at * GROUP / 2 + pair;
                    self.all.push(Risk { pair: pair as u16, column: column as u8, weights });
                }
            }
            self.ends.push(self.all.len() as u32);
        }
    }

    /// Those of one panel; none where nothing was noted.
    #[inline(always)]
    pub(in crate::kernels) fn of(&self, panel: usize) -> &[Risk] {
        let Some(&end) = self.ends.get(panel) else { return &[] };
        let before = panel.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[before as usize..end as usize]
    }
}

/// A bit, from the lowest on, for every pair of a block's weights, in their order, that can leave i16: 255 · (w₀ + w₁) may.
#[inline(always)]
fn risky_pairs<L: Lanes>(l: L, block: &Block) -> u32 {
    let parts = block.0.as_chunks().0.iter().enumerate();
    parts.map(|(part, weights)| l.far_pairs(weights) << (part * LANES)).fold(0, |all, part| all | part)
}

impl Kernel {
    /// The pairs of `weights` with which this kernel's products can saturate.
    pub(in crate::kernels) fn risks(self, weights: &PackedWeights) -> Risks {
        self.run(FindRisks(weights))
    }
}

struct FindRisks<'a>(&'a PackedWeights);

impl Task for FindRisks<'_> {
    type Output = Risks;
    #[inline(always)]
    fn run<D: Dot>(self, dot: D) -> Risks {
        let mut risks = Risks::default();
        if D::SATURATES {
            risks.note(dot.lanes(), self.0.blocks(), self.0.groups());
        }
        risks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::{PANEL, Scalar};

    #[test]
    fn risks_begin_where_pairs_can_leave_i16() {
        for (weights, risky) in [([64, 64], false), ([65, 64], true), ([-64, -64], false), ([-65, -64], true)] {
            let mut w = [0i8; GROUP * PANEL];
            (w[2 * PANEL + 5], w[3 * PANEL + 5]) = (weights[0], weights[1]);
            let mut risks = Risks::default();
            risks.note(Scalar, PackedWeights::new(&w, GROUP, PANEL).blocks(), 1);
            let expected = risky.then_some(Risk { pair: 1, column: 5, weights });
            assert_eq!(risks.of(0), expected.as_slice(), "{weights:?}");
        }
    }

    struct EveryPair;

    impl Task for EveryPair {
        type Output = ();
        fn run<D: Dot>(self, dot: D) {
            let mut block = Block::ZERO;
            for (w0, w1) in (i8::MIN..=i8::MAX).flat_map(|w0| (i8::MIN..=i8::MAX).map(move |w1| (w0, w1))) {
                let place = usize::from(w0.wrapping_mul(3).wrapping_add(w1) as u8) % (GROUP * PANEL / 2);
                block.0.as_chunks_mut().0[place] = [w0, w1];
                let expected = u32::from((i16::from(w0) + i16::from(w1)).abs() > 128) << place;
                assert_eq!(risky_pairs(dot.lanes(), &block), expected, "{w0} and {w1} at {place}");
                block.0.as_chunks_mut().0[place] = [0i8; 2];
            }
        }
    }

    #[test]
    fn every_risky_pair_is_found_in_every_place() {
        Kernel::all().for_each(|kernel| kernel.run(EveryPair));
    }
}
