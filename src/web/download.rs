//! Brings the bytes of a file, from wherever they are, to where they are used: with retries, and checked on the way.

use super::body::{Body, Chunk};
use super::executor::{Stalled, Timer, Watchdog};
use super::file::{JsContext, JsFile, Opened, message};
use super::progress::Progress;
use super::store::Store;
use crate::http::{Answer, strong_validator};
use crate::integrity::{Hasher, Integrity};
use js_sys::{Date, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Response, ResponseType};

/// How long to wait before each further attempt, in milliseconds.
const BACKOFF_MS: [f64; 2] = [500.0, 2000.0];

/// WebAssembly has 32-bit addresses.
const MAX_BYTES: u64 = u32::MAX as u64;

/// How many bytes are copied to WebAssembly at a time to be hashed.
const HASH_BYTES: u32 = 1 << 16;

/// Takes the bytes of a file.
pub trait Sink {
    /// Appends a copy of `bytes`.
    fn push(&mut self, bytes: &Uint8Array);

    /// Appends `bytes`, which nobody changes.
    fn keep(&mut self, bytes: &Uint8Array);

    /// Forgets all bytes.
    fn restart(&mut self);
}

/// What all downloads of a load share.
pub struct Context {
    /// Aborts the load.
    pub signal: AbortSignal,
    /// Learns how much has arrived.
    pub progress: Progress,
    /// For how many milliseconds a download may stand still.
    pub stall_ms: f64,
}

impl Context {
    /// Returns what the files of a load share.
    pub fn new(context: &JsContext) -> Self {
        let progress = Progress::new(context.on_progress());
        Context { signal: context.signal(), progress, stall_ms: context.stall_ms() }
    }
}

/// Why an attempt failed, and whether another one may succeed.
struct Failure {
    problem: String,
    transient: bool,
}

impl Failure {
    fn transient(problem: impl Into<String>) -> Self {
        Failure { problem: problem.into(), transient: true }
    }

    fn lasting(problem: impl Into<String>) -> Self {
        Failure { problem: problem.into(), transient: false }
    }
}

/// Passes the bytes of `file` to `sink`.
///
/// A download that fails for a reason that may pass is tried twice more. It goes on where it was cut off, if the server can name
/// the version of the file; otherwise from the start.
///
/// # Errors
/// The reason of the abort; or a JavaScript `Error` that names the file, if it cannot be read to its end, or is not the expected
/// one.
pub async fn receive(file: &JsFile, sink: &mut impl Sink, context: &Context) -> Result<(), JsValue> {
    let expected = file.expected()?;
    if let Some(bytes) = file.bytes() {
        context.progress.has(&file.kind(), bytes.length().into());
        let mut hasher = Hasher::default();
        if expected.is_some() {
            hash(&mut hasher, &bytes);
        }
        check(expected, hasher).map_err(|problem| file.fail(&problem))?;
        sink.keep(&bytes);
        return Ok(());
    }
    let mut transfer = Transfer {
        file,
        sink,
        context,
        expected,
        hasher: Hasher::default(),
        loaded: 0,
        first: None,
        store: None,
        locked: None,
    };
    let mut opened = file.opened().ok_or_else(|| file.fail("there is nothing to read"))?;
    let mut waits = BACKOFF_MS.into_iter();
    loop {
        let result = transfer.attempt(opened).await;
        if context.signal.aborted() {
            return Err(context.signal.reason());
        }
        let Err(failure) = result else { return Ok(()) };
        let (true, Some(again), Some(wait)) = (failure.transient, file.again(), waits.next()) else {
            return Err(file.fail(&failure.problem));
        };
        Timer::new(wait).await;
        if context.signal.aborted() {
            return Err(context.signal.reason());
        }
        let (range, version) = transfer.missing();
        opened = again.call2(&JsValue::UNDEFINED, &range, &version)?.unchecked_into();
    }
}

/// A file on its way.
struct Transfer<'a, S> {
    file: &'a JsFile,
    sink: &'a mut S,
    context: &'a Context,
    expected: Option<Integrity>,
    hasher: Hasher,
    loaded: u64,
    /// The answer that the bytes so far belong to.
    first: Option<Answer>,
    store: Option<Store>,
    locked: Option<Locked>,
}

/// Other loads of a file wait for this one.
struct Locked(Option<Opened>);

impl Drop for Locked {
    fn drop(&mut self) {
        if let Some(opened) = &self.0 {
            opened.release();
        }
    }
}

