//! Where a model's bytes lie.

use std::fmt::Debug;
use std::io;

/// The bytes of a model file, which need not be in this program's memory as a whole.
pub trait Source: Debug + Send + Sync {
    /// How many bytes there are.
    fn size(&self) -> usize;

    /// Fills `bytes` with those from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if there are not as many.
    fn read(&self, offset: usize, bytes: &mut [u8]) -> io::Result<()>;
}

impl Source for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(bytes.len());
        let found = end.and_then(|end| self.get(offset..end)).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(found);
        Ok(())
    }
}
