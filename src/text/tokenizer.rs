//! Tokenizes texts and pairs without padding, and cuts them to the caller's limit.

use super::prefix::{MAX_BYTES, encode_start};
use super::tokenizer_config::TokenizerConfig;
use super::tokenizer_file::{self, Read};
use super::{TextInput, Tokenizer, wordpiece};
use crate::error::{Error, Result};
use crate::files::{Disk, Files};
use crate::task::Texts;
use serde_json::{Map, Value};
use std::path::Path;
use tokenizers::{
    Encoding, PostProcessor, TruncationDirection, TruncationParams, TruncationStrategy, truncate_encodings,
};

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
    length_limit: Option<usize>,
    /// No more of a text is read.
    most_bytes: usize,
}

impl TextTokenizer {
    /// Reads the bytes of a tokenizer.json, which errors call `file_name`.
    ///
    /// # Errors
    /// If the bytes are not a tokenizer.json, or the tokenizer does not add the special tokens of a classifier, such as
    /// `[CLS]` and `[SEP]`, to texts and pairs.
    pub fn from_bytes(bytes: &[u8], file_name: &str) -> Result<Self> {
        let Read { tokenizer: inner, growth } = tokenizer_file::read(bytes, file_name)?;
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
        let most_bytes = MAX_BYTES / growth;
        Ok(TextTokenizer { inner, file_name: file_name.to_owned(), length_limit: None, most_bytes })
    }

