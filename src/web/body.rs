//! Reads the body of a response.

use super::file::Opened;
use js_sys::{ArrayBuffer, Promise, Reflect, Uint8Array};
use std::collections::VecDeque;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamByobReader, ReadableStreamDefaultReader};

/// The size of the buffer that chunks are read into.
const CHUNK_BYTES: u32 = 1 << 20;

/// The rest of a body.
pub struct Body<'a> {
    opened: &'a Opened,
    early: VecDeque<Uint8Array>,
    pending: Option<Promise>,
    ended: bool,
    /// Why reading ahead failed.
    error: Option<JsValue>,
    reader: Reader,
}

enum Reader {
    /// Reads into one buffer: to allocate memory for a chunk takes longer than to fill it.
    Byob(ReadableStreamByobReader, ArrayBuffer),
    Plain(ReadableStreamDefaultReader),
}

/// The next bytes.
pub enum Chunk {
    /// Nobody changes them.
    Kept(Uint8Array),
    /// The next read overwrites them.
    Lent(Uint8Array),
}

impl Chunk {
    /// The bytes.
    pub fn bytes(&self) -> &Uint8Array {
        match self {
            Chunk::Kept(bytes) | Chunk::Lent(bytes) => bytes,
        }
    }
}

impl<'a> Body<'a> {
    /// Takes over from JavaScript, which has read ahead.
    pub fn take(opened: &'a Opened) -> Self {
        let early = opened.take();
        let error = early.error();
        let reader = match early.byob() {
            true => Reader::Byob(early.reader().unchecked_into(), ArrayBuffer::new(CHUNK_BYTES)),
            false => Reader::Plain(early.reader().unchecked_into()),
        };
        Body {
            opened,
            early: early.chunks().iter().map(JsCast::unchecked_into).collect(),
            pending: early.pending(),
            ended: early.done(),
            error: (!error.is_undefined()).then_some(error),
            reader,
        }
    }

    /// Returns the next bytes, or `None` at the end.
    ///
    /// # Errors
    /// What the stream throws if the connection breaks.
    pub async fn read(&mut self) -> Result<Option<Chunk>, JsValue> {
        if let Some(chunk) = self.early.pop_front() {
            return Ok(Some(Chunk::Kept(chunk)));
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.ended {
            return Ok(None);
        }
        let promise = match (self.pending.take(), &self.reader) {
            (Some(promise), _) => promise,
            (None, Reader::Byob(reader, buffer)) => reader.read_with_array_buffer_view(&Uint8Array::new(buffer)),
            (None, Reader::Plain(reader)) => reader.read(),
        };
        let read = JsFuture::from(promise).await?;
        let value: Option<Uint8Array> = Reflect::get(&read, &"value".into())?.dyn_into().ok();
        if let (Reader::Byob(_, buffer), Some(value)) = (&mut self.reader, &value) {
            *buffer = value.buffer();
        }
        self.ended = Reflect::get(&read, &"done".into())?.is_truthy();
        Ok(value.filter(|_| !self.ended).map(|value| match self.reader {
            Reader::Byob(..) => Chunk::Lent(value),
            Reader::Plain(_) => Chunk::Kept(value),
        }))
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.opened.close();
        }
    }
}
