//! Exports of other families than BERT, and other heads.

use crate::common;
use bert8::bert::{Bert, Head, HeadActivation, ImportOptions, Pooling, emit_fp32, import_onnx};
use bert8::engine::{Engine, TokenInputs};
use bert8::model::Model;
use bert8::text::Tokens;
use serde_json::Value;
use std::path::Path;

/// Rounding of FP32 sums in another order.
const TOLERANCE: f64 = 1e-4;

/// The exports, each with the name of its expected logits.
const EXPORTS: [(&str, &str); 6] = [
    ("distilbert.ts17", "distilbert"),
    ("distilbert.dynamo18", "distilbert"),
    ("roberta.ts14", "roberta"),
    ("roberta.dynamo20", "roberta"),
    ("xlm-roberta-multilabel.ts17", "xlm-roberta-multilabel"),
    ("electra.ts17", "electra"),
];

/// A text's token ids and token types, and the logits of transformers.
struct Case {
    tokens: Tokens,
    logits: Vec<f64>,
}

fn cases(folder: &Path, source: &str) -> Vec<Case> {
    let bytes = std::fs::read(folder.join(format!("{source}.expected.json"))).unwrap();
    let expected: Value = serde_json::from_slice(&bytes).unwrap();
    let numbers = |case: &Value, name: &str| case[name].as_array().map(|values| values.to_vec());
    let cases = expected["cases"].as_array().unwrap().iter().map(|case| {
        let ints = |name| numbers(case, name).map(|v| v.iter().map(|v| v.as_i64().unwrap()).collect::<Vec<_>>());
        let ids = ints("input_ids").unwrap();
        let types = ints("token_type_ids").unwrap_or_else(|| types(source, &ids));
        let logits = numbers(case, "logits").unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        Case { tokens: Tokens { ids, types, truncated: false }, logits }
    });
    cases.collect()
}

/// The token types of `ids`: 1 after the first separator, in the only family here that has them.
fn types(source: &str, ids: &[i64]) -> Vec<i64> {
    let separator = ids[ids.len() - 1];
    let first = ids.iter().position(|&id| id == separator).unwrap();
    ids.iter().enumerate().map(|(at, _)| i64::from(source == "electra" && at > first)).collect()
}

fn check(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((f64::from(*found) - expected).abs() < TOLERANCE, "{what}: {found} for {expected}");
    }
}

fn imported(folder: &Path, export: &str) -> Bert {
    let bytes = std::fs::read(folder.join(format!("{export}.onnx"))).unwrap();
    import_onnx(&bytes, export, &ImportOptions::default()).unwrap_or_else(|e| panic!("{}", e.with_sources()))
}

#[test]
fn exports_of_every_family_give_the_logits_of_transformers() {
    let Some(folder) = common::shared("families") else { return };
    for (export, source) in EXPORTS {
        let engine = Engine::for_any_shape(&emit_fp32(&imported(&folder, export)), export).unwrap();
        for Case { tokens, logits } in cases(&folder, source) {
            let mask = vec![1; tokens.ids.len()];
            let inputs = TokenInputs { batch: 1, ids: &tokens.ids, mask: &mask, types: &tokens.types };
            check(&engine.run(&inputs).unwrap()[0], &logits, export);
        }
    }
}

#[test]
fn exports_of_every_family_tell_their_configuration() {
    let Some(folder) = common::shared("families") else { return };
    let dense = |function| Head { pooling: Pooling::FirstToken, dense: Some(function) };
    for (export, source) in EXPORTS {
        let bert = imported(&folder, export);
        let config = bert.config();
        let (head, labels, vocab, types, embedding) = match source {
            "distilbert" => (dense(HeadActivation::Relu), 2, 1500, 0, None),
            "roberta" => (Head::BERT, 3, 1500, 0, None),
            "xlm-roberta-multilabel" => (Head::BERT, 6, 1200, 0, None),
            _ => (dense(HeadActivation::Gelu), 2, 1500, 2, Some(32)),
        };
        assert_eq!((config.head, config.labels.len(), config.vocab_size), (head, labels, vocab), "{export}");
        assert_eq!((config.type_vocab, config.embedding_size), (types, embedding), "{export}");
        // RoBERTa's first two rows belong to padding.
        assert_eq!((config.max_positions, config.hidden, config.layers, config.heads), (128, 64, 2, 4), "{export}");
        assert_eq!(config.intermediate, 128, "{export}");
    }
}

#[test]
fn exports_run_as_they_are_or_say_what_to_do() {
    let Some(folder) = common::shared("families") else { return };
    for (export, source) in EXPORTS {
        match Model::from_file(folder.join(format!("{export}.onnx"))) {
            Ok(model) => {
                assert_eq!(model.info().max_positions, 128, "{export}");
                for Case { tokens, logits } in cases(&folder, source) {
                    check(&model.logits(&tokens).unwrap(), &logits, export);
                }
            }
            Err(error) => {
                assert!(export.contains("dynamo"), "{export}: {error}");
                assert!(error.to_string().contains("import it and write it as one FP32 ONNX file first"), "{error}");
            }
        }
    }
}
