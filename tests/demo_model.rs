//! The demo model, from its folder to answers: INT8 predicts the same classes as FP32.

#![cfg(feature = "cli")]

mod common;

use bert8::bert::{emit_fp32, import_folder};
use bert8::metrics::{Answers, ConfusionMatrix, Difference, Target};
use bert8::model::Classifier;
use bert8::model::Model;
use bert8::onnx::encode_model;
use bert8::quantize::{CalibrationInfo, Options, Report, quantize, sample_indices};
use bert8::task::Problem;
use bert8::text::TextTokenizer;
use bert8::text::dataset::{BadRows, Dataset, Example};
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
        let pairs = read(&Path::new(ROOT).join("models/calibration.tsv")).examples;
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

fn read(path: &Path) -> Dataset {
    Dataset::read(path, BadRows::Refuse).unwrap()
}

struct Outcome {
    fp32: ConfusionMatrix,
    int8: ConfusionMatrix,
    difference: Difference,
}

fn evaluate(mut data: Dataset) -> Outcome {
    let demo = demo();
    let targets: Vec<Target> = data
        .targets(Problem::SingleLabel, &demo.fp32.model().info().labels)
        .unwrap()
        .into_iter()
        .map(|target| target.unwrap())
        .collect();
    let [fp32, int8] = [&demo.fp32, &demo.int8].map(|classifier| {
        let logits = |row: &Example| classifier.model().logits(&classifier.tokenize(row.input()).unwrap()).unwrap();
        data.examples.iter().map(logits).collect::<Vec<_>>()
    });
    let confusion = |logits: &[Vec<f32>]| {
        let rows = logits.iter().map(Vec::as_slice).zip(&targets);
        Answers::new(Problem::SingleLabel, 0.5, rows).unwrap().confusion().unwrap()
    };
    let difference = Difference::new(Problem::SingleLabel, 0.5, &fp32, &int8);
    Outcome { fp32: confusion(&fp32), int8: confusion(&int8), difference }
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
    let outcome = evaluate(read(&Path::new(ROOT).join("models/examples.tsv")));
    assert!(outcome.difference.agreement.unwrap() >= 0.95, "{:?}", outcome.difference);
}

#[test]
fn mrpc_scores_match_the_model_card() {
    let Some(data) = common::shared("data/mrpc/dev.tsv") else { return };
    let outcome = evaluate(read(&data));
    let round = |value: f64| (value * 1e4).round() / 1e4;
    assert_eq!((round(outcome.fp32.accuracy()), round(outcome.fp32.f1(1))), (0.8211, 0.8777));
    assert!(outcome.int8.f1(1) >= outcome.fp32.f1(1) - 0.003, "INT8 F1 {}", outcome.int8.f1(1));
    assert!(outcome.difference.agreement.unwrap() >= 0.995, "{:?}", outcome.difference);
    // 3 dB above NNCF's transformer preset.
    assert!(outcome.difference.sqnr_db.unwrap() >= 34.2, "{:?}", outcome.difference);
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
