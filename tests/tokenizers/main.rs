//! Token ids, compared one by one with those of Hugging Face's tokenizers.

#[path = "../common/mod.rs"]
mod common;

use bert8::text::{TextInput, TextTokenizer};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tokenizers")
}

fn read_json(path: &Path) -> Value {
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
    let expected = read_json(&folder().join("expected.json"));
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
        for case in read_json(&file)["cases"].as_array().unwrap() {
            let input = TextInput { first: case["text"].as_str().unwrap(), second: case["pair"].as_str() };
            check(&tokenizer, input, &case["input_ids"], name);
        }
    }
}

/// Settings for training and batches must not change the ids.
#[test]
fn padding_truncation_and_dropout_are_off() {
    for (name, plain) in [("byte-level-bpe", "don't stop the train"), ("unigram", "die Straße ist gesperrt")] {
        let mut file = read_json(&folder().join(format!("{name}.json")));
        let read = |file: &Value| TextTokenizer::from_bytes(file.to_string().as_bytes(), name).unwrap();
        let expected = read(&file).encode(plain, NO_LIMIT).unwrap();
        file["padding"] = json!({ "strategy": { "Fixed": 128 }, "direction": "Left", "pad_to_multiple_of": 8,
                                              "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>" });
        file["truncation"] = json!({ "direction": "Left", "max_length": 4, "strategy": "LongestFirst", "stride": 1 });
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
    let mut file = read_json(&folder().join("wordpiece-cased.json"));
    let error =
        |file: &Value| TextTokenizer::from_bytes(file.to_string().as_bytes(), "t.json").unwrap_err().to_string();
    let single = file["post_processor"]["single"].take();
    file["post_processor"]["single"] = json!([single[1]]);
    assert!(error(&file).starts_with("t.json: adds no special tokens such as [CLS] and [SEP] to one text"));
    file["post_processor"] = Value::Null;
    assert!(error(&file).starts_with("t.json: adds no special tokens"), "{}", error(&file));
}

/// Writes a tokenizer folder, calls `read` on it, and removes it.
fn in_folder<T>(files: &[(&str, &str)], read: impl FnOnce(&Path) -> T) -> T {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tokenizer-{count}"));
    fs::create_dir_all(&folder).unwrap();
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
    let result = read(&folder);
    fs::remove_dir_all(&folder).unwrap();
    result
}

/// Writes a tokenizer folder and reads it.
fn from_folder(files: &[(&str, &str)]) -> Result<TextTokenizer, String> {
    in_folder(files, |folder| TextTokenizer::from_folder(folder).map_err(|e| e.with_sources()))
}

/// Writes a tokenizer folder, and reads the tokenizer.json that its vocab.txt stands for.
fn from_json_of(files: &[(&str, &str)]) -> TextTokenizer {
    let json = in_folder(files, |folder| TextTokenizer::json_of_file(folder.join("vocab.txt")).unwrap());
    TextTokenizer::from_bytes(&json, "the written tokenizer.json").unwrap()
}

/// The tokens of a WordPiece tokenizer.json, one a line.
fn vocabulary(file: &Value) -> String {
    let mut tokens: Vec<_> = file["model"]["vocab"].as_object().unwrap().iter().collect();
    tokens.sort_by_key(|(_, id)| id.as_u64());
    tokens.into_iter().map(|(token, _)| format!("{token}\n")).collect()
}

#[test]
fn a_vocabulary_alone_makes_the_same_tokenizer() {
    let expected = read_json(&folder().join("expected.json"));
    let configs = [
        ("wordpiece-uncased", None),
        ("wordpiece-uncased", Some(r#"{"do_lower_case": true, "cls_token": {"content": "[CLS]"}}"#)),
        ("wordpiece-cased", Some(r#"{"do_lower_case": false}"#)),
    ];
    for (name, config) in configs {
        let vocab = vocabulary(&read_json(&folder().join(format!("{name}.json"))));
        for vocab in [vocab.clone(), format!("\u{feff}{}", vocab.replace('\n', "\r\n"))] {
            let mut files = vec![("vocab.txt", vocab.as_str())];
            files.extend(config.map(|config| ("tokenizer_config.json", config)));
            let tokenizers = [from_folder(&files).unwrap(), from_json_of(&files)];
            for (at, text) in expected["texts"].as_array().unwrap().iter().enumerate() {
                for tokenizer in &tokenizers {
                    check(tokenizer, text.as_str().unwrap().into(), &expected["ids"][name]["texts"][at], name);
                }
            }
        }
    }
    let error = from_folder(&[("vocab.txt", "a\nb\n[UNK]\n")]).unwrap_err();
    assert!(error.contains("vocab.txt: has no token `[CLS]`"), "{error}");
    assert!(from_folder(&[]).unwrap_err().contains("tokenizer.json"));
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    let cased = fs::read_to_string(folder().join("wordpiece-cased.json")).unwrap();
    let read = |config: &str| from_folder(&[("tokenizer.json", &cased), ("tokenizer_config.json", config)]);
    for fine in [
        "{}",
        r#"{"do_lower_case": false, "strip_accents": null, "tokenize_chinese_chars": true, "model_max_length": 1e30}"#,
        // The null of the tokenizer.json has this meaning.
        r#"{"strip_accents": false}"#,
        // This class takes the tokenizer.json as it is.
        r#"{"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": true}"#,
    ] {
        read(fine).unwrap();
    }
    for (config, says) in [
        (r#"{"do_lower_case": true}"#, "`lowercase` is false, but `do_lower_case` in tokenizer_config.json"),
        (r#"{"strip_accents": true}"#, "`strip_accents` is false, but `strip_accents` in"),
        (r#"{"tokenize_chinese_chars": false}"#, "`handle_chinese_chars` is true, but `tokenize_chinese_chars` in"),
        ("{", "tokenizer_config.json: is not a tokenizer_config.json"),
    ] {
        let error = read(config).unwrap_err();
        assert!(error.contains(says), "{config}: {error}");
    }
}

#[test]
fn damaged_and_unusual_tokenizers_are_refused_by_name() {
    let whole = fs::read_to_string(folder().join("unigram.json")).unwrap();
    let error = |bytes: &str| TextTokenizer::from_bytes(bytes.as_bytes(), "t.json").unwrap_err().with_sources();
    for cut in [0, 1, whole.len() / 2, whole.len() - 3] {
        let cut = whole.char_indices().map(|(at, _)| at).find(|&at| at >= cut).unwrap();
        let error = error(&whole[..cut]);
        assert!(error.starts_with("t.json: is not a tokenizer.json, or is cut off or damaged"), "{cut}: {error}");
    }
    for (field, value, says) in [
        ("added_tokens", r#"[{"id": 7, "content": ""}]"#, "`added_tokens` has an empty token (id 7)"),
        ("pre_tokenizer", r#"{"type": "FixedLength", "length": 0}"#, "do not use the pre_tokenizer `FixedLength`"),
        (
            "pre_tokenizer",
            r#"{"type": "Sequence", "pretokenizers": [{"type": "FixedLength", "length": 0}]}"#,
            "do not use the pre_tokenizer `FixedLength`",
        ),
        (
            "post_processor",
            r#"{"type": "Sequence", "processors": [{"type": "BertProcessing", "sep": ["a", 0], "cls": ["b", 1]},
                {"type": "RobertaProcessing", "sep": ["a", 0], "cls": ["b", 1]}]}"#,
            "adds special tokens more than once (BertProcessing, RobertaProcessing)",
        ),
        (
            "post_processor",
            r#"{"type": "BertProcessing"}"#,
            "the post_processor `BertProcessing` has missing or wrong settings",
        ),
        (
            "normalizer",
            r#"{"type": "Precompiled", "precompiled_charsmap": "/////w=="}"#,
            "`precompiled_charsmap` is damaged",
        ),
        (
            "normalizer",
            r#"{"type": "Sequence", "normalizers": [{"type": "Precompiled"}]}"#,
            "the normalizer `Precompiled` has missing or wrong settings",
        ),
        ("normalizer", r#"{"type": "Magic"}"#, "do not use the normalizer `Magic`"),
        (
            "normalizer",
            r#"{"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "300"}]}"#
                .replace("300", &"a".repeat(300))
                .as_str(),
            "the normalizer makes texts more than 256 times as long",
        ),
        (
            "normalizer",
            r#"{"type": "Replace", "pattern": {"Regex": "(a*)*\\1"}, "content": ""}"#,
            "the normalizer has the pattern `(a*)*\\1`, which",
        ),
        (
            "pre_tokenizer",
            r#"{"type": "Split", "pattern": {"Regex": "\\w{1000}{1000}"}, "behavior": "Isolated", "invert": false}"#,
            "which is too large",
        ),
        (
            "post_processor",
            r#"{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}],
                "special_tokens": {}}"#,
            "adds `<s>`, but its `special_tokens` do not define it",
        ),
        (
            "post_processor",
            r#"{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {}}"#,
            "the post_processor's `pair` has 1 texts in the wrong number or order; expected A and B, once each",
        ),
        ("model", r#"{"type": "WordLevel"}"#, "is not a tokenizer.json that bert8 can use: missing field `vocab`"),
        ("model", r#"{"type": "Tiktoken", "vocab": {}}"#, "do not use the model `Tiktoken`"),
        ("model", r#"{"type": "BPE", "vocab": {}}"#, "the model has no `merges`"),
        ("model", r#"{"type": "Unigram", "unk_id": 1, "vocab": [["a", 0.0]]}"#, "`unk_id` is not one of the 1 entries"),
        ("model", r#"{"type": "Unigram", "unk_id": 0, "vocab": [["a"]]}"#, "invalid length 1"),
        ("model", r#"{"type": "Unigram", "vocab": {"a": 0}}"#, "`vocab` belongs to another type of model"),
        (
            "model",
            r###"{"type": "BPE", "vocab": {"a": 0, "#": 1, "##b": 2}, "merges": ["a #"], "continuing_subword_prefix": "##"}"###,
            "the model merges `a` and `#`, but `#` does not begin with `##`",
        ),
        (
            "model",
            r###"{"type": "WordPiece", "vocab": {}, "unk_token": "", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100000}"###,
            "`max_input_chars_per_word` is 100000",
        ),
    ] {
        let mut file: Value = serde_json::from_str(&whole).unwrap();
        file[field] = serde_json::from_str(value).unwrap();
        let error = error(&file.to_string());
        assert!(error.starts_with("t.json: ") && error.contains(says), "{field}: {error}");
    }
}

#[test]
fn numbers_of_entries_and_their_lengths_are_bounded() {
    let whole = read_json(&folder().join("wordpiece-cased.json"));
    let error = |pointer: &str, value: Value| {
        let mut file = whole.clone();
        *file.pointer_mut(pointer).unwrap() = value;
        TextTokenizer::from_bytes(file.to_string().as_bytes(), "t.json").unwrap_err().to_string()
    };
    let added = |content: String| json!({ "id": 3, "content": content });
    let long = "long".repeat(200);
    for (error, says) in [
        (error("/added_tokens", json!(vec![added("a".to_owned()); 10_000])), "`added_tokens` has 10000 tokens"),
        (error("/added_tokens", json!([added(long.clone())])), "`added_tokens` has a token of 800 bytes (id 3)"),
        (error("/model/vocab", json!({ long.clone(): 0 })), "`vocab` has an entry of 800 bytes"),
        (error("/normalizer", json!({ "type": "Prepend", "prepend": long })), "adds a text of 800 bytes"),
        (error("/pre_tokenizer", sequence(40, "pretokenizers", "Whitespace")), "the pre_tokenizer has 41 parts"),
        (error("/normalizer", sequence(40, "normalizers", "NFC")), "the normalizer has 41 parts"),
    ] {
        assert!(error.starts_with("t.json: ") && error.contains(says), "{error}");
    }
}

/// A sequence of `count` equal parts.
fn sequence(count: usize, field: &str, kind: &str) -> Value {
    json!({ "type": "Sequence", field: vec![json!({ "type": kind }); count] })
}

/// What a decoder, padding, truncation, dropout and fields of other programs say does not matter.
#[test]
fn parts_that_do_not_matter_are_not_read() {
    let mut file = read_json(&folder().join("byte-level-bpe.json"));
    let expected = TextTokenizer::from_bytes(file.to_string().as_bytes(), "t.json").unwrap();
    file["decoder"] = json!({ "type": "Magic" });
    file["padding"] = json!(7);
    file["truncation"] = json!({ "max_length": 3 });
    file["model"]["dropout"] = json!(0.9);
    file["model"]["magic"] = json!([1]);
    file["pre_tokenizer"]["magic"] = json!(true);
    let found = TextTokenizer::from_bytes(file.to_string().as_bytes(), "t.json").unwrap();
    for text in ["the cat sat on the mat", "abcabcabc abc"] {
        assert_eq!(found.encode(text, 64).unwrap(), expected.encode(text, 64).unwrap());
    }
}

/// Files of the first versions do not state the type of their model, and write merges as one string.
#[test]
fn old_files_are_read() {
    for name in ["wordpiece-uncased", "byte-level-bpe", "unigram"] {
        let mut file = read_json(&folder().join(format!("{name}.json")));
        let expected = TextTokenizer::from_bytes(file.to_string().as_bytes(), name).unwrap();
        file["model"].as_object_mut().unwrap().remove("type");
        if let Some(merges) = file["model"].get_mut("merges") {
            let joined = merges.as_array().unwrap().iter().map(|merge| match merge {
                Value::Array(pair) => format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()),
                other => other.as_str().unwrap().to_owned(),
            });
            *merges = std::iter::once("#version: 0.2".to_owned()).chain(joined).collect();
        }
        let found = TextTokenizer::from_bytes(file.to_string().as_bytes(), name).unwrap();
        let text = "The cat sat on the mat; it had left.";
        assert_eq!(found.encode(text, 64).unwrap(), expected.encode(text, 64).unwrap(), "{name}");
    }
}

/// The paths of all values in `value`, except those of long lists and objects: vocabularies and merges.
fn paths(value: &Value, path: &str) -> Vec<String> {
    let below =
        |(key, value): (String, &Value)| paths(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")));
    let mut all = vec![path.to_owned()];
    match value {
        Value::Object(fields) if fields.len() < 50 => {
            all.extend(fields.iter().map(|(key, value)| (key.clone(), value)).flat_map(below));
        }
        Value::Array(values) if values.len() < 50 => {
            all.extend(values.iter().enumerate().map(|(at, value)| (at.to_string(), value)).flat_map(below));
        }
        _ => {}
    }
    all
}

/// A wrong value in any place may be refused or give other ids, but never a panic.
#[test]
fn wrong_values_never_panic() {
    let wrong =
        [json!(null), json!(0), json!(-1), json!(1e99), json!(""), json!("x"), json!([]), json!({}), json!(true)];
    for name in ["wordpiece-cased", "byte-level-bpe", "unigram"] {
        let mut file = read_json(&folder().join(format!("{name}.json")));
        // A small vocabulary, to save time.
        match &mut file["model"]["vocab"] {
            Value::Array(entries) => entries.truncate(60),
            Value::Object(tokens) => tokens.retain(|_, id| id.as_u64() < Some(270)),
            other => panic!("{other}"),
        }
        if name == "byte-level-bpe" {
            file["model"]["merges"] = json!([]);
        }
        for path in paths(&file, "") {
            for wrong in &wrong {
                let mut file = file.clone();
                *file.pointer_mut(&path).unwrap() = wrong.clone();
                let outcome = std::panic::catch_unwind(|| {
                    let tokenizer = TextTokenizer::from_bytes(file.to_string().as_bytes(), name)?;
                    tokenizer.check_vocabulary(1 << 20)?;
                    tokenizer.encode(("Déjà vu: naïve <mask> [SEP] 数字", ""), 12)
                });
                assert!(outcome.is_ok(), "{name}: {wrong} at {path}");
            }
        }
    }
}

/// A flipped bit may give other ids, but never a panic.
#[test]
fn a_damaged_normalization_table_never_panics() {
    let file = read_json(&folder().join("unigram.json"));
    let expected = read_json(&folder().join("expected.json"));
    let table = file["normalizer"]["precompiled_charsmap"].as_str().unwrap().as_bytes();
    for at in (0..table.len()).step_by(97) {
        let mut damaged = table.to_vec();
        damaged[at] = if damaged[at] == b'A' { b'z' } else { b'A' };
        let mut file = file.clone();
        file["normalizer"]["precompiled_charsmap"] = String::from_utf8(damaged).unwrap().into();
        if let Ok(tokenizer) = TextTokenizer::from_bytes(file.to_string().as_bytes(), "t.json") {
            for text in expected["texts"].as_array().unwrap().iter().step_by(7) {
                let _ = tokenizer.encode(text.as_str().unwrap(), NO_LIMIT);
            }
        }
    }
}

/// Expected: the number and the sum of Hugging Face's ids. The crate's regular expressions give up silently after too many
/// steps.
#[test]
fn long_texts_without_words_are_split_to_the_end() {
    let tokenizer = TextTokenizer::from_file(folder().join("byte-level-bpe.json")).unwrap();
    for (text, count, sum) in [
        (" ".repeat(300_000) + "x", 150_004, 67_950_088),
        ("\n".repeat(100_000), 100_002, 20_200_002),
        (("a ".to_owned() + &" ".repeat(2_000)).repeat(50), 50_053, 22_667_542),
        ("a'".repeat(20_000), 40_002, 1_560_002),
    ] {
        let ids = tokenizer.encode(&text, NO_LIMIT).unwrap().ids;
        assert_eq!((ids.len(), ids.iter().sum::<i64>()), (count, sum), "{:?}…", &text[..4]);
    }
}
