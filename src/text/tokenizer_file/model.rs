//! The vocabulary of a tokenizer.json, and how words are split into its entries.

use super::TOKEN_BYTES;
use crate::error::shortened;
use crate::text::unigram::{ScoredEntries, Unigram};
use crate::text::vocabulary_model::VocabularyModel;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::HashMap;
use std::fmt;
use tokenizers::models::ModelWrapper;
use tokenizers::models::bpe::{self, BPE};
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::models::wordpiece::WordPiece;

/// The most entries of a vocabulary, and the most merges. The largest of the family have a quarter of that.
const ENTRIES: usize = 1 << 20;

/// The longest word that WordPiece may be asked to split, in characters. The time grows with the square of it; every BERT has
/// 100.
const WORD_CHARACTERS: usize = 256;

/// The fields of all kinds of models. Dropout is for training: it would give the same text other tokens at every call, and is
/// not read.
#[derive(Deserialize)]
pub(super) struct ModelFields {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: Vocabulary,
    merges: Option<Vec<Merge>>,
    unk_id: Option<u32>,
    unk_token: Option<String>,
    byte_fallback: Option<bool>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    fuse_unk: Option<bool>,
    ignore_merges: Option<bool>,
    max_input_chars_per_word: Option<usize>,
}

/// The kinds of models.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bpe,
    Unigram,
    WordLevel,
    WordPiece,
}

impl ModelFields {
    /// The kind of the model. Early files do not state it.
    fn kind(&self) -> Result<Kind, String> {
        match self.kind.as_deref() {
            Some("BPE") => Ok(Kind::Bpe),
            Some("Unigram") => Ok(Kind::Unigram),
            Some("WordLevel") => Ok(Kind::WordLevel),
            Some("WordPiece") => Ok(Kind::WordPiece),
            Some(other) => {
                let name = shortened(other, TOKEN_BYTES);
                Err(format!("models of the BERT family do not use the model `{name}`"))
            }
            None if self.merges.is_some() => Ok(Kind::Bpe),
            None if matches!(self.vocab, Vocabulary::Scored(_)) => Ok(Kind::Unigram),
            None if self.continuing_subword_prefix.is_some() => Ok(Kind::WordPiece),
            None => Ok(Kind::WordLevel),
        }
    }

