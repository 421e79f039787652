//! What names one version of a file, and the conditions of requests on it (RFC 9110, sections 8.8 and 13).

use super::encoding::Encoding;
use super::site::Opened;
use hyper::HeaderMap;
use hyper::header::{HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The entity tag and the date of a file's last change.
pub struct Validators {
    pub etag: String,
    /// In whole seconds.
    pub modified: SystemTime,
    /// Whether the file may have changed twice in the second of its last change, as far as `modified` tells.
    fresh: bool,
}

/// What the conditions of a request lead to.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// The answer is sent as without conditions.
    Met,
    /// The client has this version.
    NotModified,
    /// The client wants another version.
    Failed,
}

impl Validators {
    /// Describes a file, or its form in `encoding`.
    pub fn new(opened: &Opened, encoding: Option<Encoding>) -> Self {
        let since_1970 = opened.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let form = encoding.map_or("", Encoding::name);
        Validators {
            etag: format!("\"{:x}-{:x}{form}\"", opened.size, since_1970.as_nanos()),
            modified: UNIX_EPOCH + Duration::from_secs(since_1970.as_secs()),
            fresh: opened.modified.elapsed().map_or(true, |age| age < Duration::from_secs(2)),
        }
    }

    /// Checks the conditions of a GET or HEAD request, in the order of section 13.2.2.
    pub fn check(&self, headers: &HeaderMap) -> Outcome {
        if let Some(tags) = text(headers, IF_MATCH) {
            if !self.is_among(&tags, false) {
                return Outcome::Failed;
            }
        } else if date(headers, IF_UNMODIFIED_SINCE).is_some_and(|date| self.modified > date) {
            return Outcome::Failed;
        }
        let unchanged = match text(headers, IF_NONE_MATCH) {
            Some(tags) => self.is_among(&tags, true),
            None => date(headers, IF_MODIFIED_SINCE).is_some_and(|date| self.modified <= date),
        };
        if unchanged { Outcome::NotModified } else { Outcome::Met }
    }

    /// Whether a range may be sent: there is no `If-Range`, or it names exactly this version.
    pub fn allow_range(&self, headers: &HeaderMap) -> bool {
        let Some(condition) = text(headers, IF_RANGE) else { return true };
        match condition.contains('"') {
            true => condition == self.etag,
            false => date(headers, IF_RANGE) == Some(self.modified) && !self.fresh,
        }
    }

    /// Whether this version's tag is in a list of tags. `weak` also accepts tags that promise less.
    fn is_among(&self, tags: &str, weak: bool) -> bool {
        let mut tags = tags.split(',').map(str::trim);
        tags.any(|tag| tag == "*" || tag == self.etag || weak && tag.strip_prefix("W/") == Some(&self.etag))
    }
}

/// The value of a header; a list may be split over several.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("")).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// The date in a header. Values that are no dates are ignored.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validators() -> Validators {
        let modified = UNIX_EPOCH + Duration::from_secs(784_111_777);
        Validators { etag: "\"a\"".to_owned(), modified, fresh: false }
    }

    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn conditions_are_checked_in_order() {
        let cases: [(&[(HeaderName, &str)], Outcome); 13] = [
            (&[], Outcome::Met),
            (&[(IF_NONE_MATCH, "\"a\"")], Outcome::NotModified),
            (&[(IF_NONE_MATCH, "\"x\", W/\"a\"")], Outcome::NotModified),
            (&[(IF_NONE_MATCH, "*")], Outcome::NotModified),
            (&[(IF_NONE_MATCH, "\"b\"")], Outcome::Met),
            // A tag counts more than a date.
            (&[(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, MODIFIED)], Outcome::Met),
            (&[(IF_MODIFIED_SINCE, MODIFIED)], Outcome::NotModified),
            (&[(IF_MODIFIED_SINCE, BEFORE)], Outcome::Met),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Outcome::Met),
            (&[(IF_MATCH, "\"a\"")], Outcome::Met),
            (&[(IF_MATCH, "W/\"a\"")], Outcome::Failed),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Outcome::Failed),
            (&[(IF_MATCH, "\"a\""), (IF_UNMODIFIED_SINCE, BEFORE)], Outcome::Met),
        ];
        for (list, expected) in cases {
            assert_eq!(validators().check(&headers(list)), expected, "{list:?}");
        }
    }

    #[test]
    fn a_range_continues_only_the_same_version() {
        let allows = |value: &str| validators().allow_range(&headers(&[(IF_RANGE, value)]));
        assert!(validators().allow_range(&HeaderMap::new()) && allows("\"a\"") && allows(MODIFIED));
        assert!(!allows("W/\"a\"") && !allows("\"b\"") && !allows(BEFORE) && !allows("later"));
        let fresh = Validators { fresh: true, ..validators() };
        assert!(!fresh.allow_range(&headers(&[(IF_RANGE, MODIFIED)])), "it may change again in the same second");
    }
}