impl<S: Sink> Transfer<'_, S> {
    /// Returns the values of the headers `Range` and `If-Range` that ask for the missing bytes; `undefined` for all.
    fn missing(&self) -> (JsValue, JsValue) {
        match &self.first {
            Some(first) if self.loaded > 0 && first.can_resume() => {
                (format!("bytes={}-", self.loaded).into(), first.validator.clone().into())
            }
            _ => (JsValue::UNDEFINED, JsValue::UNDEFINED),
        }
    }

    /// Reads one response, whose promise is `opened`, to its end.
    async fn attempt(&mut self, opened: Promise) -> Result<(), Failure> {
        let resumes = !self.missing().0.is_undefined();
        let opened: Opened = match JsFuture::from(opened).await {
            Ok(opened) => opened.unchecked_into(),
            Err(error) => {
                if self.first.as_ref().is_some_and(|first| first.other_origin) {
                    // Perhaps that server does not allow the headers that ask for a part.
                    self.first = None;
                }
                return Err(cut_off(&error));
            }
        };
        if self.locked.is_none() {
            self.locked = Some(Locked(Some(opened.clone())));
        }
        let response = opened.response();
        let answer = read_headers(&response);
        if !response.ok() {
            opened.close();
            if resumes {
                self.first = None;
            }
            let (status, text) = (response.status(), response.status_text());
            let problem = format!("the server answered {status} {text}; {}", answer.advice());
            return Err(Failure { problem, transient: resumes || answer.is_transient() });
        }
        if header(&response, "content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            opened.close();
            let kind = self.file.kind();
            return Err(Failure::lasting(format!(
                "the server sent a web page instead of the {kind}; is the address right?"
            )));
        }
        if response.body().is_none() {
            return Err(Failure::lasting("the server sent no data"));
        }
        if resumes && self.first.as_ref().is_some_and(|first| answer.continues(first, self.loaded)) {
            return self.read(&opened, false).await;
        }
        if answer.status == 206 {
            opened.close();
            self.first = None;
            return Err(Failure::transient("the server sent another part of the file than the one asked for"));
        }
        self.restart();
        self.first = Some(answer);
        if let Some(place) = opened.store() {
            self.store = Store::start(place);
        }
        self.read(&opened, opened.cached()).await
    }

    fn restart(&mut self) {
        if self.loaded > 0 {
            self.sink.restart();
        }
        (self.loaded, self.hasher, self.store) = (0, Hasher::default(), None);
    }

    /// Reads the body of `opened`, which is `trusted` if it was checked before.
    async fn read(&mut self, opened: &Opened, trusted: bool) -> Result<(), Failure> {
        let (certain, hint) = self.sizes();
        if let Some(size) = certain.filter(|&size| size > MAX_BYTES) {
            opened.close();
            return Err(too_large(size));
        }
        let (kind, mut watchdog) = (self.file.kind(), Watchdog::new(self.context.stall_ms));
        let stalled = |Stalled| {
            let seconds = self.context.stall_ms / 1000.0;
            Failure::transient(format!(
                "the download stood still for {seconds} seconds; check the connection and try again"
            ))
        };
        self.context.progress.note(&kind, self.loaded, hint);
        let mut body = Body::take(opened);
        loop {
            let chunk = watchdog.wait(body.read()).await.map_err(stalled)?.map_err(|error| cut_off(&error))?;
            let Some(chunk) = chunk else { break };
            self.loaded += u64::from(chunk.bytes().length());
            if self.loaded > MAX_BYTES {
                return Err(too_large(self.loaded));
            }
            if !trusted && self.expected.is_some() {
                hash(&mut self.hasher, chunk.bytes());
            }
            if let Some(store) = &mut self.store {
                store.write(chunk.bytes()).await;
            }
            match &chunk {
                Chunk::Kept(bytes) => self.sink.keep(bytes),
                Chunk::Lent(bytes) => self.sink.push(bytes),
            }
            self.context.progress.note(&kind, self.loaded, hint);
        }
        drop(body);
        if let Some(total) = certain.filter(|&total| total != self.loaded) {
            let loaded = self.loaded;
            return Err(match loaded < total {
                true => {
                    Failure::transient(format!("the download was cut off after {loaded} of {total} bytes; try again"))
                }
                false => Failure::lasting(format!("the file has {loaded} bytes, but {total} are expected")),
            });
        }
        if !trusted {
            check(self.expected, std::mem::take(&mut self.hasher)).map_err(Failure::lasting)?;
        }
        self.context.progress.note(&kind, self.loaded, Some(self.loaded));
        let locked = self.locked.take().and_then(|mut locked| locked.0.take());
        match self.store.take() {
            Some(store) => store.finish(locked),
            None => drop(Locked(locked)),
        }
        Ok(())
    }

    /// Returns the file's size, if it is certain, and as far as it is known.
    fn sizes(&self) -> (Option<u64>, Option<u64>) {
        let stated = self.file.size().map(|size| size as u64);
        let certain = stated.or_else(|| self.first.as_ref()?.size());
        (certain, certain.or_else(|| self.first.as_ref()?.size_hint()))
    }
}

/// Returns what the headers of `response` say.
fn read_headers(response: &Response) -> Answer {
    let date = |text: &str| Some(Date::parse(text)).filter(|ms| ms.is_finite());
    let modified = header(response, "last-modified").and_then(|text| Some((text.clone(), date(&text)?)));
    Answer {
        status: response.status(),
        other_origin: response.type_() != ResponseType::Basic,
        length: header(response, "content-length").and_then(|length| length.parse().ok()),
        encoded: header(response, "content-encoding").is_some_and(|encoding| encoding != "identity"),
        validator: strong_validator(
            header(response, "etag"),
            modified,
            header(response, "date").as_deref().and_then(date),
        ),
        range: header(response, "content-range"),
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).ok().flatten()
}

fn cut_off(error: &JsValue) -> Failure {
    let reason = message(error);
    Failure::transient(format!("the download failed or was cut off ({reason}); check the connection and try again"))
}

fn too_large(size: u64) -> Failure {
    Failure::lasting(format!("{size} bytes are more than WebAssembly can hold"))
}

fn hash(hasher: &mut Hasher, bytes: &Uint8Array) {
    let mut part = vec![0; HASH_BYTES.min(bytes.length()) as usize];
    for start in (0..bytes.length()).step_by(HASH_BYTES as usize) {
        let chunk = bytes.subarray(start, bytes.length().min(start + HASH_BYTES));
        let part = &mut part[..chunk.length() as usize];
        chunk.copy_to(part);
        hasher.update(part);
    }
}

/// Checks that what was hashed is what is expected, if anything is.
fn check(expected: Option<Integrity>, hasher: Hasher) -> Result<(), String> {
    let Some(expected) = expected else { return Ok(()) };
    let found = hasher.finish();
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "the file is not the expected one: its hash is {found}, but {expected} is expected; it is damaged or another version"
    ))
}
