//! Sentence pairs: reading them from files, and tokenizing them.

#[cfg(feature = "pairs")]
pub mod pairs;
mod tokenizer;
pub mod wordpiece;

pub use tokenizer::{PairTokenizer, Tokens};
