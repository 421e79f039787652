//! The largest activations of rows, which tell where sums of two products can saturate.

use crate::kernels::isa::LANES;

/// Rows that share one peak.
pub(super) const PEAK_ROWS: usize = 8;

/// The largest activations of a product's rows, for every pair of k.
#[derive(Debug, Clone, Default)]
pub(in crate::kernels) struct ActivationPeaks {
    /// For every pair of k, the largest activations of all rows.
    pub(super) all: Vec<[u8; 2]>,
    /// For every pair of k, vectors of peaks. Each lane is the peak of [`PEAK_ROWS`] rows. Unused lanes of the last vector are 0.
    pub(super) vectors: Vec<[[u8; 2]; LANES]>,
    /// For every pair of k, the peak of the rows being measured.
    current: Vec<[u8; 2]>,
}

impl ActivationPeaks {
    /// Measures the rows of `a`: u8 activations, `stride` bytes each.
    pub(in crate::kernels) fn measure(&mut self, a: &[u8], stride: usize) {
        let pairs = stride / 2;
        let vectors = a.len().div_ceil(stride * PEAK_ROWS * LANES);
        self.vectors.clear();
        self.vectors.resize(pairs * vectors, [[0; 2]; LANES]);
        self.current.resize(pairs, [0; 2]);
        self.all.resize(pairs, [0; 2]);
        self.all.fill([0; 2]);
        for (at, rows) in a.chunks(PEAK_ROWS * stride).enumerate() {
            self.current.fill([0; 2]);
            for row in rows.chunks_exact(stride) {
                raise(&mut self.current, row);
            }
            raise(&mut self.all, self.current.as_flattened());
            for (current, peaks) in self.current.iter().zip(self.vectors[at / LANES..].iter_mut().step_by(vectors)) {
                peaks[at % LANES] = *current;
            }
        }
    }
}

/// Raises every peak to the value of `row`, if that is larger.
#[inline(always)]
fn raise(peaks: &mut [[u8; 2]], row: &[u8]) {
    for (peak, value) in peaks.as_flattened_mut().iter_mut().zip(row) {
        *peak = (*peak).max(*value);
    }
}
