//! Stores a file in Cache Storage while it arrives.

use super::executor::spawn;
use super::file::{Opened, Place};
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, Response, ResponseInit, TransformStream, WritableStreamDefaultWriter};

/// A file that is being stored. Nothing stays in the cache unless [`Store::finish`] is called. Storage that is full or forbidden
/// only ends the storing.
pub struct Store {
    place: Place,
    writer: WritableStreamDefaultWriter,
    put: Promise,
    finished: bool,
    failed: bool,
}

impl Store {
    /// Starts to store a file at `place`. Returns `None` if the browser cannot.
    pub fn start(place: Place) -> Option<Self> {
        let stream = TransformStream::new().ok()?;
        let init = ResponseInit::new();
        init.set_headers(&place.headers());
        let response = Response::new_with_opt_readable_stream_and_init(Some(&stream.readable()), &init).ok()?;
        let put = place.cache().put_with_str(&place.key(), &response);
        let writer = stream.writable().get_writer().ok()?;
        // Their errors also show in what is written.
        for promise in [&put, &writer.closed()] {
            let promise = promise.clone();
            spawn(async move { drop(JsFuture::from(promise).await) });
        }
        Some(Store { place, writer, put, finished: false, failed: false })
    }

    /// Appends a copy of `bytes`, once the bytes before are taken.
    pub async fn write(&mut self, bytes: &Uint8Array) {
        if self.failed {
            return;
        }
        match JsFuture::from(self.writer.ready()).await {
            Ok(_) => {
                let written = self.writer.write_with_chunk(&bytes.slice(0, bytes.length()));
                spawn(async move { drop(JsFuture::from(written).await) });
            }
            Err(_) => self.failed = true,
        }
    }

    /// Ends the file, and then releases `opened`. Other versions of the file leave the cache.
    pub fn finish(mut self, opened: Option<Opened>) {
        self.finished = true;
        let closed = self.writer.close();
        let (put, place) = (self.put.clone(), self.place.clone());
        spawn(async move {
            let _ = JsFuture::from(closed).await;
            if JsFuture::from(put).await.is_ok() {
                let _ = delete_others(&place).await;
            }
            if let Some(opened) = opened {
                opened.release();
            }
        });
    }
}

/// Deletes all other versions of the file at `place`.
async fn delete_others(place: &Place) -> Result<(), JsValue> {
    let (cache, start, key) = (place.cache(), place.key_start(), place.key());
    let requests: Array = JsFuture::from(cache.keys()).await?.unchecked_into();
    for request in requests.iter() {
        let url = request.unchecked_into::<Request>().url();
        if url.starts_with(&start) && url != key {
            JsFuture::from(cache.delete_with_str(&url)).await?;
        }
    }
    Ok(())
}

impl Drop for Store {
    fn drop(&mut self) {
        if !self.finished {
            let aborted = self.writer.abort();
            spawn(async move { drop(JsFuture::from(aborted).await) });
        }
    }
}
