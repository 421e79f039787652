//! Which parts of the model are quantized: names, units that are switched together, and patterns that leave parts out.

use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The tables that are quantized. The few rows of token types stay in FP32.
pub const TABLES: [&str; 2] = ["embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"];

/// Parts that read one activation and go to INT8 or stay in FP32 by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// What its parts' names begin with.
    pub name: String,
    /// The value in the graph that its linear layers read.
    pub input: String,
    /// Its linear layers.
    pub linears: Vec<String>,
    /// The attention scores that its queries and keys make.
    pub scores: Option<String>,
}

/// The units of an encoder, first to last. Pooler and classifier stay in FP32: they see one token, so they cost next to
/// nothing.
pub fn units(layers: usize) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut x = "embeddings.LayerNorm".to_owned();
    let single = |name: String, input: String| Unit { linears: vec![name.clone()], name, input, scores: None };
    for layer in 0..layers {
        let at = format!("encoder.layer.{layer}");
        let attention = format!("{at}.attention.self");
        units.push(Unit {
            input: x,
            linears: ["query", "key", "value"].map(|part| format!("{attention}.{part}")).into(),
            scores: Some(format!("{attention}.scores")),
            name: attention.clone(),
        });
        units.push(single(format!("{at}.attention.output.dense"), format!("{attention}.context")));
        units.push(single(format!("{at}.intermediate.dense"), format!("{at}.attention.output.LayerNorm")));
        units.push(single(format!("{at}.output.dense"), format!("{at}.intermediate.activation")));
        x = format!("{at}.output.LayerNorm");
    }
    units
}

/// Parts of the model that stay in FP32, by patterns in which `*` stands for any characters. A pattern matches a whole name
/// or what follows a dot in it: `layer.5.output.*` is the output layer of encoder layer 5.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ignored(Vec<String>);

impl Ignored {
    /// Leaves out what one of `patterns` matches.
    pub fn new(patterns: Vec<String>) -> Self {
        Ignored(patterns)
    }

    /// The patterns.
    pub fn patterns(&self) -> &[String] {
        &self.0
    }

    /// Whether the part `name` stays in FP32.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| matches_part(pattern, name))
    }

    /// The patterns that match nothing of an encoder of so many layers.
    pub fn unmatched(&self, layers: usize) -> Vec<&str> {
        let units = units(layers);
        let linears = units.iter().flat_map(|unit| unit.linears.iter().chain(&unit.scores)).map(String::as_str);
        let names: HashSet<&str> = linears.chain(TABLES).collect();
        let unmatched = |pattern: &&String| !names.iter().any(|name| matches_part(pattern, name));
        self.0.iter().filter(unmatched).map(String::as_str).collect()
    }
}

fn matches_part(pattern: &str, name: &str) -> bool {
    let suffixes = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
    std::iter::once(name).chain(suffixes).any(|part| matches(pattern.as_bytes(), part.as_bytes()))
}

/// Whether `text` is `pattern`, `*` standing for any characters. Takes at most the product of both lengths.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // The last star, and the text that it has swallowed so far.
    let mut star = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, swallowed)) = star {
            star = Some((at, swallowed + 1));
            (p, t) = (at + 1, swallowed + 1);
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
    fn patterns_match_whole_names_and_what_follows_a_dot() {
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
    fn patterns_without_a_match_are_told() {
        let ignored =
            Ignored::new(["layer.1.*", "layer.7.*", "word_embeddings.weight", "self.scores"].map(Into::into).into());
        assert_eq!(ignored.unmatched(2), ["layer.7.*"]);
        assert!(ignored.contains("encoder.layer.0.attention.self.scores"));
        assert!(!ignored.contains("encoder.layer.0.attention.self.query"));
    }
}
