//! Random access to the bytes of a model file.

use std::fmt::Debug;
use std::io;

/// The bytes of a model file. They may lie outside of this program's memory, have gaps, or still be arriving.
pub trait ByteSource: Debug {
    /// The file's size in bytes so far, gaps included.
    fn size(&self) -> usize;

    /// Fills `bytes` from `offset` on, up to the first byte that is missing. Returns the number of bytes read.
    fn read_some(&self, offset: usize, bytes: &mut [u8]) -> usize;

    /// Fills all of `bytes` from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if a byte is missing.
    fn read(&self, offset: usize, bytes: &mut [u8]) -> io::Result<()> {
        match self.read_some(offset, bytes) == bytes.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl ByteSource for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }

    fn read_some(&self, offset: usize, bytes: &mut [u8]) -> usize {
        let available = self.get(offset..).unwrap_or_default();
        let count = available.len().min(bytes.len());
        bytes[..count].copy_from_slice(&available[..count]);
        count
    }
}
