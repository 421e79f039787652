//! Where the rows of attention's products go: keys, values, context.

use super::sequences::QUERY_ROWS;
use crate::kernels::isa::{Block, Dot, GROUP, LANES, Lanes, PANEL};
use crate::kernels::layers::linear::Epilogue;
use crate::kernels::layers::quantizer::QuantizerView;

/// Quantizes keys, and writes them as the columns of a weight matrix.
pub(super) struct WriteKeys<'a, L> {
    pub l: L,
    pub quantizer: QuantizerView<'a>,
    pub groups: usize,
    pub keys: &'a mut [Block],
}

impl<L: Lanes> Epilogue<L> for WriteKeys<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: L::F32) {
        let bytes = self.l.to_bytes(self.quantizer.apply(self.l, group, y));
        let signed = (u64::from_ne_bytes(bytes) ^ 0x8080_8080_8080_8080).to_ne_bytes();
        let block = &mut self.keys[row / PANEL * self.groups + group];
        block.0[row % PANEL * GROUP..][..GROUP].copy_from_slice(&signed.map(|byte| byte as i8));
    }
}

/// Writes values as panels of columns, each `k` tokens long.
pub(super) struct WriteValues<'a, L> {
    pub l: L,
    pub k: usize,
    pub values: &'a mut [[f32; LANES]],
}

impl<L: Lanes> Epilogue<L> for WriteValues<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: L::F32) {
        self.l.store(y, &mut self.values[group * self.k + row]);
    }
}

/// Scales and quantizes the context of one head, and writes its encoded form.
pub(super) struct QuantizeContext<'a, D> {
    pub dot: D,
    pub quantizer: QuantizerView<'a>,
    /// What the sums of every row are multiplied with.
    pub factors: [f32; QUERY_ROWS],
    /// Groups of the heads before.
    pub before: usize,
    /// Where the head's part of the first row begins.
    pub first: usize,
    pub stride: usize,
    pub out: &'a mut [u8],
}

impl<D: Dot> Epilogue<D::Lanes> for QuantizeContext<'_, D> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: <D::Lanes as Lanes>::F32) {
        let l = self.dot.lanes();
        let y = l.mul(y, l.splat(self.factors[row]));
        let at = self.first + row * self.stride + group * GROUP * D::WIDTH;
        let quantized = self.quantizer.apply(l, self.before + group, y);
        self.dot.encode(quantized, &mut self.out[at..at + GROUP * D::WIDTH]);
    }
}
