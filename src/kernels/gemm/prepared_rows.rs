//! What a kernel derives from the rows of a product, once for all products of the same rows.

use super::saturation::ActivationPeaks;
use super::strassen::LeftOperands;
use crate::kernels::isa::Dot;

/// Data derived from the rows of a product. Kernels that need none leave it empty.
#[derive(Debug, Clone, Default)]
pub(in crate::kernels) struct PreparedRows {
    /// For kernels with [`Dot::SATURATES`].
    pub peaks: ActivationPeaks,
    /// For kernels with [`Dot::STRASSEN`].
    pub strassen: LeftOperands,
}

impl PreparedRows {
    /// Derives the data from the encoded rows of `a`, `stride` bytes each.
    #[inline(always)]
    pub fn prepare<D: Dot>(&mut self, dot: D, a: &[u8], stride: usize) {
        if D::SATURATES {
            self.peaks.measure(a, stride);
        }
        if D::STRASSEN {
            self.strassen.split(dot.lanes(), a, stride);
        }
    }
}
