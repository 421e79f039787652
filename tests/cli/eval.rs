//! The scores of `bert8 eval`.

use crate::common::tiny_bert;
use crate::json::{fields, floats};
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel, PAIRS, Tensor};
use bert8::activation::Activation;
use bert8::bert::emit_fp32;
use bert8::model::{Classification, Classifier};
use bert8::onnx::{decode_model, encode_model};
use safetensors::Dtype;
use serde_json::{Value, json};

/// The answers of a model in the sandbox for [`PAIRS`].
fn answers(sandbox: &Sandbox, file: &str) -> Vec<Classification> {
    let tokenizer = sandbox.read("model/tokenizer.json");
    let builder = Classifier::builder().model_bytes(sandbox.read(file)).tokenizer_bytes(tokenizer);
    let classifier = builder.build().unwrap();
    PAIRS.iter().map(|(_, first, second)| classifier.classify((*first, *second)).unwrap()).collect()
}

/// The fields of the results of a model with two classes beside a baseline.
const FIELDS: [&str; 17] = [
    "accuracy",
    "agreement",
    "baseline",
    "changes",
    "confusion",
    "f1",
    "flips",
    "intervals",
    "labelled",
    "logit_max",
    "logit_rmse",
    "matthews",
    "problem",
    "rank_correlation",
    "rows",
    "rows_per_second",
    "skipped",
];

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
        assert_eq!(fields(&results)[..FIELDS.len()], FIELDS);
        assert_eq!(fields(&results["baseline"]), ["accuracy", "f1", "intervals", "matthews", "rows_per_second"]);
        assert_eq!(fields(&results["baseline"]["intervals"]), ["accuracy", "f1", "matthews"]);
        assert_eq!((&results["rows"], &results["labelled"]), (&json!(10), &json!(10)));
        assert_eq!(fields(&results["intervals"]), ["accuracy", "agreement", "f1", "matthews"]);
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
            assert!(scores["rows_per_second"].as_f64().unwrap() > 0.0);
        }
        let flips = found.iter().zip(&reference).filter(|(a, b)| a != b).count();
        assert_eq!((results["flips"].as_u64(), flips), (Some(expected), expected as usize));
        assert!((results["agreement"].as_f64().unwrap() - (1.0 - flips as f64 / 10.0)).abs() < 1e-12);
        assert!(results["logit_rmse"].as_f64().unwrap() > 0.0 && results["sqnr_db"].is_f64());
        assert!(results["logit_max"].as_f64() > results["logit_rmse"].as_f64());
        let change = &results["changes"]["accuracy"];
        let found = results["accuracy"].as_f64().unwrap() - results["baseline"]["accuracy"].as_f64().unwrap();
        assert!((change["value"].as_f64().unwrap() - found).abs() < 1e-12);
        for (value, interval) in [(found, &change["interval"]), (0.5, &results["intervals"]["accuracy"])] {
            let interval = floats(interval);
            assert!(interval[0] <= value && value <= interval[1], "{results}");
        }
        if baseline == "fp32.onnx" {
            assert_eq!(
                (&change["interval"], &results["intervals"]["agreement"]),
                (&json!([0.0, 0.0]), &json!([1.0, 1.0]))
            );
        }
    }

    let alone = sandbox.json(&format!("{command} int8.onnx --json"));
    let confused: u64 = alone["confusion"].as_array().unwrap().iter().flat_map(floats).map(|count| count as u64).sum();
    assert_eq!(confused, 10);
    assert!(alone.get("agreement").is_none() && alone.get("baseline").is_none(), "{alone}");
    let itself = sandbox.json(&format!("{command} int8.onnx --baseline int8.onnx --json"));
    assert_eq!((&itself["agreement"], &itself["flips"]), (&json!(1.0), &json!(0)));
    assert_eq!((&itself["logit_rmse"], &itself["sqnr_db"]), (&json!(0.0), &Value::Null));
    let text = sandbox.ok(&format!("{command} int8.onnx --baseline fp32.onnx")).stdout;
    assert!(
        text.starts_with("10 pairs\n") && text.contains("\nF1 of class 1 (class 1)  ") && text.contains("agreement "),
        "{text}"
    );
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
            results.pointer_mut(scores).unwrap().as_object_mut().unwrap().remove("rows_per_second");
        }
        let mut model = decode_model(&sandbox.read(&format!("out/{file}.onnx")), file).unwrap();
        // It holds the hash of the data.
        model.metadata_props.retain(|property| property.key != "bert8.accuracy");
        (results, model)
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

