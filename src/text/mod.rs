//! Texts and pairs of texts: reading them from files, and tokenizing them.

#[cfg(feature = "dataset")]
pub mod dataset;
mod input;
mod prefix;
mod tokenizer;
mod tokenizer_config;
mod tokenizer_file;
mod trie;
mod unigram;
mod vocabulary_model;
pub mod wordpiece;

pub use input::TextInput;
pub use tokenizer::{TextTokenizer, Tokens};

use tokenizers::{DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl};

/// A tokenizer of the tokenizers crate with a vocabulary model of this library.
type Tokenizer = TokenizerImpl<
    vocabulary_model::VocabularyModel,
    NormalizerWrapper,
    PreTokenizerWrapper,
    PostProcessorWrapper,
    DecoderWrapper,
>;
