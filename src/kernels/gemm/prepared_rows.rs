//! What a kernel derives from the rows of a product, once for all products of the same rows.

use super::saturation::ActivationPeaks;
use super::strassen::LeftOperands;
use crate::kernels::isa::{Dot, Kernel, Task};
use std::cell::Cell;

/// Data derived from the rows of a product. Kernels that need none leave it empty.
#[derive(Debug, Clone, Default)]
pub(in crate::kernels) struct PreparedRows {
    /// For kernels with [`Dot::SATURATES`].
    pub peaks: ActivationPeaks,
    /// For kernels with [`Dot::STRASSEN`].
    pub strassen: LeftOperands,
}

thread_local! {
    static BUFFER: Cell<PreparedRows> = Cell::default();
}

impl PreparedRows {
    /// Derives the data from the encoded rows of `a`, `stride` bytes each, for `kernel`, and passes it to `f`.
    pub fn with<R>(kernel: Kernel, a: &[u8], stride: usize, f: impl FnOnce(&PreparedRows) -> R) -> R {
        struct Prepare<'a>(&'a mut PreparedRows, &'a [u8], usize);
        impl Task for Prepare<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                self.0.prepare(dot, self.1, self.2);
            }
        }
        let mut prepared = BUFFER.take();
        kernel.run(Prepare(&mut prepared, a, stride));
        let result = f(&prepared);
        BUFFER.set(prepared);
        result
    }

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