#[test]
fn without_labels_a_model_is_compared_with_its_baseline() {
    let sandbox = Sandbox::new();
    let rows = PAIRS.map(|(_, first, second)| format!("-1\t{first}\t{second}\n")).concat();
    sandbox.write("hidden.tsv", format!("label\tsentence1\tsentence2\n{rows}"));
    let command = "eval int8.onnx --baseline fp32.onnx --tokenizer model/tokenizer.json --data hidden.tsv";
    let results = sandbox.json(&format!("{command} --json"));
    assert_eq!((&results["labelled"], &results["agreement"]), (&json!(0), &json!(1.0)));
    assert!(results.get("accuracy").is_none() && results.get("confusion").is_none(), "{results}");
    let text = sandbox.ok(command).stdout;
    assert!(text.starts_with("10 pairs, none of them with a label\nagreement 100.00 %"), "{text}");
}

#[test]
fn every_problem_has_its_metrics() {
    let sandbox = Sandbox::new();
    let single = |label: &dyn Fn(usize) -> String| {
        let rows = PAIRS.iter().enumerate().map(|(at, (_, text, _))| format!("{text}\t{}\n", label(at)));
        format!("text\tlabels\n{}", rows.collect::<String>())
    };
    sandbox.write("sets.tsv", single(&|at| ["CLASS 0|class 2", "", "class 1"][at % 3].to_owned()));
    sandbox.write("classes.tsv", single(&|at| format!("Class {}", at % 3)));
    sandbox.write("scores.tsv", single(&|at| format!("{}.25", at % 4)));
    for (labels, name) in [(3, "three"), (1, "score")] {
        sandbox.add(name, &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, labels)), Dtype::F32, true));
    }
    for (model, task, data, metrics) in [
        ("three", "single-label", "classes.tsv", vec!["accuracy", "macro_f1", "weighted_f1", "matthews"]),
        ("three", "multi-label", "sets.tsv", vec!["micro_f1", "macro_f1", "exact_match"]),
        ("score", "regression", "scores.tsv", vec!["pearson", "spearman"]),
        ("score", "multi-label", "scores.tsv", vec!["pearson", "spearman"]),
    ] {
        sandbox.ok(&format!("convert {model} -o out/fp32.onnx --task {task}"));
        sandbox.ok(&format!(
            "quantize out/fp32.onnx --tokenizer model/tokenizer.json --calibration {data} -o out/int8.onnx --preset fast"
        ));
        let command =
            format!("eval out/int8.onnx --baseline out/fp32.onnx --tokenizer model/tokenizer.json --data {data}");
        let results = sandbox.json(&format!("{command} --json --predictions out/each.jsonl"));
        assert_eq!((&results["problem"], &results["texts"]), (&json!(task), &json!("single")));
        for metric in metrics {
            let value = results[metric].as_f64().unwrap();
            let interval = floats(&results["intervals"][metric]);
            // Draws of a few rows can lie far from the whole, but they are in range.
            assert!((-1.0..=1.0).contains(&value) && -1.0 <= interval[0] && interval[1] <= 1.0, "{metric}: {results}");
            assert!(results["baseline"][metric].is_f64());
        }
        assert_eq!(results["agreement"].is_null(), task == "regression", "{results}");
        assert_eq!(results.get("confusion").is_some(), task == "single-label");
        let text = sandbox.ok(&command).stdout;
        assert_eq!(text.contains("predicted as"), data == "classes.tsv", "{text}");
        assert!(text.contains(" texts/s"), "{text}");
        let each = String::from_utf8(sandbox.read("out/each.jsonl")).unwrap();
        assert_eq!(each.lines().count(), PAIRS.len());
    }
    let command = "eval out/fp32.onnx --tokenizer model/tokenizer.json --data scores.tsv";
    for threshold in ["0", "0.1", "1"] {
        assert_eq!(sandbox.json(&format!("{command} --threshold {threshold} --json"))["rows"], 10);
    }
    for wrong in ["1.5", "-0.1", "NaN"] {
        let says = format!("the threshold must be a probability from 0 to 1, not {wrong}");
        sandbox.refused(&format!("{command} --threshold={wrong}"), &[&says]);
    }
}

