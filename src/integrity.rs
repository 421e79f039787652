//! Hashes that tell whether a file is the one that was meant, in the notation of
//! [Subresource Integrity](https://www.w3.org/TR/sri-2/): `sha256-` and the SHA-256 of its bytes in base64.

use crate::base64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a file.
///
/// ```
/// use bert8::integrity::Integrity;
///
/// let found = Integrity::of(b"hello");
/// assert_eq!(found.to_string(), "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
/// assert_eq!(found.to_string().parse(), Ok(found));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Integrity([u8; 32]);

impl Integrity {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "sha256-{}", base64::encode(&self.0))
    }
}

impl FromStr for Integrity {
    type Err = String;

    /// Reads a hash.
    ///
    /// # Errors
    /// If `text` is anything else.
    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = text.strip_prefix("sha256-").and_then(base64::decode);
        let found = bytes.and_then(|bytes| Some(Integrity(bytes.try_into().ok()?)));
        // Base64 has several texts for one hash.
        found
            .filter(|found| found.to_string() == text)
            .ok_or_else(|| format!("{text:?} is not `sha256-` followed by the 44 characters of a SHA-256 in base64"))
    }
}

impl TryFrom<String> for Integrity {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Integrity> for String {
    fn from(hash: Integrity) -> Self {
        hash.to_string()
    }
}

/// Hashes a file that arrives in parts.
#[derive(Debug, Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the hash of all bytes.
    pub fn finish(self) -> Integrity {
        Integrity(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_the_hash_of_the_whole() {
        let bytes: Vec<u8> = (0..1000).map(|at| at as u8).collect();
        let mut hasher = Hasher::default();
        bytes.chunks(77).for_each(|part| hasher.update(part));
        assert_eq!(hasher.finish(), Integrity::of(&bytes));
    }

    #[test]
    fn other_texts_are_refused() {
        let good = Integrity::of(b"").to_string();
        assert_eq!(good, "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let cases = ["", "sha256-", &good[7..], &good[..50], &good.replace("sha256", "sha384"), &format!("{good}?opt")];
        // The last digit has bits that no byte holds.
        let other = good.replace("FU=", "FV=");
        for wrong in cases.into_iter().chain([other.as_str()]) {
            let error = wrong.parse::<Integrity>().unwrap_err();
            assert!(error.contains("is not `sha256-` followed by"), "{error}");
        }
    }
}
