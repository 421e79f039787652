//! Stores a file in Cache Storage while it arrives.

use super::executor::{Watchdog, spawn};
use super::file::{Opened, Place};
use js_sys::{Array, Uint8Array};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, Response, ResponseInit, TransformStream, WritableStreamDefaultWriter};

/// A file that is being stored. Nothing stays in the cache unless [`Store::finish`] is called. Storage that is full or forbidden
/// only ends the storing.
pub struct Store {
    place: Place,
    writer: WritableStreamDefaultWriter,
    put: JsFuture,
    watchdog: Watchdog,
    finished: bool,
    failed: bool,
}

/// For how many milliseconds storage may take no bytes.
const STALL_MS: f64 = 10_000.0;

impl Store {
    /// Starts to store a file at `place`. Returns `None` if the browser cannot.
    pub fn start(place: Place) -> Option<Self> {
        let stream = TransformStream::new().ok()?;
        let init = ResponseInit::new();
        init.set_headers(&place.headers());
        let response = Response::new_with_opt_readable_stream_and_init(Some(&stream.readable()), &init).ok()?;
        let put = place.cache().put_with_str(&place.key(), &response);
        let writer = stream.writable().get_writer().ok()?;
        // Its errors also show in what is written.
        let closed = writer.closed();
        spawn(async move { drop(JsFuture::from(closed).await) });
        let (put, watchdog) = (JsFuture::from(put), Watchdog::new(STALL_MS));
        Some(Store { place, writer, put, watchdog, finished: false, failed: false })
    }

    /// Appends a copy of `bytes`, once the bytes before are taken.
    pub async fn write(&mut self, bytes: &Uint8Array) {
        if self.failed {
            return;
        }
        let mut ready = JsFuture::from(self.writer.ready());
        let put = &mut self.put;
        // If the cache refuses the file, nobody may take its bytes.
        let ready_or_refused = poll_fn(move |context| match Pin::new(&mut ready).poll(context) {
            Poll::Pending => Pin::new(&mut *put).poll(context).map(|_| false),
            ready => ready.map(|ready| ready.is_ok()),
        });
        if self.watchdog.wait(ready_or_refused).await.is_ok_and(|ready| ready) {
            let written = self.writer.write_with_chunk(&bytes.slice(0, bytes.length()));
            spawn(async move { drop(JsFuture::from(written).await) });
        } else {
            self.failed = true;
        }
    }

    /// Ends the file, and then releases `opened`. Other versions of the file leave the cache.
    pub fn finish(mut self, opened: Option<Opened>) {
        if !self.failed {
            self.finished = true;
            let closed = self.writer.close();
            spawn(async move { drop(JsFuture::from(closed).await) });
        }
        spawn(async move {
            if !self.failed && matches!(self.watchdog.wait(&mut self.put).await, Ok(Ok(_))) {
                let _ = delete_others(&self.place).await;
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
