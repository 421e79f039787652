//! Models of every family, from their Hugging Face folders: token ids and logits are those of transformers, and INT8 runs
//! fused.

mod common;

use bert8::bert::{Bert, Head, HeadActivation, ImportOptions, Pooling, emit_fp32, import_folder, import_onnx};
use bert8::metrics::{argmax, sqnr_db};
use bert8::model::{Classifier, Model};
use bert8::onnx::encode_model;
use bert8::quantize::{CalibrationInfo, Preset, quantize};
use bert8::task::Problem;
use bert8::text::{TextInput, TextTokenizer, Tokens};
use common::shared;
use serde::Deserialize;
use std::path::Path;

const FAMILIES: [&str; 5] = ["bert-single", "distilbert", "roberta", "xlm-roberta-multilabel", "electra"];
/// transformers adds the terms of a sum in another order. Logits are around 1.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Expected {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    pair: Option<String>,
    input_ids: Vec<i64>,
    logits: Vec<f32>,
}

impl Case {
    fn input(&self) -> TextInput<'_> {
        TextInput { first: &self.text, second: self.pair.as_deref() }
    }
}

struct Family {
    bert: Bert,
    tokens: Vec<Tokens>,
    logits: Vec<Vec<f32>>,
}

/// Reads a family and checks the token ids of its texts.
fn family(folder: &Path, name: &str) -> Family {
    let expected = std::fs::read(folder.join(format!("{name}.expected.json"))).unwrap();
    let expected: Expected = serde_json::from_slice(&expected).unwrap();
    let tokenizer = TextTokenizer::from_file(folder.join(name).join("tokenizer.json")).unwrap();
    let tokens: Vec<Tokens> = expected.cases.iter().map(|case| tokenizer.encode(case.input(), 128).unwrap()).collect();
    for (tokens, case) in tokens.iter().zip(&expected.cases) {
        assert_eq!(tokens.ids, case.input_ids, "{name}: {:?}", case.input());
    }
    let bert = import_folder(&folder.join(name)).unwrap();
    Family { bert, tokens, logits: expected.cases.into_iter().map(|case| case.logits).collect() }
}

#[test]
fn folders_give_the_logits_of_transformers() {
    let Some(folder) = shared("families") else { return };
    for name in FAMILIES {
        let family = family(&folder, name);
        let model = Model::from_bytes(encode_model(&emit_fp32(&family.bert)), name).unwrap();
        for (tokens, expected) in family.tokens.iter().zip(&family.logits) {
            let logits = model.logits(tokens).unwrap();
            let worst = logits.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < TOLERANCE && logits.len() == expected.len(), "{name}: {logits:?}, expected {expected:?}");
        }
    }
}

#[test]
fn configurations_are_canonical() {
    let Some(folder) = shared("families") else { return };
    let config = |name: &str| import_folder(&folder.join(name)).unwrap().config().clone();
    let first_token = |function| Head { pooling: Pooling::FirstToken, dense: Some(function) };
    let distilbert = config("distilbert");
    assert_eq!((distilbert.type_vocab, distilbert.head), (0, first_token(HeadActivation::Relu)));
    assert_eq!(distilbert.labels, ["NEGATIVE", "POSITIVE"]);
    let roberta = config("xlm-roberta-multilabel");
    assert_eq!((roberta.type_vocab, roberta.max_positions, roberta.problem), (0, 128, Problem::MultiLabel));
    assert_eq!((roberta.head, roberta.labels.len()), (Head::BERT, 6));
    let electra = config("electra");
    assert_eq!((electra.embedding_size, electra.hidden, electra.type_vocab), (Some(32), 64, 2));
    assert_eq!(electra.head, first_token(HeadActivation::Gelu));
}

/// In transformers, padding inside a text takes the position of padding and moves all others.
#[test]
fn a_text_that_holds_padding_is_refused_where_padding_has_no_position() {
    let Some(folder) = shared("families") else { return };
    for (name, token) in [
        ("bert-single", "[PAD]"),
        ("distilbert", "[PAD]"),
        ("electra", "[PAD]"),
        ("roberta", "<pad>"),
        ("xlm-roberta-multilabel", "<pad>"),
    ] {
        let bert = import_folder(&folder.join(name)).unwrap();
        // As bert8 reads its own file again.
        let again = import_onnx(&encode_model(&emit_fp32(&bert)), name, &ImportOptions::default()).unwrap();
        assert_eq!(again, bert, "{name}");
        let model = Model::from_bytes(encode_model(&emit_fp32(&bert)), name).unwrap();
        let tokenizer = TextTokenizer::from_folder(folder.join(name)).unwrap();
        let classifier = Classifier::new(model, tokenizer, None).unwrap();
        classifier.classify("a plain text").unwrap();
        let answer = classifier.classify(format!("a {token} text").as_str());
        match bert.config().padding_id {
            None => assert!(answer.is_ok(), "{name}"),
            Some(id) => {
                let expected = format!("the text holds the padding token (id {id}), for instance as a literal `<pad>`");
                let error = answer.unwrap_err().to_string();
                assert!(error.starts_with(&expected) && error.contains(name), "{error}");
            }
        }
        assert_eq!(bert.config().padding_id, (token == "<pad>").then_some(1), "{name}");
    }
}

#[test]
fn int8_runs_fused_and_agrees() {
    let Some(folder) = shared("families") else { return };
    for name in FAMILIES {
        let Family { bert, tokens, .. } = family(&folder, name);
        let options = Preset::Fast.options();
        let info = CalibrationInfo { max_length: 128, seed: 0 };
        let quantized = quantize(&bert, &tokens, &options, info, None, |_| ()).unwrap();
        let int8 = Model::from_bytes(quantized.onnx, name).unwrap();
        let fused = int8.fused();
        assert_eq!((fused.layers, fused.integer_layers, &fused.reason), (2, 2, &None), "{name}");
        let fp32 = Model::from_bytes(encode_model(&emit_fp32(&bert)), name).unwrap();
        let logits = |model: &Model| tokens.iter().map(|tokens| model.logits(tokens).unwrap()).collect::<Vec<_>>();
        let (fp32, int8) = (logits(&fp32), logits(&int8));
        let agree = fp32.iter().zip(&int8).filter(|(a, b)| argmax(a) == argmax(b)).count();
        let sqnr = sqnr_db(&fp32.concat(), &int8.concat()).unwrap();
        println!("{name}: {agree} of {}, {sqnr:.1} dB", tokens.len());
        assert!(sqnr > 25.0, "{name}: {sqnr} dB");
    }
}
