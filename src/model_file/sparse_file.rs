//! The bytes of a file, with gaps.

use crate::onnx::ByteSource;
use std::fmt::Debug;
use std::ops::Range;

/// Consecutive bytes of a file, in this program's memory or outside of it (a JavaScript array, for instance).
pub trait Chunk: Debug {
    /// The number of bytes.
    fn size(&self) -> usize;

    /// Fills `bytes` with this chunk's bytes from `start` on.
    ///
    /// # Panics
    /// May panic if the chunk ends before `bytes` is full.
    fn read(&self, start: usize, bytes: &mut [u8]);

    /// The bytes in `range`, without a copy where the type allows sharing.
    fn view(&self, range: Range<usize>) -> Self;

    /// A copy of the bytes in `range`.
    fn copy(&self, range: Range<usize>) -> Self;
}

impl Chunk for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }

    fn read(&self, start: usize, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self[start..start + bytes.len()]);
    }

    fn view(&self, range: Range<usize>) -> Self {
        self.copy(range)
    }

    fn copy(&self, range: Range<usize>) -> Self {
        self[range].to_vec()
    }
}

/// The first bytes of a file, in chunks with gaps between them.
#[derive(Debug)]
pub(super) struct SparseFile<P> {
    /// The chunks in order, each with its position in the file.
    chunks: Vec<(Range<usize>, P)>,
    size: usize,
}

impl<P: Chunk> SparseFile<P> {
    /// An empty file.
    pub fn new() -> Self {
        SparseFile { chunks: Vec::new(), size: 0 }
    }

    /// Appends a chunk.
    pub fn push(&mut self, chunk: P) {
        let range = self.size..self.size + chunk.size();
        self.size = range.end;
        if !range.is_empty() {
            self.chunks.push((range, chunk));
        }
    }

    /// Appends a gap of `count` bytes.
    pub fn skip(&mut self, count: usize) {
        self.size += count;
    }

    /// Replaces the last chunk by `chunk`, which holds the same bytes or the first of them. The file ends behind it.
    pub fn replace_last(&mut self, chunk: P) {
        if let Some((range, _)) = self.chunks.pop() {
            self.size = range.start;
            self.push(chunk);
        }
    }
}

impl<P: Chunk> ByteSource for SparseFile<P> {
    fn size(&self) -> usize {
        self.size
    }

    fn read_some(&self, offset: usize, bytes: &mut [u8]) -> usize {
        let first = self.chunks.partition_point(|(range, _)| range.end <= offset);
        let mut done = 0;
        for (range, chunk) in &self.chunks[first..] {
            let at = offset + done;
            if done == bytes.len() || !range.contains(&at) {
                break;
            }
            let count = (bytes.len() - done).min(range.end - at);
            chunk.read(at - range.start, &mut bytes[done..done + count]);
            done += count;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_end_at_gaps() {
        let mut file = SparseFile::new();
        file.push(vec![0, 1, 2]);
        file.push(vec![9, 9]);
        file.replace_last(vec![]);
        file.push(vec![3, 4]);
        file.skip(3);
        file.push(vec![8, 9, 10, 11]);
        file.replace_last(vec![8, 9]);
        assert_eq!(file.size(), 10);
        let read = |offset: usize| {
            let mut bytes = [99; 4];
            let count = file.read_some(offset, &mut bytes);
            bytes[..count].to_vec()
        };
        let found: Vec<_> = (0..12).map(read).collect();
        let expected: [&[u8]; 12] =
            [&[0, 1, 2, 3], &[1, 2, 3, 4], &[2, 3, 4], &[3, 4], &[4], &[], &[], &[], &[8, 9], &[9], &[], &[]];
        assert_eq!(found, expected);
        assert!(file.read(4, &mut [0; 2]).is_err() && file.read(3, &mut [0; 2]).is_ok());
    }
}
