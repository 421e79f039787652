//! Sentence pairs to token ids, at their real length: no padding, and truncation by our own limit.

use crate::error::{Error, Result};
use tokenizers::{Encoding, PostProcessor, Tokenizer, TruncationParams, TruncationStrategy, truncate_encodings};

/// A tokenized pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Vocabulary ids, special tokens included.
    pub ids: Vec<i64>,
    /// 0 for the first sentence, 1 for the second.
    pub types: Vec<i64>,
    /// Whether the pair was longer than the limit.
    pub truncated: bool,
}

/// A tokenizer.json whose padding and truncation settings have been replaced by ours.
#[derive(Debug)]
pub struct PairTokenizer {
    inner: Tokenizer,
    file: String,
}

impl PairTokenizer {
    /// Reads a tokenizer.json; `file` is named in errors.
    pub fn from_bytes(bytes: &[u8], file: &str) -> Result<Self> {
        let mut inner = Tokenizer::from_bytes(bytes)
            .map_err(|e| Error::file(file, format!("is not a tokenizer.json, or is cut off: {e}")))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| Error::file(file, e.to_string()))?;
        let added = inner.get_post_processor().map_or(0, |p| p.added_tokens(true));
        if added < 2 {
            return Err(Error::file(
                file,
                "adds no [CLS] and [SEP] to sentence pairs (no post_processor for pairs); use the tokenizer.json of the \
                 BERT model",
            ));
        }
        Ok(PairTokenizer { inner, file: file.to_owned() })
    }

    /// Checks that every id fits a model of `vocab_size` words.
    pub fn check_vocabulary(&self, vocab_size: usize) -> Result<()> {
        // The post-processor has its own ids for [CLS] and [SEP].
        let fail = |e: tokenizers::Error| Error::file(&self.file, format!("cannot tokenize: {e}"));
        let special = self.inner.encode_fast(("", ""), true).map_err(fail)?;
        let ids = self.inner.get_vocab(true).into_values().chain(special.get_ids().iter().copied());
        let highest = ids.max().unwrap_or(0) as usize;
        if highest >= vocab_size {
            return Err(Error::file(
                &self.file,
                format!(
                    "has ids up to {highest}, but the model's vocabulary has {vocab_size} entries; use the model's own tokenizer"
                ),
            ));
        }
        Ok(())
    }

    /// The tokens that a limit of `max_length` leaves for words, beside the special tokens.
    ///
    /// # Errors
    /// If that is none.
    pub fn check_limit(&self, max_length: usize) -> Result<usize> {
        let special = self.inner.get_post_processor().map_or(0, |p| p.added_tokens(true));
        max_length.checked_sub(special).filter(|&room| room > 0).ok_or_else(|| {
            Error::Argument(format!(
                "a length limit of {max_length} tokens leaves no room for words; give {} or more",
                special + 1
            ))
        })
    }

    /// Tokenizes a pair, cut to `max_length` tokens from the longer sentence first.
    pub fn encode(&self, first: &str, second: &str, max_length: usize) -> Result<Tokens> {
        let fail = |e: tokenizers::Error| Error::file(&self.file, format!("cannot tokenize: {e}"));
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
}
