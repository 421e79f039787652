//! The tokenizer_config.json beside a tokenizer.json or a vocab.txt.

use crate::error::{Error, Result};
use crate::files::Files;
use serde::Deserialize;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::Path;
use tokenizers::normalizers::{BertNormalizer, NormalizerWrapper};

/// The settings of transformers' BERT tokenizers. `None` if the file does not state them.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TokenizerConfig {
    do_lower_case: Option<bool>,
    // A setting that is null has a meaning of its own.
    #[serde(default, deserialize_with = "stated")]
    strip_accents: Option<Option<bool>>,
    tokenize_chinese_chars: Option<bool>,
    tokenizer_class: Option<String>,
    // Transformers writes a huge number if there is no limit.
    model_max_length: Option<f64>,
    pad_token: Option<Value>,
    unk_token: Option<Value>,
    cls_token: Option<Value>,
    sep_token: Option<Value>,
    mask_token: Option<Value>,
}

fn stated<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<bool>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Classes that take a tokenizer.json as it is.
const GENERIC_CLASSES: [&str; 2] = ["PreTrainedTokenizerFast", "TokenizersBackend"];

impl TokenizerConfig {
    /// Reads the file beside `path` of `files`; returns `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is not JSON.
    pub fn beside(files: &dyn Files, path: &Path) -> Result<Option<Self>> {
        let path = path.with_file_name("tokenizer_config.json");
        let bytes = match files.read(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|e| Error::io("read", &path, e))?,
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let problem = "is not a tokenizer_config.json";
        serde_json::from_slice(bytes).map(Some).map_err(|e| Error::file_from(path.display().to_string(), problem, e))
    }

    /// Checks that a BERT tokenizer.json, which errors call `file_name`, has these settings. If it has not, transformers
    /// follows the configuration, and programs that only read the tokenizer.json do not.
    ///
    /// # Errors
    /// If a setting is another one.
    pub fn check(&self, normalizer: Option<&NormalizerWrapper>, file_name: &str) -> Result<()> {
        let Some(NormalizerWrapper::BertNormalizer(normalizer)) = normalizer else { return Ok(()) };
        if self.tokenizer_class.as_deref().is_some_and(|class| GENERIC_CLASSES.contains(&class)) {
            return Ok(());
        }
        let lowercase = self.do_lower_case.unwrap_or(normalizer.lowercase);
        let accents = self.strip_accents.unwrap_or(normalizer.strip_accents);
        let chinese = self.tokenize_chinese_chars.unwrap_or(normalizer.handle_chinese_chars);
        // Lower-casing also strips accents, unless the setting says otherwise.
        let strips = |setting: Option<bool>, lowercase: bool| setting.unwrap_or(lowercase);
        let (given, found) = (strips(accents, lowercase), strips(normalizer.strip_accents, normalizer.lowercase));
        let settings = [
            ("do_lower_case", lowercase, "lowercase", normalizer.lowercase),
            ("strip_accents", given, "strip_accents", found),
            ("tokenize_chinese_chars", chinese, "handle_chinese_chars", normalizer.handle_chinese_chars),
        ];
        match settings.iter().find(|(_, given, _, found)| given != found) {
            None => Ok(()),
            Some((name, given, field, found)) => Err(Error::file(
                file_name,
                format!(
                    "the normalizer's `{field}` is {found}, but `{name}` in tokenizer_config.json beside it makes it \
                     {given}; the model was trained with one of them: make both files say the same"
                ),
            )),
        }
    }

    /// The length in tokens that transformers cuts inputs to, if the file states a plausible one.
    pub fn length_limit(&self) -> Option<usize> {
        self.model_max_length.filter(|&length| (1.0..1e6).contains(&length)).map(|length| length as usize)
    }

    /// The settings of a tokenizer that is built from a vocab.txt, with transformers' defaults.
    pub fn normalizer(&self) -> BertNormalizer {
        let (chinese, lowercase) = (self.tokenize_chinese_chars.unwrap_or(true), self.do_lower_case.unwrap_or(true));
        BertNormalizer::new(true, chinese, self.strip_accents.flatten(), lowercase)
    }

    /// The tokens for padding, unknown words, starts, ends and masks.
    pub fn special_tokens(&self) -> [String; 5] {
        let tokens = [&self.pad_token, &self.unk_token, &self.cls_token, &self.sep_token, &self.mask_token];
        let mut names = super::wordpiece::SPECIAL.map(String::from);
        for (name, token) in names.iter_mut().zip(tokens) {
            // A token is a text, or an object with its text.
            let token = token.as_ref().and_then(|token| token.as_str().or_else(|| token.get("content")?.as_str()));
            if let Some(token) = token {
                *name = token.to_owned();
            }
        }
        names
    }
}