    /// Reads the tokenizer at `path`: a tokenizer.json, or a vocab.txt of BERT (WordPiece, one token a line), whose name must
    /// end in `.txt`. Settings come from the tokenizer_config.json beside it, if there is one: a tokenizer.json must agree
    /// with it; a vocab.txt has transformers' defaults for what it does not state.
    ///
    /// # Errors
    /// If a file cannot be read, if the tokenizer.json and the tokenizer_config.json contradict each other, if the vocab.txt
    /// lacks a special token; and as [`TextTokenizer::from_bytes`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        Self::open(&Disk, path.as_ref()).map(|(tokenizer, _)| tokenizer)
    }

    /// Reads the tokenizer at `path`, as [`TextTokenizer::from_file`] does, and returns the bytes of a tokenizer.json that is
    /// equal to it: those of the file, or what a vocab.txt and its settings make.
    ///
    /// # Errors
    /// As [`TextTokenizer::from_file`].
    pub fn json_of_file(path: impl AsRef<Path>) -> Result<Vec<u8>> {
        Self::open(&Disk, path.as_ref()).map(|(_, json)| json)
    }

    /// Reads the tokenizer at `path` of `files`, as [`TextTokenizer::from_file`] does, and returns it with the bytes of a
    /// tokenizer.json that is equal to it.
    ///
    /// # Errors
    /// As [`TextTokenizer::from_file`].
    pub fn open(files: &dyn Files, path: &Path) -> Result<(Self, Vec<u8>)> {
        let file_name = path.display().to_string();
        let mut json = files.read(path).map_err(|e| Error::io("read", path, e))?.into_owned();
        let config = TokenizerConfig::beside(files, path)?.unwrap_or_default();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("txt")) {
            json = vocabulary_json(&json, &config, &file_name)?.to_string().into_bytes();
        }
        let tokenizer = Self::from_bytes(&json, &file_name)?;
        config.check(tokenizer.inner.get_normalizer(), &file_name)?;
        Ok((TextTokenizer { length_limit: config.length_limit(), ..tokenizer }, json))
    }

    /// Reads the tokenizer in `folder`: its tokenizer.json, or without one its vocab.txt.
    ///
    /// # Errors
    /// As [`TextTokenizer::from_file`].
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self> {
        let [json, vocabulary] = ["tokenizer.json", "vocab.txt"].map(|name| folder.as_ref().join(name));
        Self::from_file(if !json.exists() && vocabulary.exists() { vocabulary } else { json })
    }

    /// The length in tokens that transformers cuts inputs to: `model_max_length` in the tokenizer_config.json beside the
    /// file. Returns `None` if there is none. bert8 itself cuts to the model's limit or the caller's.
    pub fn length_limit(&self) -> Option<usize> {
        self.length_limit
    }

    /// Checks that every id is below `vocab_size`, the number of entries of the model's vocabulary.
    ///
    /// # Errors
    /// If an id is not.
    pub fn check_vocabulary(&self, vocab_size: usize) -> Result<()> {
        // The post-processor stores its own ids of special tokens.
        let special = self.inner.encode_fast(("", ""), true).map_err(|e| self.error(e))?;
        let added = self.inner.get_added_vocabulary().get_vocab().values();
        let ids = added.chain(special.get_ids()).copied();
        let highest = ids.fold(self.inner.get_model().highest_id(), u32::max) as usize;
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

    /// The id of the token that stands for unknown words, if there is one.
    pub fn unknown_id(&self) -> Option<i64> {
        ["[UNK]", "<unk>"].iter().find_map(|token| self.inner.token_to_id(token)).map(i64::from)
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
    /// No more of a long text is read than its first tokens need, and never more than 1 MiB; less if the normalizer makes texts many
    /// times as long. If both texts of a pair are far longer
    /// than the limit, the one with more bytes counts as the longer one.
    ///
    /// # Errors
    /// If `max_length` leaves no room for words, or the tokenizer fails.
    pub fn encode<'a>(&self, input: impl Into<TextInput<'a>>, max_length: usize) -> Result<Tokens> {
        let input = input.into();
        let room = self.check_limit(max_length, input.texts())?;
        let (first, second, complete) = self.encode_texts(input, room).map_err(|e| self.error(e))?;
        self.cut(first, second, room, complete)
    }

    /// Returns the tokens of both texts, without special tokens, and whether these are all. A text whose tokens are not complete has
    /// more than `room` of them, so the result is cut as the complete tokens would be.
    fn encode_texts(&self, input: TextInput, room: usize) -> tokenizers::Result<(Encoding, Option<Encoding>, bool)> {
        let encode = |text, count| encode_start(&self.inner, text, count, self.most_bytes);
        let mut first = encode(input.first, room)?;
        let Some(text) = input.second else { return Ok((first.encoding, None, first.complete)) };
        // A text that is not complete counts as the longer one if it has more tokens than the other.
        let mut second = encode(text, if first.complete { first.encoding.len().max(room) } else { room })?;
        if second.complete && !first.complete {
            first = encode(input.first, second.encoding.len().max(room))?;
        } else if !second.complete && !first.complete {
            let shorter = if input.first.len() > text.len() { &mut second } else { &mut first };
            shorter.encoding.truncate(room, 0, TruncationDirection::Right);
        }
        let complete = first.complete && second.complete;
        Ok((first.encoding, Some(second.encoding), complete))
    }

    /// Cuts the tokens of both texts to `room`, and adds special tokens.
    fn cut(&self, first: Encoding, second: Option<Encoding>, room: usize, complete: bool) -> Result<Tokens> {
        let fail = |e| self.error(e);
        let truncated = !complete || first.len() + second.as_ref().map_or(0, Encoding::len) > room;
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

/// Returns the tokenizer.json of a vocab.txt, whose lines are the tokens in the order of their ids.
fn vocabulary_json(bytes: &[u8], config: &TokenizerConfig, file_name: &str) -> Result<Value> {
    let text = std::str::from_utf8(bytes).map_err(|e| Error::file_from(file_name, "is not UTF-8 text", e))?;
    let lines = text.trim_start_matches('\u{feff}').lines();
    let vocabulary: Map<String, Value> = lines.enumerate().map(|(id, token)| (token.to_owned(), id.into())).collect();
    let special = config.special_tokens();
    // Padding and masks are not needed.
    match special[1..4].iter().find(|token| !vocabulary.contains_key(*token)) {
        Some(missing) => {
            Err(Error::file(file_name, format!("has no token `{missing}`; it is not the vocabulary of a BERT model")))
        }
        None => Ok(wordpiece::from_vocabulary(vocabulary, &special, config.normalizer())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    const TOKENIZERS: [(&str, &str); 4] = [
        ("byte-level-bpe", include_str!("../../tests/tokenizers/byte-level-bpe.json")),
        ("unigram", include_str!("../../tests/tokenizers/unigram.json")),
        ("wordpiece-cased", include_str!("../../tests/tokenizers/wordpiece-cased.json")),
        ("wordpiece-uncased", include_str!("../../tests/tokenizers/wordpiece-uncased.json")),
    ];

    /// Tokenizes whole texts.
    fn encode_whole(tokenizer: &TextTokenizer, input: TextInput, max_length: usize) -> Tokens {
        let encode = |text| tokenizer.inner.encode_fast(text, false).unwrap();
        let room = tokenizer.check_limit(max_length, input.texts()).unwrap();
        tokenizer.cut(encode(input.first), input.second.map(encode), room, true).unwrap()
    }

    /// Hard texts, and a number of bytes of them in a random order.
    fn long_text(rng: &mut Rng, texts: &[&str], between: &str, bytes: usize) -> String {
        let mut long = String::new();
        while long.len() < bytes {
            long += texts[rng.below(texts.len())];
            long += between;
        }
        long
    }

    #[test]
    fn long_texts_have_the_first_tokens_of_the_whole() {
        let expected: Value = serde_json::from_str(include_str!("../../tests/tokenizers/expected.json")).unwrap();
        let texts: Vec<&str> = expected["texts"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let mut rng = Rng::new(7);
        let mut shortened = 0;
        for (name, json) in TOKENIZERS {
            let tokenizer = TextTokenizer::from_bytes(json.as_bytes(), name).unwrap();
            for round in 0..12 {
                let between = ["", " ", "\n", "  ", " a b ", "\u{301}"][round % 6];
                let max_length = [5, 6, 9, 16, 33, 64][rng.below(6)];
                let [long, other] = [20 + rng.below(20_000), 20 + rng.below(4000)];
                let (long, other) =
                    (long_text(&mut rng, &texts, between, long), long_text(&mut rng, &texts, " ", other));
                for input in [
                    TextInput::from(long.as_str()),
                    (other.as_str(), long.as_str()).into(),
                    (long.as_str(), "a b").into(),
                ] {
                    let start = encode_start(&tokenizer.inner, input.first, max_length, MAX_BYTES).unwrap();
                    shortened += usize::from(!start.complete);
                    let found = tokenizer.encode(input, max_length).unwrap();
                    let whole = encode_whole(&tokenizer, input, max_length);
                    let both = input.second.is_some_and(|second| second.len().min(input.first.len()) > max_length * 16);
                    // Two long texts may differ in which one keeps one token more.
                    if !both {
                        assert_eq!(found, whole, "{name}, {max_length} tokens of {} bytes", input.first.len());
                    }
                    assert_eq!((found.ids.len(), found.truncated), (whole.ids.len(), whole.truncated), "{name}");
                }
            }
        }
        assert!(shortened > 50, "only {shortened} texts were shortened");
    }

    #[test]
    fn words_without_end_are_read_to_the_end() {
        for (name, json) in TOKENIZERS {
            let tokenizer = TextTokenizer::from_bytes(json.as_bytes(), name).unwrap();
            for unit in ["a", "ab1", " ", "\t", "e\u{301}", "\u{4e2d}", "\u{3b1}", "<mask>", "."] {
                let text = format!("so {}. And then some more words", unit.repeat(3000 / unit.len()));
                let input = TextInput::from(text.as_str());
                assert_eq!(
                    tokenizer.encode(input, 12).unwrap(),
                    encode_whole(&tokenizer, input, 12),
                    "{name}: {unit:?}"
                );
            }
        }
    }

    #[test]
    fn a_word_without_end_is_cut() {
        let (name, json) = TOKENIZERS[3];
        let tokenizer = TextTokenizer::from_bytes(json.as_bytes(), name).unwrap();
        let tokens = tokenizer.encode("x".repeat(3 << 20).as_str(), 128).unwrap();
        assert_eq!((tokens.ids.len(), tokens.truncated), (3, true), "one unknown word");
    }

    #[test]
    fn little_of_a_vast_text_is_read() {
        for (name, json) in TOKENIZERS {
            let tokenizer = TextTokenizer::from_bytes(json.as_bytes(), name).unwrap();
            for words in
                ["the cat sat on the mat, and then it left. ", "\u{43e}\u{43d}\u{430} \u{431}\u{44b}\u{43b}\u{430} "]
            {
                let text = words.repeat(400_000);
                let start = encode_start(&tokenizer.inner, &text, 128, MAX_BYTES).unwrap();
                assert!(!start.complete && (129..4000).contains(&start.encoding.len()), "{name}");
                assert!(tokenizer.encode(text.as_str(), 128).unwrap().truncated);
            }
        }
    }
}
