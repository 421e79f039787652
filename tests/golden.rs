//! The small model of tests/golden answers with the committed logits, natively as in the browser tests.
//!
//! `cargo test --test golden -- --ignored` rewrites the files after a deliberate change of the file format. The weights stay
//! those of the committed FP32 file. `bert8::self_test::LOGITS_HASH` then needs the new hash, which the test here prints.

#![cfg(feature = "cli")]

mod common;

use bert8::bert::{Bert, ImportOptions, emit_fp32, import_onnx};
use bert8::model::Classifier;
use bert8::onnx::encode_model;
use bert8::quantize::{CalibrationInfo, Options, quantize};
use bert8::text::TextTokenizer;
use bert8::{Kernel, self_test};
use common::golden::{self, PAIRS};
use common::golden_quantization;
use serde_json::json;

/// The FP32 model of the committed file.
fn model() -> Bert {
    import_onnx(golden::FP32, "golden", &ImportOptions::default()).unwrap()
}

fn classifiers() -> [Classifier; 2] {
    [golden::FP32, golden::INT8].map(|bytes| {
        Classifier::builder().model_bytes(bytes.to_vec()).tokenizer_bytes(golden::TOKENIZER).build().unwrap()
    })
}

#[test]
fn the_committed_files_answer_with_the_committed_logits() {
    let [fp32, int8] = classifiers();
    for (at, (first, second)) in PAIRS.iter().enumerate() {
        golden::check(at, "fp32", &fp32.classify((*first, *second)).unwrap());
        golden::check(at, "int8", &int8.classify((*first, *second)).unwrap());
    }
}

#[test]
fn every_kernel_answers_with_the_same_bits() {
    for kernel in Kernel::all() {
        let builder = Classifier::builder().model_bytes(golden::INT8.to_vec()).tokenizer_bytes(golden::TOKENIZER);
        let classifier = builder.kernel(kernel).build().unwrap();
        let answers = classifier.classify_batch(PAIRS).unwrap();
        answers.iter().enumerate().for_each(|(at, answer)| golden::check(at, "int8", answer));
    }
}

#[test]
fn every_kernel_passes_the_self_test() {
    for kernel in Kernel::all() {
        let found = self_test::hash_logits(&self_test::classifier(kernel).unwrap()).unwrap();
        assert_eq!(found, self_test::LOGITS_HASH, "{}: {found:#x}", kernel.name());
    }
}

#[test]
fn quantization_writes_the_same_bytes_as_on_other_machines() {
    golden_quantization::check();
}

#[test]
fn the_committed_int8_model_is_fused_completely() {
    let [_, int8] = classifiers();
    assert!(int8.model().fused().complete(), "{:?}", int8.model().fused());
}

#[test]
#[ignore = "rewrites the golden files"]
fn rewrite() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let bert = model();
    let tokenizer = TextTokenizer::from_bytes(golden::TOKENIZER, "golden").unwrap();
    let samples: Vec<_> = PAIRS.iter().map(|&pair| tokenizer.encode(pair, 48).unwrap()).collect();
    let info = CalibrationInfo { max_length: 48, seed: 0 };
    let int8 = quantize(&bert, &samples, &Options::default(), info, None, |_| ()).unwrap().onnx;
    let fp32 = encode_model(&emit_fp32(&bert));
    std::fs::write(format!("{folder}/model.fp32.onnx"), &fp32).unwrap();
    std::fs::write(format!("{folder}/model.int8.onnx"), &int8).unwrap();
    let answers = |model: Vec<u8>| {
        let classifier = Classifier::builder().model_bytes(model).tokenizer_bytes(golden::TOKENIZER).build().unwrap();
        PAIRS.iter().map(|pair| classifier.classify(pair).unwrap()).collect::<Vec<_>>()
    };
    let expected: Vec<_> = answers(fp32)
        .iter()
        .zip(answers(int8))
        .map(|(fp32, int8)| json!({ "tokens": fp32.tokens, "truncated": fp32.truncated, "fp32": fp32.logits, "int8": int8.logits }))
        .collect();
    std::fs::write(format!("{folder}/expected.json"), serde_json::to_string_pretty(&expected).unwrap()).unwrap();
}