    /// Checks that the fields are those of a model, and within limits.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        let kind = self.kind()?;
        let (entries, longest) = match &self.vocab {
            Vocabulary::Ids(ids) => (ids.len(), ids.keys().map(String::len).max()),
            Vocabulary::Scored(scored) => (scored.len(), scored.longest()),
        };
        if entries > ENTRIES {
            return Err(format!("the model's `vocab` has {entries} entries; at most {ENTRIES} are read"));
        }
        if let Some(longest) = longest.filter(|longest| *longest > TOKEN_BYTES) {
            return Err(format!("the model's `vocab` has an entry of {longest} bytes; at most {TOKEN_BYTES} are read"));
        }
        if matches!(self.vocab, Vocabulary::Scored(_)) != (kind == Kind::Unigram) {
            return Err("the model's `vocab` belongs to another type of model".to_owned());
        }
        match kind {
            Kind::Bpe => self.check_merges(),
            Kind::Unigram => match self.unk_id.is_some_and(|id| id as usize >= entries) {
                true => Err(format!("the model's `unk_id` is not one of the {entries} entries of `vocab`")),
                false => Ok(()),
            },
            Kind::WordLevel => self.unk_token.as_ref().map(|_| ()).ok_or_else(|| missing("unk_token")),
            Kind::WordPiece => {
                let most = self.max_input_chars_per_word.ok_or_else(|| missing("max_input_chars_per_word"))?;
                if most > WORD_CHARACTERS {
                    return Err(format!(
                        "the model's `max_input_chars_per_word` is {most}; at most {WORD_CHARACTERS} are read"
                    ));
                }
                self.unk_token.as_ref().ok_or_else(|| missing("unk_token"))?;
                self.continuing_subword_prefix.as_ref().ok_or_else(|| missing("continuing_subword_prefix"))?;
                Ok(())
            }
        }
    }

    fn check_merges(&self) -> Result<(), String> {
        let merges = self.merges.as_ref().ok_or_else(|| missing("merges"))?;
        if merges.len() > ENTRIES {
            return Err(format!("the model has {} `merges`; at most {ENTRIES} are read", merges.len()));
        }
        // The second part of a merge loses the prefix when both become one entry.
        let prefix = self.continuing_subword_prefix.as_deref().unwrap_or_default();
        match merges.iter().flat_map(|merge| &merge.0).find(|(_, second)| !second.starts_with(prefix)) {
            Some((first, second)) => {
                Err(format!("the model merges `{first}` and `{second}`, but `{second}` does not begin with `{prefix}`"))
            }
            None => Ok(()),
        }
    }

    /// The model that these fields, which have been checked, describe.
    ///
    /// # Errors
    /// If entries that a merge or a setting needs are missing.
    pub fn into_model(self) -> tokenizers::Result<VocabularyModel> {
        let kind = self.kind()?;
        let ids = match self.vocab {
            Vocabulary::Scored(entries) => {
                let fallback = self.byte_fallback.unwrap_or_default();
                return Ok(VocabularyModel::Unigram(Unigram::new(entries, self.unk_id, fallback)));
            }
            Vocabulary::Ids(ids) => ids.into_iter().collect(),
        };
        let unknown = self.unk_token;
        let prefix = self.continuing_subword_prefix;
        let model: ModelWrapper = match kind {
            Kind::Bpe => {
                let merges = self.merges.unwrap_or_default().into_iter().filter_map(|Merge(pair)| pair).collect();
                let mut builder = BPE::builder()
                    .vocab_and_merges::<bpe::Vocab>(ids, merges)
                    .fuse_unk(self.fuse_unk.unwrap_or_default())
                    .byte_fallback(self.byte_fallback.unwrap_or_default())
                    .ignore_merges(self.ignore_merges.unwrap_or_default());
                if let Some(unknown) = unknown {
                    builder = builder.unk_token(unknown);
                }
                if let Some(prefix) = prefix {
                    builder = builder.continuing_subword_prefix(prefix);
                }
                if let Some(suffix) = self.end_of_word_suffix {
                    builder = builder.end_of_word_suffix(suffix);
                }
                builder.build()?.into()
            }
            Kind::WordPiece => WordPiece::builder()
                .vocab(ids)
                .unk_token(unknown.unwrap_or_default())
                .continuing_subword_prefix(prefix.unwrap_or_default())
                .max_input_chars_per_word(self.max_input_chars_per_word.unwrap_or_default())
                .build()?
                .into(),
            Kind::WordLevel | Kind::Unigram => {
                WordLevel::builder().vocab(ids).unk_token(unknown.unwrap_or_default()).build()?.into()
            }
        };
        Ok(VocabularyModel::Other(Box::new(model)))
    }
}

fn missing(field: &str) -> String {
    format!("the model has no `{field}`")
}

/// The entries, with their ids or with their scores in the order of their ids.
enum Vocabulary {
    Ids(HashMap<String, u32>),
    Scored(ScoredEntries),
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("entries with their ids, or pairs of an entry and its score")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Vocabulary, A::Error> {
                let mut ids = HashMap::new();
                while let Some((entry, id)) = entries.next_entry()? {
                    ids.insert(entry, id);
                }
                Ok(Vocabulary::Ids(ids))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Vocabulary, A::Error> {
                let mut entries = ScoredEntries::default();
                while let Some((entry, score)) = pairs.next_element::<(String, f64)>()? {
                    entries.push(&entry, score);
                }
                Ok(Vocabulary::Scored(entries))
            }
        }
        deserializer.deserialize_any(Entries)
    }
}

/// Two entries that become one: two strings, or one with a space between them. `None` for the line that states the version, which
/// old files took over from merges.txt.
struct Merge(Option<(String, String)>);

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Merge;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("two entries, or one string with a space between them")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Merge, E> {
                if text.starts_with("#version") {
                    return Ok(Merge(None));
                }
                let pair = text.split_once(' ').filter(|(_, second)| !second.contains(' '));
                let (first, second) = pair.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))?;
                Ok(Merge(Some((first.to_owned(), second.to_owned()))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Merge, A::Error> {
                let (first, second) = (pair.next_element()?, pair.next_element()?);
                match (first, second, pair.next_element::<serde::de::IgnoredAny>()?) {
                    (Some(first), Some(second), None) => Ok(Merge(Some((first, second)))),
                    _ => Err(serde::de::Error::invalid_length(2, &self)),
                }
            }
        }
        deserializer.deserialize_any(Pair)
    }
}
