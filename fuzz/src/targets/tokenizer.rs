//! tokenizer.json and texts.

use super::super::checks::{self, FILE};
use super::super::json_edits;
use super::super::script::Script;
use bert8::text::{TextInput, TextTokenizer};
use serde_json::Value;
use std::sync::OnceLock;

const TOKENIZERS: [&str; 5] = [
    include_str!("../../../tests/golden/tokenizer.json"),
    include_str!("../../../tests/tokenizers/byte-level-bpe.json"),
    include_str!("../../../tests/tokenizers/unigram.json"),
    include_str!("../../../tests/tokenizers/wordpiece-cased.json"),
    include_str!("../../../tests/tokenizers/wordpiece-uncased.json"),
];

/// The bytes of a tokenizer.json up to a byte 0, then a text.
pub fn tokenizer(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let text = String::from_utf8_lossy(data.get(end + 1..).unwrap_or_default());
    encodes(&data[..end], &text);
}

/// An edit script for a valid tokenizer.json, and a text.
pub fn tokenizer_parts(data: &[u8]) {
    static VALUES: OnceLock<Vec<Value>> = OnceLock::new();
    let values = VALUES.get_or_init(|| {
        TOKENIZERS.map(|json| serde_json::from_str(json).expect("the base is a valid tokenizer.json")).to_vec()
    });
    let mut script = Script::new(data);
    let mut json = script.choose(values).clone();
    let edits = script.below(8);
    json_edits::apply(&mut json, edits, &mut script);
    let text = String::from_utf8_lossy(script.rest()).into_owned();
    encodes(json.to_string().as_bytes(), &text);
}

/// Reads a tokenizer and tokenizes `text`, alone and in pairs. The same input has the same tokens every time.
fn encodes(json: &[u8], text: &str) {
    const LIMIT: usize = 12;
    let tokenizer = match TextTokenizer::from_bytes(json, FILE) {
        Ok(tokenizer) => tokenizer,
        Err(error) => return checks::error(&error),
    };
    for input in [TextInput::from(text), (text, "a b").into(), ("", text).into()] {
        let results = [0; 2].map(|_| tokenizer.encode(input, LIMIT).map_err(|error| error.with_sources()));
        assert_eq!(results[0], results[1]);
        if let Ok(tokens) = &results[0] {
            assert!(tokens.ids.len() <= LIMIT && tokens.ids.len() == tokens.types.len(), "{tokens:?}");
            assert!(tokens.ids.iter().all(|id| *id >= 0));
        }
    }
    // Whether this model has the ids matters, not the answer.
    let _ = tokenizer.check_vocabulary(30_000);
}
