//! Sentences: files of pairs, and their way to token ids.

#[cfg(feature = "cli")]
pub mod pairs;
mod tokenizer;
pub mod wordpiece;

pub use tokenizer::{PairTokenizer, Tokens};
