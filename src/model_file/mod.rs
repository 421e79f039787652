//! A model's ONNX file, as the loader reads it.
//!
//! A file is either one block of bytes ([`ModelFile::from`] a `Vec<u8>`) or arrives in chunks, as a download does
//! ([`ModelFileBuilder`]). The builder packs the INT8 weights of integer products as soon as their bytes are complete
//! and then drops those bytes; all other bytes stay where the chunks are. So the file and the packed weights never fill
//! memory twice. A [`ModelFile`] hides the difference: it returns a tensor's raw bytes or its packed weights, and
//! unpacks or packs if it only has the other form.

mod builder;
mod sparse_file;

pub use builder::ModelFileBuilder;
pub use sparse_file::Chunk;

use crate::kernels::{BAND, PackedWeights, Packer};
use crate::onnx::{ByteSource, WeightsAt};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A complete model file, ready to load.
#[derive(Debug)]
pub struct ModelFile {
    source: Box<dyn ByteSource>,
    /// Weights that are packed already. The source has no bytes for them.
    packed: RefCell<HashMap<WeightsAt, Arc<PackedWeights>>>,
}

impl From<Vec<u8>> for ModelFile {
    /// Wraps the bytes of a whole file.
    fn from(bytes: Vec<u8>) -> Self {
        ModelFile { source: Box::new(bytes), packed: RefCell::default() }
    }
}

impl ModelFile {
    /// The file's size in bytes.
    pub fn size(&self) -> usize {
        self.source.size()
    }

    /// The file's bytes, with gaps where weights are packed.
    pub(crate) fn source(&self) -> &dyn ByteSource {
        &*self.source
    }

    /// Fills `bytes` with the file's bytes from `start` on, which must be those of one whole tensor.
    ///
    /// # Errors
    /// If the file is too short, or the range lies partly in packed weights.
    pub(crate) fn read(&self, start: usize, bytes: &mut [u8]) -> io::Result<()> {
        let range = start..start + bytes.len();
        match self.packed.borrow().iter().find(|(weights, _)| weights.bytes == range) {
            Some((weights, packed)) => unpack(packed, weights.shape, bytes),
            None => self.source.read(start, bytes)?,
        }
        Ok(())
    }

    /// Drops the packed weights of the tensor at `bytes`, if any. Call this once nothing will ask for them again.
    pub(crate) fn forget(&self, bytes: &Range<usize>) {
        self.packed.borrow_mut().retain(|weights, _| weights.bytes != *bytes);
    }

    /// Returns the packed weights of the INT8 matrix `shape` (`[K, N]`) at `bytes`, and packs them first if needed.
    ///
    /// # Errors
    /// If the file is too short.
    pub(crate) fn weights(&self, bytes: Range<usize>, shape: [usize; 2]) -> io::Result<Arc<PackedWeights>> {
        let weights = WeightsAt { bytes, shape };
        if let Some(packed) = self.packed.borrow().get(&weights) {
            return Ok(packed.clone());
        }
        let ([k, n], bytes) = (weights.shape, weights.bytes);
        let mut packer = Packer::new(k, n);
        let mut band = Vec::new();
        let step = n.saturating_mul(BAND);
        for start in bytes.clone().step_by(step) {
            band.resize(step.min(bytes.end - start), 0);
            self.source.read(start, &mut band)?;
            packer.push(&band);
        }
        Ok(packer.finish().into())
    }
}

/// Writes the matrix `[k, n]` row by row, as the file has it.
fn unpack(packed: &PackedWeights, [k, n]: [usize; 2], bytes: &mut [u8]) {
    for (row, bytes) in (0..k).zip(bytes.chunks_exact_mut(n)) {
        for (column, byte) in bytes.iter_mut().enumerate() {
            *byte = packed.at(row, column) as u8;
        }
    }
}
