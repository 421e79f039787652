//! A model's file: where its bytes are, and what of it is already packed.

mod incoming;
mod kept;

pub use incoming::Incoming;
pub use kept::Piece;

use crate::kernels::{BAND, PackedWeights, Packer};
use crate::onnx::{Source, WeightsAt};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// The file of a model that is to be loaded.
#[derive(Debug)]
pub struct ModelFile {
    source: Box<dyn Source>,
    /// Weights whose bytes are not in the source.
    packed: RefCell<HashMap<WeightsAt, Arc<PackedWeights>>>,
}

impl From<Vec<u8>> for ModelFile {
    /// A file that has been read as a whole.
    fn from(bytes: Vec<u8>) -> Self {
        ModelFile { source: Box::new(bytes), packed: RefCell::default() }
    }
}

impl ModelFile {
    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.source.size()
    }

    /// What is not packed of it.
    pub(crate) fn source(&self) -> &dyn Source {
        &*self.source
    }

    /// Fills `bytes` with those from `start` on, of the whole of a tensor.
    pub(crate) fn read(&self, start: usize, bytes: &mut [u8]) -> io::Result<()> {
        let range = start..start + bytes.len();
        match self.packed.borrow().iter().find(|(weights, _)| weights.bytes == range) {
            Some((weights, packed)) => unpack(packed, weights.shape, bytes),
            None => self.source.read(start, bytes)?,
        }
        Ok(())
    }

    /// Forgets the weights at `bytes`, where they are packed: nothing asks for them any more.
    pub(crate) fn forget(&self, bytes: &Range<usize>) {
        self.packed.borrow_mut().retain(|weights, _| weights.bytes != *bytes);
    }

    /// The packed weights of `shape`, rows and columns, whose bytes are at `bytes`.
    pub(crate) fn weights(&self, bytes: Range<usize>, shape: [usize; 2]) -> io::Result<Arc<PackedWeights>> {
        let weights = WeightsAt { bytes, shape };
        if let Some(packed) = self.packed.borrow().get(&weights) {
            return Ok(packed.clone());
        }
        let ([k, n], bytes) = (weights.shape, weights.bytes);
        let mut packing = Packer::new(k, n);
        let mut band = Vec::new();
        let step = n.saturating_mul(BAND);
        for start in bytes.clone().step_by(step) {
            band.resize(step.min(bytes.end - start), 0);
            self.source.read(start, &mut band)?;
            packing.push(&band);
        }
        Ok(packing.finish().into())
    }
}

/// Writes the matrix `[k, n]` as it is in a file.
fn unpack(packed: &PackedWeights, [k, n]: [usize; 2], bytes: &mut [u8]) {
    for (row, bytes) in (0..k).zip(bytes.chunks_exact_mut(n)) {
        for (column, byte) in bytes.iter_mut().enumerate() {
            *byte = packed.at(row, column) as u8;
        }
    }
}
