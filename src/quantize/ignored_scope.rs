//! Patterns that name the parts of a model that stay in FP32.

use super::units::{EMBEDDING_TABLES, units};
use crate::bert::BertConfig;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The parts of a model that stay in FP32, as patterns in which `*` matches any number of characters. A pattern matches a
/// whole name, or everything that follows a dot in it: `layer.5.output.*` matches `encoder.layer.5.output.dense`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IgnoredScope(Vec<String>);

impl IgnoredScope {
    /// Keeps the parts in FP32 that match at least one of `patterns`.
    pub fn new(patterns: Vec<String>) -> Self {
        IgnoredScope(patterns)
    }

    /// The patterns.
    pub fn patterns(&self) -> &[String] {
        &self.0
    }

    /// Whether the part `name` stays in FP32.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| matches_part(pattern, name))
    }

    /// The patterns that match no part of a model of this configuration.
    pub fn unmatched(&self, config: &BertConfig) -> Vec<&str> {
        let units = units(config);
        let linears = units.iter().flat_map(|unit| unit.linears.iter().chain(&unit.scores)).map(String::as_str);
        let names: HashSet<&str> = linears.chain(EMBEDDING_TABLES).collect();
        let unmatched = |pattern: &&String| !names.iter().any(|name| matches_part(pattern, name));
        self.0.iter().filter(unmatched).map(String::as_str).collect()
    }

    /// Checks that every pattern matches a part of a model of this configuration.
    ///
    /// # Errors
    /// If one matches none. The error names it.
    pub fn check(&self, config: &BertConfig) -> Result<()> {
        let Some(pattern) = self.unmatched(config).into_iter().next() else { return Ok(()) };
        Err(Error::Argument(format!(
            "`{pattern}` matches no part of the model; parts have names such as encoder.layer.0.attention.self.query, \
             encoder.layer.0.attention.self.scores, encoder.layer.0.intermediate.dense, \
             embeddings.word_embeddings.weight, and * matches any characters"
        )))
    }
}

/// Whether `pattern` matches `name` or what follows a dot in it.
fn matches_part(pattern: &str, name: &str) -> bool {
    let suffixes = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
    std::iter::once(name).chain(suffixes).any(|part| matches(pattern.as_bytes(), part.as_bytes()))
}

/// Whether `pattern` matches the whole `text`; `*` matches any number of characters. Runs in O(pattern · text) time.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // The position of the last star, and the end of the text that it matches so far.
    let mut star = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, end)) = star {
            star = Some((at, end + 1));
            (p, t) = (at + 1, end + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names_and_parts_after_a_dot() {
        let name = "encoder.layer.5.output.dense";
        for pattern in ["layer.5.output.*", "encoder.*", "*", "dense", "*.5.*", "layer.5.*dense", name] {
            assert!(matches_part(pattern, name), "{pattern}");
        }
        for pattern in ["layer.5.output", "ayer.5.output.*", "", "layer.*.scores", "*.6.*", "dense.*"] {
            assert!(!matches_part(pattern, name), "{pattern}");
        }
        assert!(!matches_part("*a*a*a*a*a*a*a*a*b", &"a".repeat(5_000)));
    }

    #[test]
    fn patterns_without_a_match_are_listed() {
        let ignored = IgnoredScope::new(
            ["layer.1.*", "layer.7.*", "word_embeddings.weight", "self.scores"].map(Into::into).into(),
        );
        assert_eq!(ignored.unmatched(&BertConfig::tiny()), ["layer.7.*"]);
        assert!(ignored.contains("encoder.layer.0.attention.self.scores"));
        assert!(!ignored.contains("encoder.layer.0.attention.self.query"));
    }
}
