//! Sends a file piece by piece.

use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The bytes to read at a time.
const PIECE: u64 = 64 << 10;

/// The body of an answer: a part of a file, or nothing.
#[derive(Default)]
pub struct FileBody {
    file: Option<File>,
    left: u64,
}

impl FileBody {
    /// The bytes `range` of `file`.
    pub fn new(mut file: File, range: Range<u64>) -> io::Result<Self> {
        file.seek(SeekFrom::Start(range.start))?;
        Ok(FileBody { file: Some(file), left: range.end - range.start })
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    /// Reads the next piece. This is a local file: reading takes less time than handing the work to another thread.
    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut piece = vec![0; self.left.min(PIECE) as usize];
        let Some(file) = self.file.as_mut().filter(|_| !piece.is_empty()) else { return Poll::Ready(None) };
        // A file that has become shorter ends the connection, so that the client sees that something is missing.
        Poll::Ready(Some(file.read_exact(&mut piece).map(|()| {
            self.left -= piece.len() as u64;
            Frame::data(piece.into())
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
