//! Downloads straight into wasm memory, with progress.

use js_sys::{Function, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader, RequestInit, Response};

#[wasm_bindgen]
extern "C" {
    /// The same in a window and in a worker.
    #[wasm_bindgen(catch, js_name = fetch)]
    fn global_fetch(url: &str, init: &RequestInit) -> Result<js_sys::Promise, JsValue>;
}

/// How a download can be stopped and followed.
pub(super) struct Request<'a> {
    pub(super) signal: Option<&'a AbortSignal>,
    pub(super) progress: Option<&'a Function>,
}

/// What is going on.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    Download,
    Prepare,
}

impl Request<'_> {
    /// Calls `onProgress({ stage, file, loaded, total })`.
    pub(super) fn report(&self, stage: Stage, file: &str, loaded: usize, total: Option<usize>) {
        let Some(progress) = self.progress else { return };
        let stage = match stage {
            Stage::Download => "download",
            Stage::Prepare => "prepare",
        };
        let event = Object::new();
        let total = total.map_or(JsValue::NULL, |bytes| JsValue::from(bytes as f64));
        for (key, value) in
            [("stage", stage.into()), ("file", file.into()), ("loaded", (loaded as f64).into()), ("total", total)]
        {
            // Setting a property of a fresh object cannot fail, and a listener's mistake is not ours.
            let _ = Reflect::set(&event, &key.into(), &value);
        }
        let _ = progress.call1(&JsValue::NULL, &event);
    }
}

fn failure(message: String) -> JsValue {
    js_sys::Error::new(&message).into()
}

/// The bytes behind `url`. An aborted download rejects with the signal's reason; anything else that goes wrong is an
/// `Error` that names the URL.
pub(super) async fn download(url: &str, file: &str, request: &Request<'_>) -> Result<Vec<u8>, JsValue> {
    let init = RequestInit::new();
    init.set_signal(request.signal);
    let aborted = |error: JsValue| match request.signal {
        Some(signal) if signal.aborted() => signal.reason(),
        _ => {
            let reason = js_sys::Error::from(error).message();
            failure(format!("{url}: the download failed or was cut off ({reason}); check the connection and try again"))
        }
    };
    let response: Response = JsFuture::from(global_fetch(url, &init)?).await.map_err(aborted)?.dyn_into()?;
    if !response.ok() {
        let status = response.status();
        return Err(failure(format!("{url}: the server answered {status} {}; is the file there?", response.status_text())));
    }
    let header = |name: &str| response.headers().get(name).ok().flatten();
    if header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(failure(format!("{url}: the server sent a web page instead of the {file}; is the address right?")));
    }
    // A compressed body is longer than its Content-Length.
    let total: Option<usize> = match header("content-encoding") {
        None => header("content-length").and_then(|length| length.parse().ok()),
        Some(_) => None,
    };
    let Some(body) = response.body() else { return Err(failure(format!("{url}: the server sent no data"))) };
    let reader: ReadableStreamDefaultReader = body.get_reader().dyn_into()?;
    let mut bytes = Vec::new();
    // The header is a promise, not a fact: what it says is reserved only up to a sane size.
    if bytes.try_reserve_exact(total.unwrap_or(0).min(1 << 31)).is_err() {
        return Err(failure(format!("{url}: {} bytes do not fit into memory", total.unwrap_or(0))));
    }
    request.report(Stage::Download, file, 0, total);
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(aborted)?;
        if Reflect::get(&chunk, &"done".into())?.is_truthy() {
            break;
        }
        let chunk: Uint8Array = Reflect::get(&chunk, &"value".into())?.dyn_into()?;
        let start = bytes.len();
        bytes.resize(start + chunk.length() as usize, 0);
        chunk.copy_to(&mut bytes[start..]);
        request.report(Stage::Download, file, bytes.len(), total);
    }
    match total {
        Some(total) if total != bytes.len() => {
            Err(failure(format!("{url}: the download was cut off after {} of {total} bytes; try again", bytes.len())))
        }
        _ => Ok(bytes),
    }
}
