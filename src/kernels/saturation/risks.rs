//! Where weights are such that sums of two products can saturate.

use crate::kernels::pack::{Block, GROUP};

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
    pub(in crate::kernels) fn note(&mut self, panels: &[Block], groups: usize) {
        self.ends.clear();
        self.all.clear();
        for panel in panels.chunks_exact(groups) {
            for (at, block) in panel.iter().enumerate() {
                let mut risky = risky_pairs(block);
                while risky != 0 {
                    let (pair, column) = (risky.trailing_zeros() as usize / 16, risky.trailing_zeros() as usize % 16);
                    risky &= risky - 1;
                    let weights = block.0.as_chunks().0[column * GROUP / 2 + pair];
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

/// The bit 16 · p + c is set where pair p of column c of a block can leave i16.
#[inline(always)]
fn risky_pairs(block: &Block) -> u64 {
    const EACH: u64 = 0x0001_0001_0001_0001;
    const EVEN: u64 = EACH * 0xff;
    let mut risky = 0;
    for (column, weights) in block.0.as_chunks::<GROUP>().0.iter().enumerate() {
        // w₀ + w₁ + 256 in sixteen bits each, which may be 128 to 384.
        let weights = u64::from_le_bytes(weights.map(|weight| weight as u8)) ^ 0x8080_8080_8080_8080;
        let sums = (weights & EVEN) + ((weights >> 8) & EVEN);
        let (not_below, above) = (sums + EACH * (0x8000 - 128), sums + EACH * (0x8000 - 385));
        risky |= (((!not_below | above) >> 15) & EACH) << column;
    }
    risky
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::pack::{PANEL, PackedWeights};

    #[test]
    fn risks_begin_where_pairs_can_leave_i16() {
        for (weights, risky) in [([64, 64], false), ([65, 64], true), ([-64, -64], false), ([-65, -64], true)] {
            let mut w = [0i8; GROUP * PANEL];
            (w[2 * PANEL + 5], w[3 * PANEL + 5]) = (weights[0], weights[1]);
            let mut risks = Risks::default();
            risks.note(PackedWeights::new(&w, GROUP, PANEL).blocks(), 1);
            let expected = risky.then_some(Risk { pair: 1, column: 5, weights });
            assert_eq!(risks.of(0), expected.as_slice(), "{weights:?}");
        }
    }

    #[test]
    fn every_risky_pair_is_found_in_every_place() {
        let mut block = Block::ZERO;
        for (w0, w1) in (i8::MIN..=i8::MAX).flat_map(|w0| (i8::MIN..=i8::MAX).map(move |w1| (w0, w1))) {
            let place = usize::from(w0.wrapping_mul(3).wrapping_add(w1) as u8) % (GROUP * PANEL / 2);
            let (column, pair) = (place / (GROUP / 2), place % (GROUP / 2));
            block.0.as_chunks_mut().0[place] = [w0, w1];
            let expected = u64::from((i16::from(w0) + i16::from(w1)).abs() > 128) << (16 * pair + column);
            assert_eq!(risky_pairs(&block), expected, "{w0} and {w1} at {place}");
            block.0.as_chunks_mut().0[place] = [0i8; 2];
        }
    }
}
