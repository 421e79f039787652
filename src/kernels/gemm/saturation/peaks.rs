//! Which activations are large enough for sums of two products to saturate.

use crate::kernels::isa::LANES;

/// Rows of activations whose largest values stand together.
pub(super) const GROUPED: usize = 8;

/// The largest activations of a product's rows.
#[derive(Debug, Clone, Default)]
pub(in crate::kernels) struct Peaks {
    /// Of every pair of k those of all rows.
    pub(super) all: Vec<[u8; 2]>,
    /// Of every pair of k those of each [`GROUPED`] rows, [`LANES`] groups together; what fills up the last is 0.
    pub(super) groups: Vec<[[u8; 2]; LANES]>,
    /// Those of the rows at hand.
    some: Vec<[u8; 2]>,
}

impl Peaks {
    /// Finds those of the rows of `a`, u8 activations.
    pub(in crate::kernels) fn find(&mut self, a: &[u8], stride: usize) {
        let pairs = stride / 2;
        let lanes = a.len().div_ceil(stride * GROUPED * LANES);
        self.groups.clear();
        self.groups.resize(pairs * lanes, [[0; 2]; LANES]);
        self.some.resize(pairs, [0; 2]);
        self.all.resize(pairs, [0; 2]);
        self.all.fill([0; 2]);
        for (at, rows) in a.chunks(GROUPED * stride).enumerate() {
            self.some.fill([0; 2]);
            for row in rows.chunks_exact(stride) {
                raise(&mut self.some, row);
            }
            raise(&mut self.all, self.some.as_flattened());
            for (some, groups) in self.some.iter().zip(self.groups[at / LANES..].iter_mut().step_by(lanes)) {
                groups[at % LANES] = *some;
            }
        }
    }
}

/// Raises every value of `largest` to that of `row`.
#[inline(always)]
fn raise(largest: &mut [[u8; 2]], row: &[u8]) {
    for (largest, value) in largest.as_flattened_mut().iter_mut().zip(row) {
        *largest = (*largest).max(*value);
    }
}
