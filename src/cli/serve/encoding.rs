//! Chooses the compressed form of a file by `Accept-Encoding` (RFC 9110, section 12.5.3).

/// A way of compression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// The name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Brotli => "br",
            Encoding::Gzip => "gzip",
        }
    }

    /// What the name of a compressed file ends with.
    pub fn ending(self) -> &'static str {
        match self {
            Encoding::Brotli => ".br",
            Encoding::Gzip => ".gz",
        }
    }
}

/// Returns the encodings that `header` accepts, the preferred one first. Of equal ones, Brotli comes first: it is smaller.
pub fn accepted(header: &str) -> Vec<Encoding> {
    let mut accepted: Vec<(Encoding, f32)> = [Encoding::Brotli, Encoding::Gzip]
        .into_iter()
        .map(|encoding| (encoding, quality(header, encoding)))
        .filter(|(_, quality)| *quality > 0.0 && *quality >= stated(header, "identity").unwrap_or(0.0))
        .collect();
    accepted.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    accepted.into_iter().map(|(encoding, _)| encoding).collect()
}

/// How much the client wants `encoding`, from 0 to 1.
fn quality(header: &str, encoding: Encoding) -> f32 {
    let old_name = (encoding == Encoding::Gzip).then(|| stated(header, "x-gzip")).flatten();
    stated(header, encoding.name()).or(old_name).or_else(|| stated(header, "*")).unwrap_or(0.0)
}

/// The quality that `header` states for `name`.
fn stated(header: &str, name: &str) -> Option<f32> {
    header.split(',').find_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(name) {
            return None;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Brotli, Gzip};

    #[test]
    fn the_preferred_encoding_comes_first() {
        let cases: [(&str, &[Encoding]); 10] = [
            ("", &[]),
            ("gzip, br", &[Brotli, Gzip]),
            ("gzip", &[Gzip]),
            ("x-gzip", &[Gzip]),
            ("br;q=0.5, gzip;q=0.8", &[Gzip, Brotli]),
            ("br;q=0, *", &[Gzip]),
            ("*;q=0", &[]),
            ("identity", &[]),
            ("identity;q=1, br;q=0.5", &[]),
            ("BR ; q=0.1", &[Brotli]),
        ];
        for (header, expected) in cases {
            assert_eq!(accepted(header), expected, "{header}");
        }
    }
}
