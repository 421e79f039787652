//! Where a model's bytes lie.

use std::fmt::Debug;
use std::io;

/// The bytes of a model file, which need not be in this program's memory, nor be all there.
pub trait Source: Debug {
    /// How many bytes the file has, or has so far.
    fn size(&self) -> usize;

    /// Fills `bytes` with those from `offset` on, as far as they are there without a gap; how many that are.
    fn read_some(&self, offset: usize, bytes: &mut [u8]) -> usize;

    /// Fills `bytes` with those from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if there are not as many.
    fn read(&self, offset: usize, bytes: &mut [u8]) -> io::Result<()> {
        match self.read_some(offset, bytes) == bytes.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Source for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }

    fn read_some(&self, offset: usize, bytes: &mut [u8]) -> usize {
        let there = self.get(offset..).unwrap_or_default();
        let count = there.len().min(bytes.len());
        bytes[..count].copy_from_slice(&there[..count]);
        count
    }
}
