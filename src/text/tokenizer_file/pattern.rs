//! Patterns that a tokenizer looks for in a text.

use regex::Regex;
use serde::{Deserialize, Serialize};

/// The longest pattern in bytes. GPT-2's has 82.
const PATTERN_BYTES: usize = 1024;

/// The end of GPT-2's pattern: white space up to the last character before a word. No regular expression without backtracking
/// says that, but its backtracking is one step.
const BEFORE_A_WORD: &str = r"\s+(?!\S)";

/// A text or a regular expression to look for.
#[derive(Deserialize, Serialize)]
pub(super) enum Pattern {
    String(String),
    Regex(String),
}

impl Pattern {
    /// Checks that matching takes time in proportion to the text.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        let (Pattern::String(text) | Pattern::Regex(text)) = self;
        if text.is_empty() {
            return Err("has an empty pattern".to_owned());
        }
        if text.len() > PATTERN_BYTES {
            return Err(format!("has a pattern of {} bytes; at most {PATTERN_BYTES} are read", text.len()));
        }
        let Pattern::Regex(regex) = self else { return Ok(()) };
        match Regex::new(&regex.replace(BEFORE_A_WORD, r"\s+")) {
            Ok(_) => Ok(()),
            Err(regex::Error::CompiledTooBig(_)) => Err(format!("has the pattern `{regex}`, which is too large")),
            Err(_) => Err(format!(
                "has the pattern `{regex}`, which is no regular expression, or needs to look around or back; only patterns \
                 that can be matched in one pass are read"
            )),
        }
    }

    /// A length in bytes that no match is below.
    pub fn shortest_match(&self) -> usize {
        match self {
            Pattern::String(text) => text.len().max(1),
            Pattern::Regex(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_patterns_that_need_one_pass_are_read() {
        let check = |regex: &str| Pattern::Regex(regex.to_owned()).check();
        for fine in
            [" {2,}", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", r"[\r\n]|(?i:'re)"]
        {
            check(fine).unwrap();
        }
        for (regex, says) in [
            ("", "empty pattern"),
            ("(", "no regular expression"),
            (r"(a)\1", "look around or back"),
            (r"(?=a)b", "look around or back"),
            (r"\p{L}{1000}{1000}", "is too large"),
            (&"a".repeat(2000), "a pattern of 2000 bytes"),
        ] {
            let error = check(regex).unwrap_err();
            assert!(error.contains(says), "{regex}: {error}");
        }
    }
}
