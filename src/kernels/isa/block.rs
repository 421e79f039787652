//! The block: the unit of packed weights.

/// Columns of a panel.
pub const PANEL: usize = 8;
/// Consecutive k of one column that are contiguous in memory.
pub const GROUP: usize = 8;

/// The weights of [`PANEL`] columns at [`GROUP`] consecutive k. Byte `c * GROUP + k` is the weight of column c at k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(64))]
pub struct Block(pub [i8; PANEL * GROUP]);

impl Block {
    /// A block of zeros.
    pub const ZERO: Block = Block([0; PANEL * GROUP]);
}

/// Reads one byte of every block, which brings the block's cache line into the cache.
// Each step of the loop depends on the step before, so that LLVM does not gather the bytes into vectors. One or two blocks take
// no loop, because a tile touches that few at a time and the loop's setup would cost more than the loads.
#[inline(always)]
pub(in crate::kernels) fn touch(blocks: &[Block]) {
    let bytes = match blocks {
        [a] => a.0[0] as u32,
        [a, b] => (a.0[0] ^ b.0[0]) as u32,
        _ => blocks.iter().fold(0_u32, |all, block| all.rotate_left(1) ^ block.0[0] as u32),
    };
    std::hint::black_box(bytes);
}
