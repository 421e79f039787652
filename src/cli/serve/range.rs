//! Which part of a file a request asks for (RFC 9110, section 14).

use std::ops::Range;

/// What the `Range` of a request means for a file.
#[derive(Debug, PartialEq)]
pub enum Part {
    /// The whole file: there is no such header, or one that a server may ignore.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// No byte of the file.
    Unsatisfiable,
}

/// Reads a `Range` header for a file of `size` bytes. Of several ranges, none is sent: a server may ignore them, and then sends the
/// whole file.
pub fn part(header: &str, size: u64) -> Part {
    let Some((unit, ranges)) = header.split_once('=') else { return Part::Whole };
    let mut ranges = ranges.split(',').map(str::trim).filter(|range| !range.is_empty());
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Part::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Part::Whole;
    }
    let Some((first, last)) = range.split_once('-') else { return Part::Whole };
    let bytes = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Part::Whole,
    };
    if bytes.is_empty() { Part::Unsatisfiable } else { Part::Bytes(bytes) }
}

/// A number of any length. Those that are too large count as the largest.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_read_and_others_are_ignored() {
        for (header, expected) in [
            ("bytes=0-3", Part::Bytes(0..4)),
            ("Bytes=2-", Part::Bytes(2..10)),
            ("bytes=-3", Part::Bytes(7..10)),
            ("bytes=-30", Part::Bytes(0..10)),
            ("bytes=5-99999999999999999999999", Part::Bytes(5..10)),
            ("bytes=,9-9,", Part::Bytes(9..10)),
            ("bytes=10-", Part::Unsatisfiable),
            ("bytes=99999999999999999999999-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=0-1,4-5", Part::Whole),
            ("bytes=3-2", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("lines=0-3", Part::Whole),
            ("bytes 0-3", Part::Whole),
        ] {
            assert_eq!(part(header, 10), expected, "{header}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Unsatisfiable);
    }
}
