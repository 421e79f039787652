//! The demo model, from its folder to answers: INT8 predicts the same classes as FP32.

#![cfg(feature = "cli")]

mod common;

use bert8::bert::{emit_fp32, import_folder};
use bert8::metrics::{Counts, argmax, sqnr_db};
use bert8::model::Classifier;
use bert8::model::Model;
use bert8::onnx::encode_model;
use bert8::quantize::{CalibrationInfo, Options, Report, quantize, sample_indices};
use bert8::text::TextTokenizer;
use bert8::text::pairs::{Pair, read_pairs};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

struct Demo {
    fp32: Classifier,
    int8: Classifier,
    report: Report,
}

fn folder() -> PathBuf {
    Path::new(ROOT).join("models/minilm-l6-mrpc")
}

/// Both models. INT8 is quantized as `./build.sh model` does.
fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        let bert = import_folder(&folder()).unwrap();
        let bytes = std::fs::read(folder().join("tokenizer.json")).unwrap();
        let tokenizer = || TextTokenizer::from_bytes(&bytes, "tokenizer.json").unwrap();
        let pairs = read_pairs(&Path::new(ROOT).join("models/calibration.tsv")).unwrap();
        let samples: Vec<_> = sample_indices(pairs.len(), 300, 0)
            .into_iter()
            .map(|at| tokenizer().encode(pairs[at].input(), 128).unwrap())
            .collect();
        let quantized =
            quantize(&bert, &samples, &Options::default(), CalibrationInfo { max_length: 128, seed: 0 }, None, |_| ())
                .unwrap();
        let classifier =
            |onnx: Vec<u8>, name| Classifier::new(Model::from_bytes(onnx, name).unwrap(), tokenizer(), None).unwrap();
        Demo {
            fp32: classifier(encode_model(&emit_fp32(&bert)), "fp32"),
            int8: classifier(quantized.onnx, "int8"),
            report: quantized.report,
        }
    })
}

struct Outcome {
    fp32: Counts,
    int8: Counts,
    agreement: f64,
    sqnr_db: f64,
}

fn evaluate(pairs: &[Pair]) -> Outcome {
    let demo = demo();
    let labels = &demo.fp32.model().info().labels;
    let mut samples: Vec<_> = pairs
        .iter()
        .map(|pair| (demo.fp32.tokenize(pair.input()).unwrap(), pair.label_id(labels, "").unwrap().unwrap()))
        .collect();
    samples.sort_by_key(|(tokens, _)| tokens.ids.len());
    let (mut fp32, mut int8, mut equal) = (Counts::default(), Counts::default(), 0);
    let (mut exact, mut rounded) = (Vec::new(), Vec::new());
    for (tokens, label) in &samples {
        let logits = [&demo.fp32, &demo.int8].map(|c| c.model().logits(tokens).unwrap());
        let decisions = [argmax(&logits[0]), argmax(&logits[1])];
        exact.extend(&logits[0]);
        rounded.extend(&logits[1]);
        fp32.add(decisions[0], *label);
        int8.add(decisions[1], *label);
        equal += usize::from(decisions[0] == decisions[1]);
    }
    let agreement = equal as f64 / samples.len() as f64;
    Outcome { fp32, int8, agreement, sqnr_db: sqnr_db(&exact, &rounded).unwrap() }
}

#[test]
fn every_layer_is_fused_and_the_file_is_small() {
    let demo = demo();
    assert!(demo.int8.model().fused().complete());
    assert_eq!(demo.int8.model().fused().layers, 6);
    assert!(demo.report.sizes.ratio < 0.27, "{:?}", demo.report.sizes);
}

#[test]
fn int8_agrees_with_fp32_on_the_examples() {
    let outcome = evaluate(&read_pairs(&Path::new(ROOT).join("models/examples.tsv")).unwrap());
    assert!(outcome.agreement >= 0.95, "agreement {}", outcome.agreement);
}

#[test]
fn mrpc_scores_match_the_model_card() {
    let Some(data) = common::shared("data/mrpc/dev.tsv") else { return };
    let outcome = evaluate(&read_pairs(&data).unwrap());
    let round = |value: f64| (value * 1e4).round() / 1e4;
    assert_eq!((round(outcome.fp32.accuracy()), round(outcome.fp32.f1())), (0.8211, 0.8777));
    assert!(outcome.int8.f1() >= outcome.fp32.f1() - 0.003, "INT8 F1 {}", outcome.int8.f1());
    assert!(outcome.agreement >= 0.995, "agreement {}", outcome.agreement);
    // 3 dB above NNCF's transformer preset.
    assert!(outcome.sqnr_db >= 34.2, "{} dB", outcome.sqnr_db);
}

#[test]
fn two_threads_get_the_same_answers() {
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..2).map(|_| scope.spawn(|| demo().int8.classify(("A b c.", "C b a.")).unwrap().logits)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(answers[0], answers[1]);
}
