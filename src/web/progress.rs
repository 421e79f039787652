//! Reports how far a load is.

use super::to_object;
use js_sys::Function;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use wasm_bindgen::JsValue;

/// Bytes between two reports. Chunks can arrive by the thousand.
const REPORT_BYTES: u64 = 1 << 20;

/// The progress of all files of a load.
pub struct Progress {
    callback: Function,
    files: RefCell<BTreeMap<String, State>>,
}

#[derive(Clone, Copy, Default)]
struct State {
    loaded: u64,
    total: Option<u64>,
    reported: u64,
}

#[derive(Serialize)]
struct Report<'a> {
    stage: &'a str,
    file: &'a str,
    loaded: u64,
    total: Option<u64>,
    /// The share of all files, from 0 to 1, if all sizes are known.
    share: Option<f64>,
}

impl Progress {
    /// Nothing is loaded yet of the `files`.
    pub fn new<const N: usize>(callback: Function, files: [&str; N]) -> Self {
        Progress { callback, files: RefCell::new(files.map(|file| (file.to_owned(), State::default())).into()) }
    }

    /// Notes that `loaded` bytes of `file` have arrived, of `total`, if that is known. Reports it if `now` or if it is much more
    /// than the last report said.
    pub fn note(&self, file: &str, loaded: u64, total: Option<u64>, now: bool) {
        let total = total.filter(|&total| loaded <= total);
        let reported = self.files.borrow().get(file).map_or(0, |state| state.reported);
        let report = now || loaded.abs_diff(reported) >= REPORT_BYTES;
        let state = State { loaded, total, reported: if report { loaded } else { reported } };
        self.files.borrow_mut().insert(file.to_owned(), state);
        if report {
            self.report("download", file, state);
        }
    }

    /// Notes that `file`, of `size` bytes, is there.
    pub fn has(&self, file: &str, size: u64) {
        let state = State { loaded: size, total: Some(size), reported: size };
        self.files.borrow_mut().insert(file.to_owned(), state);
    }

    /// Reports that `file` is about to be prepared.
    pub fn prepare(&self, file: &str) {
        let state = self.files.borrow().get(file).copied().unwrap_or_default();
        self.report("prepare", file, State { total: Some(state.loaded), ..state });
    }

    fn share(&self) -> Option<f64> {
        let files = self.files.borrow();
        let total = files.values().map(|state| state.total).sum::<Option<u64>>()?;
        let loaded: u64 = files.values().map(|state| state.loaded).sum();
        Some(if total == 0 { 1.0 } else { loaded as f64 / total as f64 })
    }

    fn report(&self, stage: &str, file: &str, State { loaded, total, .. }: State) {
        let report = to_object(&Report { stage, file, loaded, total, share: self.share() });
        // An error of the listener does not end the load.
        let _ = report.and_then(|report| self.callback.call1(&JsValue::UNDEFINED, &report));
    }
}
