//! Files whose bytes stay in JavaScript arrays while they arrive.

use super::download::{Context, Sink, receive};
use super::file::JsFile;
use super::threads;
use crate::kernels::ThreadPool;
use crate::model_file::{Chunk, ModelFileBuilder};
use js_sys::Uint8Array;
use std::ops::Range;
use wasm_bindgen::JsValue;

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

impl Sink for ModelFileBuilder<Uint8Array> {
    fn push(&mut self, bytes: &Uint8Array) {
        ThreadPool::install(threads::pool().as_ref(), || ModelFileBuilder::push(self, bytes));
    }

    fn keep(&mut self, bytes: &Uint8Array) {
        ThreadPool::install(threads::pool().as_ref(), || ModelFileBuilder::keep(self, bytes));
    }

    fn restart(&mut self) {
        *self = Self::default();
    }
}

impl Sink for Vec<Uint8Array> {
    fn push(&mut self, bytes: &Uint8Array) {
        Vec::push(self, bytes.slice(0, bytes.length()));
    }

    fn keep(&mut self, bytes: &Uint8Array) {
        Vec::push(self, bytes.clone());
    }

    fn restart(&mut self) {
        self.clear();
    }
}

/// Returns all bytes of `file`.
///
/// # Errors
/// As [`receive`].
pub async fn receive_bytes(file: &JsFile, context: &Context) -> Result<Vec<u8>, JsValue> {
    let mut chunks = Vec::<Uint8Array>::new();
    receive(file, &mut chunks, context).await?;
    // WebAssembly's memory never shrinks, so it is asked for once.
    let mut bytes = Vec::with_capacity(chunks.iter().map(|chunk| chunk.length() as usize).sum());
    for chunk in &chunks {
        let start = bytes.len();
        bytes.resize(start + chunk.length() as usize, 0);
        chunk.copy_to(&mut bytes[start..]);
    }
    Ok(bytes)
}
