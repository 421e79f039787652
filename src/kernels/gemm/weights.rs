//! Packed weights as a product takes them.

use super::packed::PackedWeights;
use super::saturation::Risks;
use crate::kernels::isa::Block;
use std::ops::Range;

/// The weights of a product: `panels` of all the panels in `blocks`, each of `groups` blocks.
#[derive(Clone)]
pub(in crate::kernels) struct Weights<'a> {
    pub blocks: &'a [Block],
    pub groups: usize,
    pub panels: Range<usize>,
    /// Where [`Dot::SATURATES`](crate::kernels::isa::Dot::SATURATES) must be made up for.
    pub risks: &'a Risks,
}

impl PackedWeights {
    /// `panels` as the weights of a product.
    pub(in crate::kernels) fn panels<'a>(&'a self, panels: Range<usize>, risks: &'a Risks) -> Weights<'a> {
        Weights { blocks: self.blocks(), groups: self.groups(), panels, risks }
    }
}
