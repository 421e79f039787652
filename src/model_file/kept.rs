//! The bytes of a file of which some are not kept.

use crate::onnx::Source;
use std::fmt::Debug;
use std::ops::Range;

/// Bytes one after the other, in this program's memory or elsewhere.
pub trait Piece: Debug {
    /// How many there are.
    fn size(&self) -> usize;

    /// Fills `bytes` with those from `start` on, of which there are as many.
    fn read(&self, start: usize, bytes: &mut [u8]);

    /// Those in `range`, which may be another owner's still.
    fn view(&self, range: Range<usize>) -> Self;

    /// A copy of those in `range`.
    fn copy(&self, range: Range<usize>) -> Self;
}

impl Piece for Vec<u8> {
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

/// A file's beginning, in pieces with gaps between them.
#[derive(Debug)]
pub(super) struct Kept<P> {
    /// With the place of each; in order.
    pieces: Vec<(Range<usize>, P)>,
    size: usize,
}

impl<P: Piece> Kept<P> {
    /// No bytes yet.
    pub fn new() -> Self {
        Kept { pieces: Vec::new(), size: 0 }
    }

    /// Adds the bytes that follow.
    pub fn push(&mut self, piece: P) {
        let range = self.size..self.size + piece.size();
        self.size = range.end;
        if !range.is_empty() {
            self.pieces.push((range, piece));
        }
    }

    /// Leaves the `count` bytes that follow out.
    pub fn skip(&mut self, count: usize) {
        self.size += count;
    }

    /// Puts `piece`, which is the last piece or the beginning of it, in its place.
    pub fn replace_last(&mut self, piece: P) {
        if let Some((range, _)) = self.pieces.pop() {
            self.size = range.start;
            self.push(piece);
        }
    }
}

impl<P: Piece> Source for Kept<P> {
    fn size(&self) -> usize {
        self.size
    }

    fn read_some(&self, offset: usize, bytes: &mut [u8]) -> usize {
        let first = self.pieces.partition_point(|(range, _)| range.end <= offset);
        let mut done = 0;
        for (range, piece) in &self.pieces[first..] {
            let at = offset + done;
            if done == bytes.len() || !range.contains(&at) {
                break;
            }
            let count = (bytes.len() - done).min(range.end - at);
            piece.read(at - range.start, &mut bytes[done..done + count]);
            done += count;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_up_to_a_gap() {
        let mut kept = Kept::new();
        kept.push(vec![0, 1, 2]);
        kept.push(vec![9, 9]);
        kept.replace_last(vec![]);
        kept.push(vec![3, 4]);
        kept.skip(3);
        kept.push(vec![8, 9, 10, 11]);
        kept.replace_last(vec![8, 9]);
        assert_eq!(kept.size(), 10);
        let read = |offset: usize| {
            let mut bytes = [99; 4];
            let count = kept.read_some(offset, &mut bytes);
            bytes[..count].to_vec()
        };
        let found: Vec<_> = (0..12).map(read).collect();
        let expected: [&[u8]; 12] =
            [&[0, 1, 2, 3], &[1, 2, 3, 4], &[2, 3, 4], &[3, 4], &[4], &[], &[], &[], &[8, 9], &[9], &[], &[]];
        assert_eq!(found, expected);
        assert!(kept.read(4, &mut [0; 2]).is_err() && kept.read(3, &mut [0; 2]).is_ok());
    }
}
