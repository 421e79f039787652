//! Reads a tokenizer.json into types of its own, and hands only checked parts to the tokenizers crate.
//!
//! A file has a normalizer, a pre-tokenizer, a model, a post-processor and added tokens. `parts` has the kinds that models of the
//! BERT family use, `model` the vocabularies. Everything else in the file is skipped unread: what a decoder, padding and
//! truncation say does not matter here. Numbers and lengths that decide about time and memory have limits.

mod charsmap;
mod model;
mod parts;
mod pattern;
mod post_processor;

use super::Tokenizer;
use crate::error::{Error, Result, shortened};
use model::ModelFields;
use parts::{Normalizer, PreTokenizer};
use post_processor::PostProcessor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokenizers::{AddedToken, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper};

/// The most added tokens. The largest vocabularies of the family have about a hundred.
const ADDED_TOKENS: usize = 1 << 13;

/// The longest token in bytes, and the longest text that a normalizer adds.
const TOKEN_BYTES: usize = 512;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Option<Vec<Added>>,
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<PreTokenizer>,
    post_processor: Option<PostProcessor>,
    model: ModelFields,
}

/// A token that is found in a text before anything else.
#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    special: bool,
}

/// A tokenizer, and how many times as long as a text its normalized form may be.
pub(super) struct Read {
    pub tokenizer: Tokenizer,
    pub growth: usize,
}

/// Reads the bytes of a tokenizer.json, which errors call `file_name`.
///
/// # Errors
/// If they are not, or only the start of, a tokenizer.json; or if a part is damaged, beyond a limit, or not used by the BERT
/// family.
pub(super) fn read(bytes: &[u8], file_name: &str) -> Result<Read> {
    let file: File = serde_json::from_slice(bytes).map_err(|e| {
        let problem = match e.is_data() {
            true => "is not a tokenizer.json that bert8 can use",
            false => "is not a tokenizer.json, or is cut off or damaged",
        };
        Error::file_from(file_name, problem, e)
    })?;
    let growth = file.growth().map_err(|problem| Error::file(file_name, problem))?;
    let tokenizer = file.into_tokenizer();
    let tokenizer =
        tokenizer.map_err(|e| Error::file_from(file_name, "is not a tokenizer.json that bert8 can use", e))?;
    Ok(Read { tokenizer, growth })
}

impl File {
    /// Checks all parts. Returns how many times as long as a text its normalized form may be.
    ///
    /// # Errors
    /// What is wrong with the first part that cannot be used.
    fn growth(&self) -> Result<usize, String> {
        let added = self.added_tokens.as_deref().unwrap_or_default();
        if added.len() > ADDED_TOKENS {
            return Err(format!("`added_tokens` has {} tokens; at most {ADDED_TOKENS} are read", added.len()));
        }
        for token in added {
            match token.content.len() {
                0 => return Err(format!("`added_tokens` has an empty token (id {}); remove it", token.id)),
                1..=TOKEN_BYTES => {}
                long => {
                    return Err(format!("`added_tokens` has a token of {long} bytes (id {}); remove it", token.id));
                }
            }
        }
        self.model.check()?;
        self.pre_tokenizer.as_ref().map_or(Ok(()), PreTokenizer::check)?;
        self.post_processor.as_ref().map_or(Ok(()), PostProcessor::check)?;
        self.normalizer.as_ref().map_or(Ok(1), Normalizer::growth)
    }

    fn into_tokenizer(self) -> tokenizers::Result<Tokenizer> {
        let mut tokenizer = Tokenizer::new(self.model.into_model()?);
        tokenizer.with_normalizer(self.normalizer.as_ref().map(crate_part::<NormalizerWrapper>).transpose()?);
        tokenizer.with_pre_tokenizer(self.pre_tokenizer.as_ref().map(crate_part::<PreTokenizerWrapper>).transpose()?);
        tokenizer
            .with_post_processor(self.post_processor.as_ref().map(crate_part::<PostProcessorWrapper>).transpose()?);
        let added = self.added_tokens.unwrap_or_default().into_iter().map(|token| AddedToken {
            content: token.content,
            single_word: token.single_word,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            normalized: token.normalized,
            special: token.special,
        });
        tokenizer.add_tokens(&added.collect::<Vec<_>>());
        Ok(tokenizer)
    }
}

/// The part of the tokenizers crate that a checked part describes.
fn crate_part<T: DeserializeOwned>(part: impl Serialize) -> serde_json::Result<T> {
    serde_json::from_value(serde_json::to_value(part)?)
}

/// A kind of part that models of the BERT family do not use, or a part of a known kind with missing or wrong settings.
#[derive(Deserialize, Serialize)]
struct OtherPart {
    #[serde(rename = "type")]
    name: String,
}

impl OtherPart {
    /// Says what is wrong with this part in the place of a `kind`, which may be one of `known`.
    fn fault(&self, kind: &str, known: &[&str]) -> String {
        let name = shortened(&self.name, TOKEN_BYTES);
        match known.contains(&name.as_str()) {
            true => format!("the {kind} `{name}` has missing or wrong settings"),
            false => format!("models of the BERT family do not use the {kind} `{name}`"),
        }
    }
}
