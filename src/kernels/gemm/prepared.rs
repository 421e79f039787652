//! What a kernel finds out about the rows of a product beforehand, once for all products of these rows.

use super::saturation::Peaks;
use super::strassen::Parts;
use crate::kernels::isa::Dot;

/// What there is to know of the rows.
#[derive(Debug, Clone, Default)]
pub(in crate::kernels) struct Prepared {
    /// Where [`Dot::SATURATES`] asks for them.
    pub peaks: Peaks,
    /// Where [`Dot::STRASSEN`] asks for them.
    pub parts: Parts,
}

impl Prepared {
    /// Finds it for the rows of `a`, each of `stride` bytes.
    #[inline(always)]
    pub fn find<D: Dot>(&mut self, dot: D, a: &[u8], stride: usize) {
        if D::SATURATES {
            self.peaks.find(a, stride);
        }
        if D::STRASSEN {
            self.parts.split(dot.lanes(), a, stride);
        }
    }
}
