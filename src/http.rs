//! What the answers of a web server mean for a download.

/// The part of an answer that matters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Whether the answer is, or may be, of another origin, which hides most headers.
    pub other_origin: bool,
    /// `Content-Length`: the number of bytes as they are sent, perhaps compressed.
    pub length: Option<u64>,
    /// Whether there is a `Content-Encoding`: the body is longer than what is sent.
    pub encoded: bool,
    /// What names this version of the file: see [`strong_validator`].
    pub validator: Option<String>,
    /// `Content-Range`.
    pub range: Option<String>,
}

impl Answer {
    /// Returns the size of the body if the headers tell it for certain.
    pub fn size(&self) -> Option<u64> {
        self.length.filter(|_| !self.encoded && !self.other_origin)
    }

    /// Returns the size of the body as far as it is known. The body may turn out to be longer.
    pub fn size_hint(&self) -> Option<u64> {
        self.length.filter(|_| !self.encoded)
    }

    /// Returns what names the version of the file that this answer began, so that a server can tell whether it still has that
    /// version. The tag of a compressed form does not name the file itself, which is what parts are sent of.
    pub fn version(&self) -> Option<&str> {
        self.validator.as_deref().filter(|_| !self.encoded)
    }

    /// Returns whether this answer continues, at byte `at`, the file that `first` began.
    pub fn continues(&self, first: &Answer, at: u64) -> bool {
        let Some(total) = self.total_of_rest(at) else { return false };
        let same_version = self.validator.is_none() || self.validator == first.validator;
        // If an encoding is hidden, lengths that agree prove that there is none.
        let same_size = match first.length {
            Some(length) => total == Some(length),
            None => !first.other_origin,
        };
        same_version && same_size
    }

    /// Returns whether this answer is the rest, from byte `at` on, of a file that has `size` bytes, if that is known. Nothing says
    /// that it is the file whose first bytes have arrived: only a hash of the whole can tell.
    pub fn is_rest(&self, at: u64, size: Option<u64>) -> bool {
        self.total_of_rest(at).is_some_and(|total| size.is_none() || total == size)
    }

    /// Returns the size of the file, or `None` in its place if it is not told, if this answer is its part from byte `at` on, as it
    /// is and not compressed.
    fn total_of_rest(&self, at: u64) -> Option<Option<u64>> {
        let (start, total) = self.range.as_deref().and_then(content_range)?;
        (self.status == 206 && !self.encoded && start == at).then_some(total)
    }

    /// Returns whether the same request may be answered later.
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..)
    }

    /// Says what to do about this status, which is not a success.
    pub fn advice(&self) -> &'static str {
        match self.status {
            401 | 403 | 407 => "may this page read the file?",
            429 => "that is too many requests; try again later",
            500.. => "try again later",
            _ => "is the file there?",
        }
    }
}

/// For so long after a change, a file may change again without a new date (RFC 9110, section 8.8.2.2).
const CLOCK_MS: f64 = 60_000.0;

/// Returns the header value that names one version of a file byte for byte, as `If-Range` needs it: a strong entity tag, or the
/// date of the last change, if that is long before the date of the answer. Dates are given with their milliseconds.
pub fn strong_validator(etag: Option<String>, modified: Option<(String, f64)>, date: Option<f64>) -> Option<String> {
    match (etag, modified, date) {
        (Some(tag), ..) if tag.starts_with('"') => Some(tag),
        (None, Some((text, modified)), Some(date)) if date - modified >= CLOCK_MS => Some(text),
        _ => None,
    }
}

