//! From a request to its answer.

use super::body::FileBody;
use super::encoding::{self, Encoding};
use super::range::{self, Part};
use super::site::{Found, Opened, Site};
use super::validators::{Outcome, Validators};
use hyper::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, LAST_MODIFIED, LOCATION, RANGE, VARY,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use std::path::Path;

/// The headers of every answer. The policy equals the page's own; as a header it also applies to workers.
const HEADERS: [(&str, &str); 6] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-cache"),
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src \
         'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];

/// Answers a request for a file of `site`. The body of the request is not read.
pub fn answer<B>(site: &Site, request: &Request<B>) -> Response<FileBody> {
    let mut answer = file_or_error(site, request);
    for (name, value) in HEADERS {
        answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    answer
}

fn file_or_error<B>(site: &Site, request: &Request<B>) -> Response<FileBody> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut answer = empty(StatusCode::METHOD_NOT_ALLOWED);
        set(&mut answer, ALLOW, "GET, HEAD");
        return answer;
    }
    let accepted = request.headers().get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut answer = match site.find(request.uri().path(), &encoding::accepted(accepted)) {
        None => empty(StatusCode::NOT_FOUND),
        Some(Found::Folder) => {
            let mut answer = empty(StatusCode::TEMPORARY_REDIRECT);
            // Several slashes at the start would name another host.
            let path = request.uri().path().trim_start_matches('/');
            set(&mut answer, LOCATION, &format!("/{path}/"));
            answer
        }
        Some(Found::File { path, opened, encoding }) => file(request, &path, opened, encoding),
    };
    set(&mut answer, VARY, "accept-encoding");
    answer
}

/// Answers with a file, or the part of it that the request asks for.
fn file<B>(request: &Request<B>, path: &Path, opened: Opened, encoding: Option<Encoding>) -> Response<FileBody> {
    let validators = Validators::new(&opened, encoding);
    let size = opened.size;
    let part = match validators.check(request.headers()) {
        Outcome::Met => part(request, &validators, size),
        Outcome::NotModified => return with_validators(empty(StatusCode::NOT_MODIFIED), &validators),
        Outcome::Failed => return empty(StatusCode::PRECONDITION_FAILED),
    };
    let (status, bytes) = match part {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Bytes(bytes) => (StatusCode::PARTIAL_CONTENT, bytes),
        Part::Unsatisfiable => {
            let mut answer = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            set(&mut answer, CONTENT_RANGE, &format!("bytes */{size}"));
            return answer;
        }
    };
    let mut answer = with_validators(empty(status), &validators);
    set(&mut answer, ACCEPT_RANGES, "bytes");
    set(&mut answer, CONTENT_TYPE, mime_guess::from_path(path).first_or_octet_stream().as_ref());
    set(&mut answer, CONTENT_LENGTH, &(bytes.end - bytes.start).to_string());
    if let Some(encoding) = encoding {
        set(&mut answer, CONTENT_ENCODING, encoding.name());
    }
    if status == StatusCode::PARTIAL_CONTENT {
        set(&mut answer, CONTENT_RANGE, &format!("bytes {}-{}/{size}", bytes.start, bytes.end - 1));
    }
    if request.method() == Method::GET {
        match FileBody::new(opened.file, bytes) {
            Ok(body) => *answer.body_mut() = body,
            Err(_) => return empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
    answer
}

/// The part of a file of `size` bytes that a request asks for. Only GET has parts.
fn part<B>(request: &Request<B>, validators: &Validators, size: u64) -> Part {
    let headers: &HeaderMap = request.headers();
    let mut ranges = headers.get_all(RANGE).iter();
    match (ranges.next().and_then(|range| range.to_str().ok()), ranges.next()) {
        (Some(range), None) if request.method() == Method::GET && validators.allow_range(headers) => {
            range::part(range, size)
        }
        _ => Part::Whole,
    }
}

fn empty(status: StatusCode) -> Response<FileBody> {
    let mut answer = Response::new(FileBody::default());
    *answer.status_mut() = status;
    answer
}

fn with_validators(mut answer: Response<FileBody>, validators: &Validators) -> Response<FileBody> {
    set(&mut answer, ETAG, &validators.etag);
    set(&mut answer, LAST_MODIFIED, &httpdate::fmt_http_date(validators.modified));
    answer
}

/// Sets a header, unless the value is none that a header may have.
fn set(answer: &mut Response<FileBody>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