#[test]
fn a_threshold_decides_which_labels_apply() {
    let sandbox = Sandbox::new();
    let rows = PAIRS.map(|(_, text, _)| format!("{text}\tclass 0|class 1|class 2\n")).concat();
    sandbox.write("all.tsv", format!("text\tlabels\n{rows}"));
    sandbox.add("three", &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 3)), Dtype::F32, true));
    sandbox.ok("convert three -o out/fp32.onnx --task multi-label,single");
    let command = "eval out/fp32.onnx --tokenizer model/tokenizer.json --data all.tsv --json";
    // Every label applies at 0, and at 1 none that has a finite logit of less than about 17.
    for (threshold, expected) in [("0", 1.0), ("1", 0.0)] {
        assert_eq!(sandbox.json(&format!("{command} --threshold {threshold}"))["micro_f1"], expected, "{threshold}");
    }
    let says = "is a single-label model; a threshold is only for multi-label models";
    let command = "eval int8.onnx --tokenizer model/tokenizer.json --data pairs.tsv --threshold 0.5";
    sandbox.refused(command, &["int8.onnx", says]);
}

#[test]
fn a_task_may_be_named_for_a_file_that_does_not_tell_it() {
    let sandbox = Sandbox::new();
    let texts = PAIRS.map(|(_, text, _)| format!("{text}\tLABEL_0|LABEL_2\n")).concat();
    sandbox.write("sets.tsv", format!("text\tlabels\n{texts}"));
    let mut model = emit_fp32(&tiny_bert(tiny::config(Activation::Gelu, 3)));
    model.metadata_props.clear();
    sandbox.write("foreign.onnx", encode_model(&model));
    let tokenizer = "--tokenizer model/tokenizer.json";
    let command = format!("eval foreign.onnx {tokenizer} --data sets.tsv");
    let results = sandbox.json(&format!("{command} --task multi-label --task single --json"));
    assert_eq!((&results["problem"], results["micro_f1"].is_f64()), (&json!("multi-label"), true), "{results}");
    sandbox.refused(&format!("{command} --task multi-label,pair"), &["reads a pair of texts", "has one text"]);
    let says = ["--task does not fit the model", "`regression` with 3 outputs"];
    sandbox.refused(&format!("{command} --task regression"), &says);
    sandbox.refused(&format!("{command} --task single,pair"), &["--task pair contradicts --task single"]);

    let classify = format!("classify foreign.onnx {tokenizer} --task multi-label --threshold 0 --json");
    let answer = sandbox.run_with(&classify, &["he left"]).succeeded().json();
    assert_eq!(answer["labels"].as_array().map(Vec::len), Some(3), "{answer}");
    sandbox.refused_with(
        &format!("classify foreign.onnx {tokenizer} --task pair"),
        &["he left"],
        &["reads a pair of texts at a time, but was given one text"],
    );
}

#[test]
fn the_tokenizer_is_found_beside_the_model_or_one_folder_up() {
    let sandbox = Sandbox::new();
    sandbox.write("hub/onnx/model.onnx", sandbox.read("int8.onnx"));
    sandbox.write("hub/tokenizer.json", sandbox.read("model/tokenizer.json"));
    sandbox.write("flat/model.onnx", sandbox.read("int8.onnx"));
    sandbox.write("flat/tokenizer.json", sandbox.read("model/tokenizer.json"));
    let named = sandbox.classify("int8.onnx", ["he left", "so he said"]);
    for file in ["hub/onnx/model.onnx", "flat/model.onnx"] {
        let run = sandbox.run_with(&format!("classify --json {file}"), &["he left", "so he said"]).succeeded();
        assert_eq!(run.json()["logits"], named["logits"], "{file}");
        assert_eq!(sandbox.json(&format!("eval {file} --data pairs.tsv --json"))["rows"], 10);
    }
    // From inside the folder, where the path has no parent.
    let mut command = sandbox.command("classify model.onnx --json", &["he left", "so"]);
    assert!(command.current_dir(sandbox.path("hub/onnx")).output().unwrap().status.success());
}