/// Reads `Content-Range`, such as `bytes 5-9/10`: the first byte and, if it is known, the size of the file.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Answer { status: 200, length: Some(10), validator: Some("\"a\"".to_owned()), ..Default::default() }
    }

    #[test]
    fn only_plain_lengths_of_the_same_origin_are_sizes() {
        let sizes = |answer: &Answer| (answer.size(), answer.size_hint());
        assert_eq!(sizes(&answer()), (Some(10), Some(10)));
        assert_eq!(sizes(&Answer { other_origin: true, ..answer() }), (None, Some(10)));
        assert_eq!(sizes(&Answer { encoded: true, ..answer() }), (None, None));
        assert_eq!(sizes(&Answer::default()), (None, None));
    }

    #[test]
    fn a_download_goes_on_only_with_the_same_bytes() {
        let part = |range: &str| Answer { status: 206, length: Some(5), range: Some(range.to_owned()), ..answer() };
        let first = answer();
        assert!(part("bytes 5-9/10").continues(&first, 5));
        assert!(!part("bytes 4-9/10").continues(&first, 5), "another start");
        assert!(!part("bytes 5-9/12").continues(&first, 5), "another size");
        assert!(!part("bytes 5-9/*").continues(&first, 5), "no size");
        assert!(!part("5-9/10").continues(&first, 5), "another unit");
        assert!(!Answer { range: None, ..part("") }.continues(&first, 5), "a hidden range");
        assert!(!Answer { status: 200, ..part("bytes 5-9/10") }.continues(&first, 5));
        assert!(!Answer { encoded: true, ..part("bytes 5-9/10") }.continues(&first, 5));
        assert!(!Answer { validator: Some("\"b\"".to_owned()), ..part("bytes 5-9/10") }.continues(&first, 5));
        let unknown = Answer { length: None, ..answer() };
        assert!(part("bytes 5-9/*").continues(&unknown, 5));
        let hidden = Answer { other_origin: true, ..unknown };
        assert!(!part("bytes 5-9/10").continues(&hidden, 5), "it may be compressed");
    }

    #[test]
    fn a_compressed_answer_does_not_name_the_version_of_the_file() {
        assert_eq!(answer().version(), Some("\"a\""));
        assert_eq!(Answer { encoded: true, ..answer() }.version(), None);
        assert_eq!(Answer { validator: None, ..answer() }.version(), None);
    }

    #[test]
    fn the_rest_of_a_file_is_plain_and_begins_where_the_last_part_ended() {
        // The tag is not that of the compressed form.
        let part = |range: &str| Answer { status: 206, range: Some(range.to_owned()), ..answer() };
        let rest = part("bytes 5-9/10");
        assert!(rest.is_rest(5, Some(10)));
        assert!(rest.is_rest(5, None), "the size need not be known");
        assert!(!rest.is_rest(4, Some(10)), "another start");
        assert!(!rest.is_rest(5, Some(12)), "another size");
        assert!(!part("bytes 5-9/*").is_rest(5, Some(10)), "no size");
        assert!(!Answer { encoded: true, ..rest.clone() }.is_rest(5, Some(10)), "a part of the compressed form");
        assert!(!Answer { status: 200, ..rest.clone() }.is_rest(5, Some(10)), "the whole file");
        assert!(!Answer { range: None, ..rest }.is_rest(5, Some(10)), "a hidden range");
    }

    #[test]
    fn weak_tags_and_fresh_dates_do_not_name_a_version() {
        let tag = |text: &str| Some(text.to_owned());
        let date = Some(("Mon".to_owned(), 0.0));
        assert_eq!(strong_validator(tag("\"a\""), date.clone(), None), tag("\"a\""));
        assert_eq!(strong_validator(tag("W/\"a\""), date.clone(), Some(1e9)), None, "a server that knows better");
        assert_eq!(strong_validator(None, date.clone(), Some(60_000.0)), tag("Mon"));
        assert_eq!(strong_validator(None, date.clone(), Some(59_999.0)), None);
        assert_eq!(strong_validator(None, date, None), None);
        assert_eq!(strong_validator(None, None, Some(1.0)), None);
    }

    #[test]
    fn only_some_refusals_pass() {
        let transient = |status| Answer { status, ..Default::default() }.is_transient();
        assert!([408, 425, 429, 500, 503, 599].into_iter().all(transient));
        assert!(![400, 401, 403, 404, 416].into_iter().any(transient));
        let advice = [404, 401, 429, 503].map(|status| Answer { status, ..Default::default() }.advice());
        assert_eq!(advice.map(|text| text.split(' ').next().unwrap()), ["is", "may", "that", "try"]);
    }
}
