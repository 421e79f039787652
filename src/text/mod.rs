//! Texts and pairs of texts: reading them from files, and tokenizing them.

#[cfg(feature = "dataset")]
pub mod dataset;
mod input;
mod tokenizer;
pub mod wordpiece;

pub use input::TextInput;
pub use tokenizer::{TextTokenizer, Tokens};
