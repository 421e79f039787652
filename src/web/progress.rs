//! Reports how far a load is. `www/package/progress.js` joins the reports of all files.

use super::to_object;
use js_sys::Function;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use wasm_bindgen::JsValue;

/// The progress of the files of a load.
pub struct Progress {
    callback: Function,
    /// How many bytes of each file have arrived.
    loaded: RefCell<BTreeMap<String, u64>>,
}

#[derive(Serialize)]
struct Report<'a> {
    stage: &'a str,
    file: &'a str,
    loaded: u64,
    total: Option<u64>,
}

impl Progress {
    /// Nothing is loaded yet.
    pub fn new(callback: Function) -> Self {
        Progress { callback, loaded: RefCell::default() }
    }

    /// Reports that `loaded` bytes of `file` have arrived, of `total`, if that is known.
    pub fn note(&self, file: &str, loaded: u64, total: Option<u64>) {
        self.has(file, loaded);
        self.report(&Report { stage: "download", file, loaded, total: total.filter(|&total| loaded <= total) });
    }

    /// Notes that `loaded` bytes of `file` are there.
    pub fn has(&self, file: &str, loaded: u64) {
        self.loaded.borrow_mut().insert(file.to_owned(), loaded);
    }

    /// Reports that `file` is about to be prepared.
    pub fn prepare(&self, file: &str) {
        let loaded = self.loaded.borrow().get(file).copied().unwrap_or_default();
        self.report(&Report { stage: "prepare", file, loaded, total: Some(loaded) });
    }

    fn report(&self, report: &Report) {
        // An error of the listener does not end the load.
        let _ = to_object(report).and_then(|report| self.callback.call1(&JsValue::UNDEFINED, &report));
    }
}
