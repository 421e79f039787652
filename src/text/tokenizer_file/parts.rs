//! Normalizers and pre-tokenizers.

use super::pattern::Pattern;
use super::{OtherPart, TOKEN_BYTES, charsmap};
use serde::{Deserialize, Serialize};
use tokenizers::SplitDelimiterBehavior;

/// The most parts of one kind.
const PARTS: usize = 32;

/// How many times as long the standard normal forms make a text at most: NFKC makes 33 bytes of the 3 of U+FDFA.
const UNICODE_GROWTH: usize = 12;

/// No normalizer of the family makes a text longer than this many times its length.
const GROWTH: usize = 256;

/// Turns a text into its normal form.
#[derive(Deserialize, Serialize)]
#[serde(tag = "type")]
pub(super) enum Normalizer {
    #[serde(rename = "BertNormalizer")]
    Bert {
        clean_text: bool,
        handle_chinese_chars: bool,
        strip_accents: Option<bool>,
        lowercase: bool,
    },
    ByteLevel {},
    Lowercase {},
    #[serde(rename = "NFC")]
    Nfc {},
    #[serde(rename = "NFD")]
    Nfd {},
    #[serde(rename = "NFKC")]
    Nfkc {},
    #[serde(rename = "NFKD")]
    Nfkd {},
    Nmt {},
    Precompiled {
        precompiled_charsmap: String,
    },
    Prepend {
        prepend: String,
    },
    Replace {
        pattern: Pattern,
        content: String,
    },
    Sequence {
        normalizers: Vec<Normalizer>,
    },
    Strip {
        strip_left: bool,
        strip_right: bool,
    },
    StripAccents {},
    #[serde(untagged)]
    Other(OtherPart),
}

/// The names of all normalizers.
const NORMALIZERS: [&str; 14] = [
    "BertNormalizer",
    "ByteLevel",
    "Lowercase",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Nmt",
    "Precompiled",
    "Prepend",
    "Replace",
    "Sequence",
    "Strip",
    "StripAccents",
];

impl Normalizer {
    /// Checks this part and all parts in it. Returns how many times as long as a text its normal form may be.
    ///
    /// # Errors
    /// What is wrong.
    pub fn growth(&self) -> Result<usize, String> {
        let all = self.all();
        if all.len() > PARTS {
            return Err(format!("the normalizer has {} parts; at most {PARTS} are read", all.len()));
        }
        let mut growth = UNICODE_GROWTH;
        for part in all {
            growth = growth.saturating_mul(part.own_growth()?);
        }
        match growth > GROWTH * UNICODE_GROWTH {
            true => Err(format!("the normalizer makes texts more than {GROWTH} times as long; is the file damaged?")),
            false => Ok(growth / UNICODE_GROWTH),
        }
    }

    /// How many times as long this part alone makes a text, beyond the standard normal forms.
    fn own_growth(&self) -> Result<usize, String> {
        match self {
            Normalizer::Precompiled { precompiled_charsmap } => charsmap::growth(precompiled_charsmap)
                .map_err(|fault| format!("the normalizer's `precompiled_charsmap` {fault}"))
                // The standard forms, which such tables contain, are counted already.
                .map(|growth| growth.div_ceil(UNICODE_GROWTH)),
            Normalizer::Replace { content, .. } | Normalizer::Prepend { prepend: content }
                if content.len() > TOKEN_BYTES =>
            {
                Err(format!("the normalizer adds a text of {} bytes; at most {TOKEN_BYTES} are read", content.len()))
            }
            Normalizer::Replace { pattern, content } => {
                pattern.check().map_err(|fault| format!("the normalizer {fault}"))?;
                Ok(content.len().div_ceil(pattern.shortest_match()).max(1))
            }
            Normalizer::Other(other) => Err(other.fault("normalizer", &NORMALIZERS)),
            _ => Ok(1),
        }
    }

    /// This part and all parts in it.
    fn all(&self) -> Vec<&Normalizer> {
        let parts = match self {
            Normalizer::Sequence { normalizers } => normalizers.as_slice(),
            _ => &[],
        };
        std::iter::once(self).chain(parts.iter().flat_map(Normalizer::all)).collect()
    }
}

/// Splits a text into words.
#[derive(Deserialize, Serialize)]
#[serde(tag = "type")]
pub(super) enum PreTokenizer {
    #[serde(rename = "BertPreTokenizer")]
    Bert {},
    ByteLevel {
        #[serde(default = "yes")]
        add_prefix_space: bool,
        #[serde(default = "yes")]
        trim_offsets: bool,
        #[serde(default = "yes")]
        use_regex: bool,
    },
    CharDelimiterSplit {
        delimiter: char,
    },
    Digits {
        individual_digits: bool,
    },
    Metaspace {
        replacement: char,
        #[serde(skip_serializing_if = "Option::is_none")]
        add_prefix_space: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        prepend_scheme: Option<PrependScheme>,
        split: Option<bool>,
    },
    Punctuation {
        #[serde(default = "isolated")]
        behavior: SplitDelimiterBehavior,
    },
    Sequence {
        pretokenizers: Vec<PreTokenizer>,
    },
    Split {
        pattern: Pattern,
        behavior: SplitDelimiterBehavior,
        invert: bool,
    },
    UnicodeScripts {},
    Whitespace {},
    WhitespaceSplit {},
    #[serde(untagged)]
    Other(OtherPart),
}

/// The names of all pre-tokenizers. `FixedLength`, which cuts a text into pieces of a number of characters, is left out.
const PRE_TOKENIZERS: [&str; 11] = [
    "BertPreTokenizer",
    "ByteLevel",
    "CharDelimiterSplit",
    "Digits",
    "Metaspace",
    "Punctuation",
    "Sequence",
    "Split",
    "UnicodeScripts",
    "Whitespace",
    "WhitespaceSplit",
];

/// Before which words a Metaspace adds its character.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PrependScheme {
    First,
    Never,
    Always,
}

pub(super) fn yes() -> bool {
    true
}

fn isolated() -> SplitDelimiterBehavior {
    SplitDelimiterBehavior::Isolated
}

impl PreTokenizer {
    /// Checks this part and all parts in it.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        let all = self.all();
        if all.len() > PARTS {
            return Err(format!("the pre_tokenizer has {} parts; at most {PARTS} are read", all.len()));
        }
        all.into_iter().try_for_each(|part| match part {
            PreTokenizer::Split { pattern, .. } => {
                pattern.check().map_err(|fault| format!("the pre_tokenizer `Split` {fault}"))
            }
            PreTokenizer::Other(other) => Err(other.fault("pre_tokenizer", &PRE_TOKENIZERS)),
            _ => Ok(()),
        })
    }

    /// This part and all parts in it.
    fn all(&self) -> Vec<&PreTokenizer> {
        let parts = match self {
            PreTokenizer::Sequence { pretokenizers } => pretokenizers.as_slice(),
            _ => &[],
        };
        std::iter::once(self).chain(parts.iter().flat_map(PreTokenizer::all)).collect()
    }
}
