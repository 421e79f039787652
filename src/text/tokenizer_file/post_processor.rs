//! Post-processors, which add special tokens to texts and pairs.

use super::OtherPart;
use super::parts::yes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most parts, pieces of a template, and tokens of a piece.
const PARTS: usize = 32;

/// Adds special tokens.
#[derive(Deserialize, Serialize)]
#[serde(tag = "type")]
pub(super) enum PostProcessor {
    BertProcessing {
        sep: (String, u32),
        cls: (String, u32),
    },
    ByteLevel {
        #[serde(default = "yes")]
        add_prefix_space: bool,
        #[serde(default = "yes")]
        trim_offsets: bool,
        #[serde(default = "yes")]
        use_regex: bool,
    },
    RobertaProcessing {
        sep: (String, u32),
        cls: (String, u32),
        #[serde(default = "yes")]
        trim_offsets: bool,
        #[serde(default = "yes")]
        add_prefix_space: bool,
    },
    Sequence {
        processors: Vec<PostProcessor>,
    },
    TemplateProcessing {
        single: Vec<Piece>,
        pair: Vec<Piece>,
        special_tokens: BTreeMap<String, SpecialToken>,
    },
    #[serde(untagged)]
    Other(OtherPart),
}

/// The names of all post-processors.
const NAMES: [&str; 5] = ["BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"];

/// A piece of a template: one of the texts, or a special token.
#[derive(Deserialize, Serialize)]
pub(super) enum Piece {
    Sequence { id: Text, type_id: u32 },
    SpecialToken { id: String, type_id: u32 },
}

/// The first or the second text.
#[derive(Clone, Copy, PartialEq, Deserialize, Serialize)]
pub(super) enum Text {
    A,
    B,
}

/// The tokens that a special token of a template stands for.
#[derive(Deserialize, Serialize)]
pub(super) struct SpecialToken {
    id: String,
    ids: Vec<u32>,
    tokens: Vec<String>,
}

impl PostProcessor {
    /// Checks this part and all parts in it.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        let all = self.all();
        if all.len() > PARTS {
            return Err(format!("the post_processor has {} parts; at most {PARTS} are read", all.len()));
        }
        all.iter().try_for_each(|part| match part {
            PostProcessor::TemplateProcessing { single, pair, special_tokens } => {
                check_template(single, &[Text::A], "single", special_tokens)?;
                check_template(pair, &[Text::A, Text::B], "pair", special_tokens)
            }
            PostProcessor::Other(other) => Err(other.fault("post_processor", &NAMES)),
            _ => Ok(()),
        })?;
        let adding: Vec<&str> = all.iter().filter_map(|part| part.adds_tokens()).collect();
        match adding.len() {
            0 | 1 => Ok(()),
            _ => Err(format!("the post_processor adds special tokens more than once ({})", adding.join(", "))),
        }
    }

    /// The name of this part, if it adds special tokens.
    fn adds_tokens(&self) -> Option<&'static str> {
        match self {
            PostProcessor::BertProcessing { .. } => Some("BertProcessing"),
            PostProcessor::RobertaProcessing { .. } => Some("RobertaProcessing"),
            PostProcessor::TemplateProcessing { .. } => Some("TemplateProcessing"),
            _ => None,
        }
    }

    /// This part and all parts in it.
    fn all(&self) -> Vec<&PostProcessor> {
        let parts = match self {
            PostProcessor::Sequence { processors } => processors.as_slice(),
            _ => &[],
        };
        std::iter::once(self).chain(parts.iter().flat_map(PostProcessor::all)).collect()
    }
}

/// Checks that a template has each of `texts` once, in this order, and that its special tokens are defined.
fn check_template(
    template: &[Piece],
    texts: &[Text],
    name: &str,
    special_tokens: &BTreeMap<String, SpecialToken>,
) -> Result<(), String> {
    if template.len() > PARTS {
        return Err(format!("the post_processor's `{name}` has {} pieces; at most {PARTS} are read", template.len()));
    }
    let mut found = Vec::new();
    for piece in template {
        match piece {
            Piece::Sequence { id, .. } => found.push(*id),
            Piece::SpecialToken { id, .. } => {
                let Some(token) = special_tokens.get(id) else {
                    return Err(format!("the post_processor adds `{id}`, but its `special_tokens` do not define it"));
                };
                if token.ids.len() != token.tokens.len() || token.ids.len() > PARTS {
                    return Err(format!(
                        "the post_processor's `special_tokens` define `{id}` by {} ids and {} tokens",
                        token.ids.len(),
                        token.tokens.len()
                    ));
                }
            }
        }
    }
    match found == texts {
        true => Ok(()),
        false => Err(format!(
            "the post_processor's `{name}` has {} texts in the wrong number or order; expected {}",
            found.len(),
            if texts.len() == 1 { "A once" } else { "A and B, once each" }
        )),
    }
}
