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

/// Why an attempt failed, and what may help.
struct Failure {
    problem: String,
    remedy: Remedy,
}

/// What may help after a failure.
enum Remedy {
    /// Another attempt would fail too.
    Nothing,
    /// To try again later.
    Patience,
    /// To download the file in one piece: its parts do not belong together.
    OnePiece,
}

impl Failure {
    fn transient(problem: impl Into<String>) -> Self {
        Failure { problem: problem.into(), remedy: Remedy::Patience }
    }

    fn lasting(problem: impl Into<String>) -> Self {
        Failure { problem: problem.into(), remedy: Remedy::Nothing }
    }
}

/// Passes the bytes of `file` to `sink`.
///
/// A download that fails for a reason that may pass is tried twice more. It goes on where it was cut off if the server can name
/// the version of the file, or if the file's hash is known; otherwise it starts again. If the hash of the joined parts is wrong, the
/// file is downloaded once more, in one piece.
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
        check_size(file.size(), bytes.length().into())
            .and_then(|()| check_hash(expected, hasher))
            .map_err(|problem| file.fail(&problem))?;
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
        joined: false,
        in_one_piece: false,
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
        let wait = match failure.remedy {
            Remedy::Nothing => None,
            Remedy::Patience => waits.next(),
            Remedy::OnePiece => Some(0.0),
        };
        let (Some(again), Some(wait)) = (file.again(), wait) else { return Err(file.fail(&failure.problem)) };
        Timer::new(wait).await;
        if context.signal.aborted() {
            return Err(context.signal.reason());
        }
        let (range, version) = match transfer.missing() {
            Missing::Everything => (JsValue::UNDEFINED, JsValue::UNDEFINED),
            Missing::Rest { version } => (format!("bytes={}-", transfer.loaded).into(), version.into()),
        };
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
    /// The answer that the bytes so far began with.
    first: Option<Answer>,
    /// Whether the bytes so far are of several answers.
    joined: bool,
    /// Whether parts were joined that do not belong together, so that the file must come in one piece.
    in_one_piece: bool,
    store: Option<Store>,
    locked: Option<Locked>,
}

/// What to ask the server for.
#[derive(PartialEq)]
enum Missing {
    Everything,
    /// What follows the bytes so far: of this version of the file, or of whatever the server has, if the hash will tell whether it
    /// belongs to them.
    Rest {
        version: Option<String>,
    },
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
    /// Returns what is to be downloaded.
    fn missing(&self) -> Missing {
        let Some(first) = self.first.as_ref().filter(|_| self.loaded > 0 && !self.in_one_piece) else {
            return Missing::Everything;
        };
        let hashed = self.expected.is_some();
        // Another origin would have to allow the header that names a version.
        match first.version().filter(|_| !(hashed && first.other_origin)) {
            Some(version) => Missing::Rest { version: Some(version.to_owned()) },
            None if hashed => Missing::Rest { version: None },
            None => Missing::Everything,
        }
    }

    /// Returns whether `answer` is the part of the file that is missing.
    fn is_missing(&self, answer: &Answer) -> bool {
        match (self.missing(), &self.first) {
            (Missing::Rest { version: Some(_) }, Some(first)) => answer.continues(first, self.loaded),
            (Missing::Rest { version: None }, _) => answer.is_rest(self.loaded, self.sizes().0),
            _ => false,
        }
    }

    /// Reads one response, whose promise is `opened`, to its end.
    async fn attempt(&mut self, opened: Promise) -> Result<(), Failure> {
        let resumes = self.missing() != Missing::Everything;
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
            let passes = resumes || answer.is_transient();
            return Err(if passes { Failure::transient(problem) } else { Failure::lasting(problem) });
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
        if self.is_missing(&answer) {
            self.joined = true;
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
        (self.loaded, self.hasher, self.joined, self.store) = (0, Hasher::default(), false, None);
    }

    /// Checks that the file that has arrived is the expected one. The hash of one that is `trusted` was checked before.
    fn check(&mut self, trusted: bool) -> Result<(), String> {
        check_size(self.sizes().0, self.loaded)?;
        let hasher = std::mem::take(&mut self.hasher);
        if trusted { Ok(()) } else { check_hash(self.expected, hasher) }
    }

    /// Returns the failure of a file that has arrived and is not the expected one.
    fn wrong(&mut self, problem: String) -> Failure {
        if !self.joined {
            return Failure::lasting(problem);
        }
        self.in_one_piece = true;
        Failure { problem, remedy: Remedy::OnePiece }
    }

    /// Reads the body of `opened`, which is `trusted` if it was checked before.
    async fn read(&mut self, opened: &Opened, trusted: bool) -> Result<(), Failure> {
        let (certain, hint) = self.sizes();
        if let Some(size) = certain.filter(|&size| size > MAX_BYTES) {
            opened.close();
            return Err(too_large(size));
        }
        if let Some(size) = self.first.as_ref().and_then(Answer::size) {
            check_size(self.file.size(), size).map_err(|problem| {
                opened.close();
                Failure::lasting(problem)
            })?;
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
        if let Some(total) = certain.filter(|&total| self.loaded < total) {
            let loaded = self.loaded;
            return Err(Failure::transient(format!(
                "the download was cut off after {loaded} of {total} bytes; try again"
            )));
        }
        self.check(trusted).map_err(|problem| self.wrong(problem))?;
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
        let certain = self.file.size().or_else(|| self.first.as_ref()?.size());
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

/// Checks that a file of `found` bytes has the size that is expected, if any is.
fn check_size(expected: Option<u64>, found: u64) -> Result<(), String> {
    match expected {
        Some(expected) if expected != found => {
            Err(unexpected(&format!("it has {found} bytes, but {expected} are expected")))
        }
        _ => Ok(()),
    }
}

/// Checks that what was hashed is what is expected, if anything is.
fn check_hash(expected: Option<Integrity>, hasher: Hasher) -> Result<(), String> {
    let Some(expected) = expected else { return Ok(()) };
    let found = hasher.finish();
    match found == expected {
        true => Ok(()),
        false => Err(unexpected(&format!("its hash is {found}, but {expected} is expected"))),
    }
}

fn unexpected(difference: &str) -> String {
    format!("the file is not the expected one: {difference}; it is damaged or another version")
}
