//! Texts and pairs of texts: reading them from files, and tokenizing them.

mod input;
#[cfg(feature = "pairs")]
pub mod pairs;
mod tokenizer;
pub mod wordpiece;

pub use input::TextInput;
pub use tokenizer::{TextTokenizer, Tokens};
