//! Tokenizes texts and pairs without padding, and cuts them to the caller's limit.

use super::TextInput;
use crate::error::{Error, Result};
use crate::task::Texts;
use std::path::Path;
use tokenizers::models::ModelWrapper;
use tokenizers::{Encoding, PostProcessor, Tokenizer, TruncationParams, TruncationStrategy, truncate_encodings};

/// The token ids and types of a text or a pair, without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Vocabulary ids, including special tokens.
    pub ids: Vec<i64>,
    /// Token types: 0 for the first text, 1 for the second.
    pub types: Vec<i64>,
    /// Whether the input was longer than the limit and was cut.
    pub truncated: bool,
}

/// The tokenizer of a model of the BERT family, from its tokenizer.json: WordPiece, byte-level BPE or Unigram. The file's
/// own settings for padding, truncation and dropout are ignored.
///
/// ```
/// use bert8::text::TextTokenizer;
///
/// let json = include_bytes!("../../tests/golden/tokenizer.json");
/// let tokens = TextTokenizer::from_bytes(json, "tokenizer.json")?.encode(("the cat sat", "home"), 48)?;
/// assert_eq!(tokens.types, [0, 0, 0, 0, 0, 1, 1]);
/// # Ok::<(), bert8::Error>(())
/// ```
#[derive(Debug)]
pub struct TextTokenizer {
    inner: Tokenizer,
    file_name: String,
}

impl TextTokenizer {
    /// Reads the bytes of a tokenizer.json, which errors call `file_name`.
    ///
    /// # Errors
    /// If the bytes are not a tokenizer.json, or the tokenizer does not add the special tokens of a classifier, such as
    /// `[CLS]` and `[SEP]`, to texts and pairs.
    pub fn from_bytes(bytes: &[u8], file_name: &str) -> Result<Self> {
        let mut inner = Tokenizer::from_bytes(bytes)
            .map_err(|e| Error::file_from(file_name, "is not a tokenizer.json, or is cut off", e))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| Error::file_from(file_name, "cannot be used", e))?;
        for texts in [Texts::Single, Texts::Pair] {
            if special_tokens(&inner, texts) < 2 {
                return Err(Error::file(
                    file_name,
                    format!(
                        "adds no special tokens such as [CLS] and [SEP] to {texts} (no post_processor that does); use the \
                         tokenizer.json of the model"
                    ),
                ));
            }
        }
        if let ModelWrapper::BPE(bpe) = inner.get_model()
            && bpe.dropout.is_some()
        {
            // Dropout is for training. It would give the same text other tokens at every call.
            let mut bpe = bpe.clone();
            bpe.dropout = None;
            inner.with_model(bpe);
        }
        Ok(TextTokenizer { inner, file_name: file_name.to_owned() })
    }

    /// Reads the tokenizer.json at `path`.
    ///
    /// # Errors
    /// If the file cannot be read, and as [`TextTokenizer::from_bytes`].
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
        // The post-processor stores its own ids of special tokens.
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

    /// Returns how many tokens a limit of `max_length` leaves for words, after the special tokens of an input of `texts`.
    ///
    /// # Errors
    /// If it leaves none.
    pub fn check_limit(&self, max_length: usize, texts: Texts) -> Result<usize> {
        let special = special_tokens(&self.inner, texts);
        max_length.checked_sub(special).filter(|&room| room > 0).ok_or_else(|| {
            Error::Argument(format!(
                "a length limit of {max_length} tokens leaves no room for the words of {texts}; it must be at least {}",
                special + 1
            ))
        })
    }

    /// Tokenizes a text or a pair. If it has more than `max_length` tokens, including special tokens, the text is cut; of a
    /// pair, the longer text is cut first.
    ///
    /// # Errors
    /// If `max_length` leaves no room for words, or the tokenizer fails.
    pub fn encode<'a>(&self, input: impl Into<TextInput<'a>>, max_length: usize) -> Result<Tokens> {
        let input = input.into();
        let fail = |e| self.error(e);
        let room = self.check_limit(max_length, input.texts())?;
        let encode = |text: &str| self.inner.encode_fast(text, false).map_err(fail);
        let (first, second) = (encode(input.first)?, input.second.map(encode).transpose()?);
        let truncated = first.len() + second.as_ref().map_or(0, Encoding::len) > room;
        let params =
            TruncationParams { max_length: room, strategy: TruncationStrategy::LongestFirst, ..Default::default() };
        let (mut first, second) = truncate_encodings(first, second, &params).map_err(fail)?;
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

/// The number of special tokens that `tokenizer` adds to an input of `texts`.
fn special_tokens(tokenizer: &Tokenizer, texts: Texts) -> usize {
    tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(texts == Texts::Pair))
}
