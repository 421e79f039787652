//! Token ids, compared one by one with those of Hugging Face's tokenizers.

#[path = "../common/mod.rs"]
mod common;

use bert8::text::{TextInput, TextTokenizer};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tokenizers")
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn ids(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect()
}

/// Longer than any input here.
const NO_LIMIT: usize = 1 << 20;

fn check(tokenizer: &TextTokenizer, input: TextInput, expected: &Value, name: &str) {
    let tokens = tokenizer.encode(input, NO_LIMIT).unwrap();
    assert_eq!(tokens.ids, ids(expected), "{name}: {input:?}");
    assert_eq!((tokens.types.len(), tokens.truncated), (tokens.ids.len(), false), "{name}: {input:?}");
}

#[test]
fn hard_texts_have_hugging_face_s_ids() {
    let expected = json(&folder().join("expected.json"));
    let texts: Vec<&str> = expected["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let pairs: Vec<(&str, &str)> = expected["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (texts[pair[0].as_u64().unwrap() as usize], texts[pair[1].as_u64().unwrap() as usize]))
        .collect();
    assert!(texts.len() >= 300 && pairs.len() >= 50);
    let names = ["wordpiece-cased", "wordpiece-uncased", "byte-level-bpe", "unigram"];
    for name in names {
        let tokenizer = TextTokenizer::from_file(folder().join(format!("{name}.json"))).unwrap();
        let expected = &expected["ids"][name];
        for (at, text) in texts.iter().enumerate() {
            check(&tokenizer, text.into(), &expected["texts"][at], name);
        }
        for (at, pair) in pairs.iter().enumerate() {
            check(&tokenizer, pair.into(), &expected["pairs"][at], name);
        }
    }
}

#[test]
fn tokenizers_of_every_family_have_transformers_ids() {
    for name in ["bert-single", "distilbert", "electra", "roberta", "xlm-roberta-multilabel"] {
        let Some(file) = common::shared(&format!("families/{name}.expected.json")) else { return };
        let tokenizer = TextTokenizer::from_file(file.with_file_name(name).join("tokenizer.json")).unwrap();
        for case in json(&file)["cases"].as_array().unwrap() {
            let input = TextInput { first: case["text"].as_str().unwrap(), second: case["pair"].as_str() };
            check(&tokenizer, input, &case["input_ids"], name);
        }
    }
}

/// Settings for training and batches must not change the ids.
#[test]
fn padding_truncation_and_dropout_are_off() {
    for (name, plain) in [("byte-level-bpe", "don't stop the train"), ("unigram", "die Straße ist gesperrt")] {
        let mut file = json(&folder().join(format!("{name}.json")));
        let read = |file: &Value| TextTokenizer::from_bytes(file.to_string().as_bytes(), name).unwrap();
        let expected = read(&file).encode(plain, NO_LIMIT).unwrap();
        file["padding"] = serde_json::json!({ "strategy": { "Fixed": 128 }, "direction": "Left", "pad_to_multiple_of": 8,
                                              "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>" });
        file["truncation"] =
            serde_json::json!({ "direction": "Left", "max_length": 4, "strategy": "LongestFirst", "stride": 1 });
        if name == "byte-level-bpe" {
            file["model"]["dropout"] = 0.9.into();
        }
        let tokenizer = read(&file);
        for _ in 0..5 {
            assert_eq!(tokenizer.encode(plain, NO_LIMIT).unwrap(), expected, "{name}");
        }
    }
}

#[test]
fn a_tokenizer_without_special_tokens_is_refused() {
    let mut file = json(&folder().join("wordpiece-cased.json"));
    let error =
        |file: &Value| TextTokenizer::from_bytes(file.to_string().as_bytes(), "t.json").unwrap_err().to_string();
    let single = file["post_processor"]["single"].take();
    file["post_processor"]["single"] = serde_json::json!([single[1]]);
    assert!(error(&file).starts_with("t.json: adds no special tokens such as [CLS] and [SEP] to one text"));
    file["post_processor"] = Value::Null;
    assert!(error(&file).starts_with("t.json: adds no special tokens"), "{}", error(&file));
}
