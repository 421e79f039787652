//! A file in a JavaScript array, as a [`Source`].

use crate::onnx::Source;
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

thread_local! {
    /// The arrays of this thread's [`JsBytes`], which have to be `Send` while JavaScript values cannot.
    static ARRAYS: RefCell<BTreeMap<usize, Uint8Array>> = const { RefCell::new(BTreeMap::new()) };
}

/// Reads the bytes of an array where they are; lets go of the array when dropped. Belongs to the thread that made it:
/// on any other there is nothing to read.
#[derive(Debug)]
pub(super) struct JsBytes {
    key: usize,
    size: usize,
}

impl JsBytes {
    pub(super) fn new(array: Uint8Array) -> Self {
        let size = array.length() as usize;
        let key = ARRAYS.with_borrow_mut(|arrays| {
            let key = arrays.last_key_value().map_or(0, |(last, _)| last + 1);
            arrays.insert(key, array);
            key
        });
        JsBytes { key, size }
    }
}

impl Drop for JsBytes {
    fn drop(&mut self) {
        ARRAYS.with_borrow_mut(|arrays| arrays.remove(&self.key));
    }
}

impl Source for JsBytes {
    fn size(&self) -> usize {
        self.size
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) -> io::Result<()> {
        let eof = io::ErrorKind::UnexpectedEof;
        let end = offset.checked_add(bytes.len()).filter(|&end| end <= self.size).ok_or(eof)?;
        let part = ARRAYS.with_borrow(|arrays| Some(arrays.get(&self.key)?.subarray(offset as u32, end as u32)));
        // An array whose buffer has been detached has no part of that length.
        let part = part.filter(|part| part.length() as usize == bytes.len()).ok_or(eof)?;
        part.copy_to(bytes);
        Ok(())
    }
}
