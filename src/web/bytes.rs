//! A file in JavaScript arrays, as a [`Source`].

use crate::onnx::Source;
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

thread_local! {
    /// The arrays of this thread's [`JsBytes`], which have to be `Send` while JavaScript values cannot.
    static ARRAYS: RefCell<BTreeMap<usize, Vec<Uint8Array>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Reads the bytes of arrays, one after the other, where they are; lets go of the arrays when dropped. Belongs to the thread
/// that made it: on any other there is nothing to read.
#[derive(Debug)]
pub(super) struct JsBytes {
    key: usize,
    /// Where each array ends.
    ends: Vec<usize>,
}

impl JsBytes {
    pub(super) fn new(arrays: Vec<Uint8Array>) -> Self {
        let mut size = 0;
        let ends = arrays.iter().map(|array| {
            size += array.length() as usize;
            size
        });
        let ends = ends.collect();
        let key = ARRAYS.with_borrow_mut(|all| {
            let key = all.last_key_value().map_or(0, |(last, _)| last + 1);
            all.insert(key, arrays);
            key
        });
        JsBytes { key, ends }
    }
}

impl Drop for JsBytes {
    fn drop(&mut self) {
        ARRAYS.with_borrow_mut(|arrays| arrays.remove(&self.key));
    }
}

impl Source for JsBytes {
    fn size(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) -> io::Result<()> {
        let eof = io::ErrorKind::UnexpectedEof;
        offset.checked_add(bytes.len()).filter(|&end| end <= self.size()).ok_or(eof)?;
        ARRAYS.with_borrow(|arrays| {
            let arrays = arrays.get(&self.key).ok_or(eof)?;
            let first = self.ends.partition_point(|&end| end <= offset);
            let mut start = first.checked_sub(1).map_or(0, |before| self.ends[before]);
            let mut done = 0;
            for (array, &end) in arrays.iter().zip(&self.ends).skip(first) {
                let from = offset + done - start;
                let count = (bytes.len() - done).min(end - start - from);
                let part = array.subarray(from as u32, (from + count) as u32);
                // An array whose buffer has been detached has no part of that length.
                if part.length() as usize != count {
                    return Err(eof.into());
                }
                part.copy_to(&mut bytes[done..done + count]);
                done += count;
                if done == bytes.len() {
                    break;
                }
                start = end;
            }
            Ok(())
        })
    }
}
