//! The right operand of a product.

use super::packed::PackedWeights;
use super::saturation::RiskyPairs;
use crate::kernels::isa::Block;
use std::ops::Range;

/// The weights of a product: some of the panels in `blocks`.
#[derive(Clone)]
pub(in crate::kernels) struct Weights<'a> {
    /// The blocks of all panels, panel after panel.
    pub blocks: &'a [Block],
    /// Blocks of one panel.
    pub groups: usize,
    /// The panels to multiply with.
    pub panels: Range<usize>,
    /// The risky pairs of all panels. Only kernels with [`Dot::SATURATES`](crate::kernels::isa::Dot::SATURATES) read them.
    pub risky_pairs: &'a RiskyPairs,
}

impl PackedWeights {
    /// Returns `panels` as the weights of a product.
    pub(in crate::kernels) fn panels<'a>(&'a self, panels: Range<usize>, risky_pairs: &'a RiskyPairs) -> Weights<'a> {
        Weights { blocks: self.blocks(), groups: self.groups(), panels, risky_pairs }
    }
}
