//! Checks a tokenizer.json before the tokenizers crate reads it: that it is whole, and that it has only parts that models of
//! the BERT family use.

use super::charsmap;
use crate::error::{Error, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Reads text into words. `FixedLength`, which cuts text into pieces of a number of characters, is left out.
const PRE_TOKENIZERS: [&str; 11] = [
    "BertPreTokenizer",
    "ByteLevel",
    "CharDelimiterSplit",
    "Digits",
    "Metaspace",
    "Punctuation",
    "Sequence",
    "Split",
    "UnicodeScripts",
    "Whitespace",
    "WhitespaceSplit",
];

/// Add special tokens to texts and pairs.
const ADDING_PROCESSORS: [&str; 3] = ["BertProcessing", "RobertaProcessing", "TemplateProcessing"];

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Option<Vec<AddedToken>>,
    normalizer: Option<Part>,
    pre_tokenizer: Option<Part>,
    post_processor: Option<Part>,
    #[serde(rename = "model")]
    _model: IgnoredAny,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u64,
    content: String,
}

/// A normalizer, pre-tokenizer or post-processor, or a sequence of them.
#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    name: String,
    #[serde(default, alias = "pretokenizers", alias = "processors", alias = "normalizers")]
    parts: Vec<Part>,
    precompiled_charsmap: Option<String>,
    // Those of a template.
    single: Option<Vec<Piece>>,
    pair: Option<Vec<Piece>>,
    special_tokens: Option<BTreeMap<String, IgnoredAny>>,
}

/// A piece of a template: a special token, or one of the texts.
#[derive(Deserialize)]
struct Piece {
    #[serde(rename = "SpecialToken")]
    special: Option<SpecialToken>,
}

#[derive(Deserialize)]
struct SpecialToken {
    id: String,
}

impl Part {
    /// This part and all parts in it.
    fn all(&self) -> Vec<&Part> {
        std::iter::once(self).chain(self.parts.iter().flat_map(Part::all)).collect()
    }

    /// Returns a special token of a template that has no id.
    fn undefined_token(&self) -> Option<&str> {
        let pieces = self.single.iter().chain(&self.pair).flatten();
        let mut tokens = pieces.filter_map(|piece| piece.special.as_ref()).map(|token| token.id.as_str());
        tokens.find(|&token| !self.special_tokens.as_ref().is_some_and(|defined| defined.contains_key(token)))
    }

    /// Returns what is wrong with a normalization table.
    fn table_fault(&self) -> Option<&'static str> {
        match &self.precompiled_charsmap {
            Some(table) => charsmap::fault(table),
            None => (self.name == "Precompiled").then_some("is missing"),
        }
    }
}

/// Checks the bytes of a tokenizer.json, which errors call `file_name`.
///
/// # Errors
/// If they are not, or only the start of, a tokenizer.json; or if a part is damaged or not used by the BERT family.
pub(super) fn check(bytes: &[u8], file_name: &str) -> Result<()> {
    let bad = |problem: String| Err(Error::file(file_name, problem));
    let file: File = serde_json::from_slice(bytes).map_err(|e| {
        let problem =
            if e.is_data() { "is not a tokenizer.json" } else { "is not a tokenizer.json, or is cut off or damaged" };
        Error::file_from(file_name, problem, e)
    })?;
    if let Some(empty) = file.added_tokens.iter().flatten().find(|token| token.content.is_empty()) {
        return bad(format!("`added_tokens` has an empty token (id {}); remove it", empty.id));
    }
    let all = |part: &Option<Part>| part.iter().flat_map(Part::all).map(|part| part.name.clone()).collect::<Vec<_>>();
    if let Some(name) = all(&file.pre_tokenizer).iter().find(|name| !PRE_TOKENIZERS.contains(&name.as_str())) {
        return bad(format!("the pre_tokenizer `{name}` is not one that models of the BERT family use"));
    }
    let adding = all(&file.post_processor).into_iter().filter(|name| ADDING_PROCESSORS.contains(&name.as_str()));
    let adding: Vec<_> = adding.collect();
    if adding.len() > 1 {
        return bad(format!("the post_processor adds special tokens more than once ({})", adding.join(", ")));
    }
    if let Some(token) = file.post_processor.iter().flat_map(Part::all).find_map(Part::undefined_token) {
        return bad(format!("the post_processor adds `{token}`, but its `special_tokens` do not define it"));
    }
    match file.normalizer.iter().flat_map(Part::all).find_map(Part::table_fault) {
        Some(fault) => bad(format!("the normalizer's `precompiled_charsmap` {fault}")),
        None => Ok(()),
    }
}
