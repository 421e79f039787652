//! The epilogues of attention's products: they write keys, values and context.

use super::sequences::QUERY_ROWS;
use crate::kernels::isa::{Block, Dot, GROUP, LANES, Lanes, PANEL};
use crate::kernels::layers::linear::Epilogue;
use crate::kernels::layers::quantizer::QuantizerView;
use crate::kernels::threads::SharedSlice;

/// Quantizes keys and packs them, each as a column of a weight matrix.
pub(super) struct WriteKeys<'a, L> {
    pub l: L,
    pub quantizer: QuantizerView<'a>,
    /// Blocks of a panel.
    pub groups: usize,
    /// Packed keys.
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

/// Writes FP32 values as panels of columns.
pub(super) struct WriteValues<'a, L> {
    pub l: L,
    /// Tokens of a panel.
    pub k: usize,
    /// Panels of [`LANES`] columns.
    pub values: &'a mut [[f32; LANES]],
}

impl<L: Lanes> Epilogue<L> for WriteValues<'_, L> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: L::F32) {
        self.l.store(y, &mut self.values[group * self.k + row]);
    }
}

/// Scales the context of one head, quantizes it and writes it to encoded rows.
pub(super) struct QuantizeContext<'a, D> {
    pub dot: D,
    pub quantizer: QuantizerView<'a>,
    /// The factor of every row.
    pub factors: [f32; QUERY_ROWS],
    /// Groups of the preceding heads.
    pub before: usize,
    /// Where the head's part of the first row begins in `out`.
    pub first: usize,
    /// Bytes of a row of all heads.
    pub stride: usize,
    /// Encoded rows of all heads. Nothing else uses the head's part of the rows.
    pub out: SharedSlice<'a, u8>,
}

impl<D: Dot> Epilogue<D::Lanes> for QuantizeContext<'_, D> {
    #[inline(always)]
    fn put(&mut self, row: usize, group: usize, y: <D::Lanes as Lanes>::F32) {
        let l = self.dot.lanes();
        let y = l.mul(y, l.splat(self.factors[row]));
        let at = self.first + row * self.stride + group * GROUP * D::WIDTH;
        let quantized = self.quantizer.apply(l, self.before + group, y);
        // SAFETY: nothing else uses this head's part of the row.
        self.dot.encode(quantized, unsafe { self.out.range(at..at + GROUP * D::WIDTH) });
    }
}
