//! The model of a tokenizer: what splits words into entries of the vocabulary.

use super::unigram::Unigram;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tokenizers::models::{ModelWrapper, TrainerWrapper};
use tokenizers::{Model, Result, Token};

/// A model of a tokenizer.json.
#[derive(Debug, Clone)]
pub(super) enum VocabularyModel {
    /// Unigram, with little memory.
    Unigram(Unigram),
    /// The tokenizers crate's own model.
    Other(Box<ModelWrapper>),
}

impl VocabularyModel {
    /// Returns the highest id; 0 for an empty vocabulary.
    pub fn highest_id(&self) -> u32 {
        match self {
            VocabularyModel::Unigram(model) => model.len().saturating_sub(1) as u32,
            VocabularyModel::Other(model) => model.get_vocab().into_values().max().unwrap_or(0),
        }
    }
}

impl Model for VocabularyModel {
    type Trainer = TrainerWrapper;

    fn tokenize(&self, sequence: &str) -> Result<Vec<Token>> {
        match self {
            VocabularyModel::Unigram(model) => model.tokenize(sequence),
            VocabularyModel::Other(model) => model.tokenize(sequence),
        }
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        match self {
            VocabularyModel::Unigram(model) => model.id(token),
            VocabularyModel::Other(model) => model.token_to_id(token),
        }
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        match self {
            VocabularyModel::Unigram(model) => model.entries().find(|(_, other)| *other == id).map(|(entry, _)| entry),
            VocabularyModel::Other(model) => model.id_to_token(id),
        }
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        match self {
            VocabularyModel::Unigram(model) => model.entries().collect(),
            VocabularyModel::Other(model) => model.get_vocab(),
        }
    }

    fn get_vocab_size(&self) -> usize {
        match self {
            VocabularyModel::Unigram(model) => model.len(),
            VocabularyModel::Other(model) => model.get_vocab_size(),
        }
    }

    fn save(&self, _: &Path, _: Option<&str>) -> Result<Vec<PathBuf>> {
        Err("a tokenizer of a classifier is not written".into())
    }

    fn get_trainer(&self) -> TrainerWrapper {
        match self {
            VocabularyModel::Unigram(_) => ModelWrapper::Unigram(Default::default()).get_trainer(),
            VocabularyModel::Other(model) => model.get_trainer(),
        }
    }
}
