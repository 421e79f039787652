//! Tokenizes sentence pairs without padding, and cuts them to the caller's limit.

use crate::error::{Error, Result};
use std::path::Path;
use tokenizers::{Encoding, PostProcessor, Tokenizer, TruncationParams, TruncationStrategy, truncate_encodings};

/// The token ids and types of a sentence pair, without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Vocabulary ids, including special tokens.
    pub ids: Vec<i64>,
    /// Token types: 0 for the first sentence, 1 for the second.
    pub types: Vec<i64>,
    /// Whether the pair was longer than the limit and was cut.
    pub truncated: bool,
}

/// The tokenizer of a BERT model, from its tokenizer.json. The file's own padding and truncation settings are ignored.
///
/// ```
/// use bert8::text::PairTokenizer;
///
/// let json = include_bytes!("../../tests/golden/tokenizer.json");
/// let tokens = PairTokenizer::from_bytes(json, "tokenizer.json")?.encode("the cat sat", "home", 48)?;
/// assert_eq!(tokens.types, [0, 0, 0, 0, 0, 1, 1]);
/// # Ok::<(), bert8::Error>(())
/// ```
#[derive(Debug)]
pub struct PairTokenizer {
    inner: Tokenizer,
    file_name: String,
}

impl PairTokenizer {
    /// Reads the bytes of a tokenizer.json, which errors call `file_name`.
    ///
    /// # Errors
    /// If the bytes are not a tokenizer.json, or the tokenizer does not add `[CLS]` and `[SEP]` to pairs.
    pub fn from_bytes(bytes: &[u8], file_name: &str) -> Result<Self> {
        let mut inner = Tokenizer::from_bytes(bytes)
            .map_err(|e| Error::file_from(file_name, "is not a tokenizer.json, or is cut off", e))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| Error::file_from(file_name, "cannot be used", e))?;
        let added = inner.get_post_processor().map_or(0, |p| p.added_tokens(true));
        if added < 2 {
            return Err(Error::file(
                file_name,
                "adds no [CLS] and [SEP] to sentence pairs (no post_processor for pairs); use the tokenizer.json of the \
                 BERT model",
            ));
        }
        Ok(PairTokenizer { inner, file_name: file_name.to_owned() })
    }

    /// Reads the tokenizer.json at `path`.
    ///
    /// # Errors
    /// If the file cannot be read, and as [`PairTokenizer::from_bytes`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Checks that every id is below `vocab_size`, the number of entries of the model's vocabulary.
    ///
    /// # Errors
    /// If an id is not.
    pub fn check_vocabulary(&self, vocab_size: usize) -> Result<()> {
        // The post-processor stores its own ids for [CLS] and [SEP].
        let special = self.inner.encode_fast(("", ""), true).map_err(|e| self.error(e))?;
        let ids = self.inner.get_vocab(true).into_values().chain(special.get_ids().iter().copied());
        let highest = ids.max().unwrap_or(0) as usize;
        if highest >= vocab_size {
            return Err(Error::file(
                &self.file_name,
                format!(
                    "has ids up to {highest}, but the model's vocabulary has {vocab_size} entries; use the model's own tokenizer"
                ),
            ));
        }
        Ok(())
    }

    /// Returns how many tokens a limit of `max_length` leaves for words, after the special tokens.
    ///
    /// # Errors
    /// If it leaves none.
    pub fn check_limit(&self, max_length: usize) -> Result<usize> {
        let special = self.inner.get_post_processor().map_or(0, |p| p.added_tokens(true));
        max_length.checked_sub(special).filter(|&room| room > 0).ok_or_else(|| {
            Error::Argument(format!(
                "a length limit of {max_length} tokens leaves no room for words; it must be at least {}",
                special + 1
            ))
        })
    }

    /// Tokenizes a pair. If it has more than `max_length` tokens, including special tokens, the longer sentence is cut first.
    ///
    /// # Errors
    /// If `max_length` leaves no room for words, or the tokenizer fails.
    pub fn encode(&self, first: &str, second: &str, max_length: usize) -> Result<Tokens> {
        let fail = |e| self.error(e);
        let room = self.check_limit(max_length)?;
        let encode = |text: &str| self.inner.encode_fast(text, false).map_err(fail);
        let (first, second) = (encode(first)?, encode(second)?);
        let truncated = first.len() + second.len() > room;
        let params =
            TruncationParams { max_length: room, strategy: TruncationStrategy::LongestFirst, ..Default::default() };
        let (mut first, second) = truncate_encodings(first, Some(second), &params).map_err(fail)?;
        first.take_overflowing();
        let second = second.map(|mut encoding: Encoding| {
            encoding.take_overflowing();
            encoding
        });
        let whole = self.inner.post_process(first, second, true).map_err(fail)?;
        let widen = |values: &[u32]| values.iter().map(|&v| i64::from(v)).collect();
        Ok(Tokens { ids: widen(whole.get_ids()), types: widen(whole.get_type_ids()), truncated })
    }

    fn error(&self, source: tokenizers::Error) -> Error {
        Error::file_from(&self.file_name, "cannot tokenize", source)
    }
}
