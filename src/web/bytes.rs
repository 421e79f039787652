//! Model bytes that stay in JavaScript arrays.

use crate::model_file::Chunk;
use js_sys::Uint8Array;
use std::ops::Range;

impl Chunk for Uint8Array {
    fn size(&self) -> usize {
        self.length() as usize
    }

    fn read(&self, start: usize, bytes: &mut [u8]) {
        self.view(start..start + bytes.len()).copy_to(bytes);
    }

    fn view(&self, range: Range<usize>) -> Self {
        self.subarray(range.start as u32, range.end as u32)
    }

    fn copy(&self, range: Range<usize>) -> Self {
        self.slice(range.start as u32, range.end as u32)
    }
}
