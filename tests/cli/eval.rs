//! The scores of `bert8 eval`.

use crate::json::{fields, floats};
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel, PAIRS, Tensor};
use bert8::model::{Classification, Classifier};
use serde_json::{Value, json};

/// The answers of a model in the sandbox for [`PAIRS`].
fn answers(sandbox: &Sandbox, file: &str) -> Vec<Classification> {
    let tokenizer = sandbox.read("model/tokenizer.json");
    let builder = Classifier::builder().model_bytes(sandbox.read(file)).tokenizer_bytes(tokenizer);
    let classifier = builder.build().unwrap();
    PAIRS.iter().map(|(_, first, second)| classifier.classify((*first, *second)).unwrap()).collect()
}

#[test]
fn eval_scores_a_model_and_compares_it_with_its_baseline() {
    let sandbox = Sandbox::new();
    // The same model with a bias that reverses half of its decisions.
    let mut other = HfModel::tiny();
    let mut margins: Vec<f32> = answers(&sandbox, "fp32.onnx").iter().map(|a| a.logits[1] - a.logits[0]).collect();
    margins.sort_by(f32::total_cmp);
    let bert = tiny::bert();
    let bias = bert.weight("classifier.bias");
    let shifted = [bias[0] + (margins[4] + margins[5]) / 2.0, bias[1]];
    *other.tensor("classifier.bias") = Tensor::f32(&[2], &shifted);
    sandbox.add("other", &other);
    sandbox.ok("convert other -o other.onnx");
    let command = "eval --tokenizer model/tokenizer.json --data pairs.tsv";
    for (file, baseline, expected) in [("int8.onnx", "fp32.onnx", 0), ("fp32.onnx", "other.onnx", 5)] {
        let results = sandbox.json(&format!("{command} {file} --baseline {baseline} --json"));
        let names =
            ["accuracy", "agreement", "baseline", "f1", "flips", "logit_rmse", "pairs", "pairs_per_second", "sqnr_db"];
        assert_eq!(fields(&results), names);
        assert_eq!(fields(&results["baseline"]), ["accuracy", "f1", "pairs_per_second"]);
        assert_eq!(results["pairs"], 10);
        let [found, reference] =
            [file, baseline].map(|file| answers(&sandbox, file).iter().filter_map(|a| a.label_id).collect::<Vec<_>>());
        for (scores, classes) in [(&results, &found), (&results["baseline"], &reference)] {
            let count = |wanted: &dyn Fn(usize, usize) -> bool| {
                classes.iter().zip(PAIRS).filter(|(class, (label, ..))| wanted(**class, *label)).count() as f64
            };
            assert_eq!(scores["accuracy"].as_f64().unwrap(), count(&|class, label| class == label) / 10.0);
            let [positive, wrong] = [count(&|c, l| c == 1 && l == 1), count(&|c, l| c != l)];
            let f1 = if positive + wrong == 0.0 { 0.0 } else { 2.0 * positive / (2.0 * positive + wrong) };
            assert!((scores["f1"].as_f64().unwrap() - f1).abs() < 1e-12, "{results}");
            assert!(scores["pairs_per_second"].as_f64().unwrap() > 0.0);
        }
        let flips = found.iter().zip(&reference).filter(|(a, b)| a != b).count();
        assert_eq!((results["flips"].as_u64(), flips), (Some(expected), expected as usize));
        assert!((results["agreement"].as_f64().unwrap() - (1.0 - flips as f64 / 10.0)).abs() < 1e-12);
        assert!(results["logit_rmse"].as_f64().unwrap() > 0.0 && results["sqnr_db"].is_f64());
    }

    let alone = sandbox.json(&format!("{command} int8.onnx --json"));
    assert_eq!(fields(&alone), ["accuracy", "f1", "pairs", "pairs_per_second"]);
    let itself = sandbox.json(&format!("{command} int8.onnx --baseline int8.onnx --json"));
    assert_eq!((&itself["agreement"], &itself["flips"]), (&json!(1.0), &json!(0)));
    assert_eq!((&itself["logit_rmse"], &itself["sqnr_db"]), (&json!(0.0), &Value::Null));
    let text = sandbox.ok(&format!("{command} int8.onnx --baseline fp32.onnx")).stdout;
    assert!(text.starts_with("10 pairs\nmodel     accuracy ") && text.contains("agreement "), "{text}");
}

#[test]
fn every_layout_of_pairs_has_the_same_result() {
    let sandbox = Sandbox::new();
    let lines = |line: &dyn Fn(usize, &str, &str) -> String| PAIRS.map(|(label, a, b)| line(label, a, b)).concat();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let csv = lines(&|label, a, b| format!("{},{},class {label}\r\n", quoted(a), quoted(b)));
    sandbox.write("pairs.csv", format!("\u{feff}sentence1,sentence2,label\r\n{csv}"));
    let jsonl = lines(&|label, a, b| format!("{}\n\n", json!({ "sentence1": a, "sentence2": b, "label": label })));
    sandbox.write("pairs.jsonl", jsonl);
    let mrpc = lines(&|label, a, b| format!("{label}\t1\t2\t{a}\t{b}\r\n"));
    sandbox.write("msr.txt", format!("\u{feff}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n{mrpc}"));
    let results = ["pairs.tsv", "pairs.csv", "pairs.jsonl", "msr.txt"].map(|file| {
        sandbox.ok(&format!("quantize model --calibration {file} -o out/{file}.onnx"));
        let command = "eval int8.onnx --baseline fp32.onnx --tokenizer model/tokenizer.json --json";
        let mut results = sandbox.json(&format!("{command} --data {file}"));
        for scores in ["", "/baseline"] {
            results.pointer_mut(scores).unwrap().as_object_mut().unwrap().remove("pairs_per_second");
        }
        (results, sandbox.read(&format!("out/{file}.onnx")))
    });
    assert!(results.iter().all(|result| result == &results[0]));
}

#[test]
fn predictions_are_written_in_the_order_of_the_pairs() {
    let sandbox = Sandbox::new();
    let command = "eval int8.onnx --baseline fp32.onnx --tokenizer model/tokenizer.json --data pairs.tsv";
    sandbox.ok(&format!("{command} --predictions out/each.jsonl"));
    let text = String::from_utf8(sandbox.read("out/each.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), PAIRS.len());
    let all = [answers(&sandbox, "int8.onnx"), answers(&sandbox, "fp32.onnx")];
    for (at, line) in lines.iter().enumerate() {
        let numbers = json!([line["line"], line["label"], line["predicted"]]);
        assert_eq!(numbers, json!([at + 2, PAIRS[at].0, all[0][at].label_id]));
        for (field, answers) in ["logits", "baseline_logits"].into_iter().zip(&all) {
            let logits: Vec<f32> = floats(&line[field]).into_iter().map(|logit| logit as f32).collect();
            assert_eq!(logits, answers[at].logits);
        }
    }
}
