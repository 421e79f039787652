//! The files that JavaScript passes to be loaded. `www/package/open-file.js` makes them.

use crate::integrity::Integrity;
use js_sys::{Array, Error, Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{AbortSignal, Cache, Response};

#[wasm_bindgen]
extern "C" {
    /// A file to load.
    pub type JsFile;

    /// What the file is for, such as `model`.
    #[wasm_bindgen(method, getter)]
    pub fn kind(this: &JsFile) -> String;

    /// The name in errors.
    #[wasm_bindgen(method, getter)]
    pub fn name(this: &JsFile) -> String;

    /// The bytes, if they are given.
    #[wasm_bindgen(method, getter)]
    pub fn bytes(this: &JsFile) -> Option<Uint8Array>;

    /// Otherwise a promise of an [`Opened`].
    #[wasm_bindgen(method, getter)]
    pub fn opened(this: &JsFile) -> Option<Promise>;

    /// A function that opens the file again and returns a promise of an [`Opened`]; none if that is impossible. Its arguments may
    /// be the values of the headers `Range` and `If-Range`.
    #[wasm_bindgen(method, getter)]
    pub fn again(this: &JsFile) -> Option<Function>;

    /// The hash that the file must have.
    #[wasm_bindgen(method, getter)]
    pub fn integrity(this: &JsFile) -> Option<String>;

    /// The size in bytes that the file must have.
    #[wasm_bindgen(method, getter, js_name = size)]
    fn stated_size(this: &JsFile) -> Option<f64>;

    /// A file whose bytes can be read.
    #[derive(Clone)]
    pub type Opened;

    /// The answer of the server.
    #[wasm_bindgen(method, getter)]
    pub fn response(this: &Opened) -> Response;

    /// Whether the response is from the cache.
    #[wasm_bindgen(method, getter)]
    pub fn cached(this: &Opened) -> bool;

    /// Where to store the file, if it is to be stored.
    #[wasm_bindgen(method, getter)]
    pub fn store(this: &Opened) -> Option<Place>;

    /// Stops reading ahead.
    #[wasm_bindgen(method)]
    pub fn take(this: &Opened) -> Early;

    /// Ends the download.
    #[wasm_bindgen(method)]
    pub fn close(this: &Opened);

    /// Lets other loads of the same file go on.
    #[wasm_bindgen(method)]
    pub fn release(this: &Opened);

    /// What was read ahead.
    pub type Early;

    /// The chunks.
    #[wasm_bindgen(method, getter)]
    pub fn chunks(this: &Early) -> Array;

    /// The read that has begun.
    #[wasm_bindgen(method, getter)]
    pub fn pending(this: &Early) -> Option<Promise>;

    /// The reader of the rest.
    #[wasm_bindgen(method, getter)]
    pub fn reader(this: &Early) -> JsValue;

    /// Whether the reader reads into a given buffer.
    #[wasm_bindgen(method, getter)]
    pub fn byob(this: &Early) -> bool;

    /// Whether the end was read.
    #[wasm_bindgen(method, getter)]
    pub fn done(this: &Early) -> bool;

    /// Why reading failed, if it did.
    #[wasm_bindgen(method, getter)]
    pub fn error(this: &Early) -> JsValue;

    /// A place in Cache Storage.
    #[derive(Clone)]
    pub type Place;

    /// The cache.
    #[wasm_bindgen(method, getter)]
    pub fn cache(this: &Place) -> Cache;

    /// The key of the file.
    #[wasm_bindgen(method, getter)]
    pub fn key(this: &Place) -> String;

    /// What the keys of all versions of the file start with.
    #[wasm_bindgen(method, getter, js_name = keyStart)]
    pub fn key_start(this: &Place) -> String;

    /// The headers to store.
    #[wasm_bindgen(method, getter)]
    pub fn headers(this: &Place) -> JsValue;

    /// What all files of a load share.
    pub type JsContext;

    /// Aborts the load.
    #[wasm_bindgen(method, getter)]
    pub fn signal(this: &JsContext) -> AbortSignal;

    /// Called with reports of the progress.
    #[wasm_bindgen(method, getter, js_name = onProgress)]
    pub fn on_progress(this: &JsContext) -> Function;

    /// For how many milliseconds a download may stand still.
    #[wasm_bindgen(method, getter, js_name = stallMs)]
    pub fn stall_ms(this: &JsContext) -> f64;
}

impl JsFile {
    /// Returns an error about this file.
    pub fn fail(&self, problem: &str) -> JsValue {
        Error::new(&format!("{}: {problem}", self.name())).into()
    }

    /// Returns the size in bytes that the file must have.
    pub fn size(&self) -> Option<u64> {
        self.stated_size().map(|size| size as u64)
    }

    /// Returns the hash that the file must have.
    ///
    /// # Errors
    /// A JavaScript `Error` if it is not one.
    pub fn expected(&self) -> Result<Option<Integrity>, JsValue> {
        let parsed = self.integrity().map(|text| text.parse()).transpose();
        parsed.map_err(|problem: String| self.fail(&format!("the integrity {problem}")))
    }
}

/// Returns the message of a thrown value.
pub fn message(error: &JsValue) -> String {
    match error.dyn_ref::<Error>() {
        Some(error) => error.message().into(),
        None => error.as_string().unwrap_or_else(|| format!("{error:?}")),
    }
}
