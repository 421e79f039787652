//! The block: the unit in which kernels read weights.

/// Columns of a panel.
pub const PANEL: usize = 8;
/// Consecutive k of one column that stand together.
pub const GROUP: usize = 8;

/// [`GROUP`] consecutive k of [`PANEL`] columns: byte `c * GROUP + k` is column c's weight at k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(64))]
pub struct Block(pub [i8; PANEL * GROUP]);

impl Block {
    /// A block of zeros.
    pub const ZERO: Block = Block([0; PANEL * GROUP]);
}

/// Reads a byte of every block, and thereby its cache line.
// What is done with many bytes only depends on the one before, or LLVM would gather them in vectors, byte by byte. One or two,
// where a tile fetches them every few blocks, take no loop: to set it up would take longer than they do.
#[inline(always)]
pub(in crate::kernels) fn fetch(blocks: &[Block]) {
    let bytes = match blocks {
        [a] => a.0[0] as u32,
        [a, b] => (a.0[0] ^ b.0[0]) as u32,
        _ => blocks.iter().fold(0_u32, |all, block| all.rotate_left(1) ^ block.0[0] as u32),
    };
    std::hint::black_box(bytes);
}
