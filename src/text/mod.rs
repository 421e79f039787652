//! Texts and pairs of texts: reading them from files, and tokenizing them.

mod charsmap;
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
