//! The answers of `bert8 classify`.

use crate::common::tiny_bert;
use crate::json::{fields, floats};
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel};
use bert8::activation::Activation;
use safetensors::Dtype;
use serde_json::{Value, json};

#[test]
fn classify_answers_in_json_and_text() {
    let sandbox = Sandbox::new();
    for file in ["fp32.onnx", "int8.onnx"] {
        let answer = sandbox.classify(file, ["The man left.", "he went"]);
        let names = ["label", "labelId", "logits", "probabilities", "score", "timing", "tokens", "truncated"];
        assert_eq!(fields(&answer), names);
        let (logits, probabilities) = (floats(&answer["logits"]), floats(&answer["probabilities"]));
        let id = usize::from(logits[1] > logits[0]);
        assert_eq!((&answer["labelId"], &answer["label"]), (&json!(id), &json!(format!("class {id}"))));
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        assert!((probabilities[1] / probabilities[0] - (logits[1] - logits[0]).exp()).abs() < 1e-3);
        // [CLS] the man left . [SEP] he went [SEP]
        assert_eq!((&answer["tokens"], &answer["truncated"]), (&json!(9), &json!(false)));
        assert_eq!(fields(&answer["timing"]), ["inferMs", "runs", "tokenizeMs"]);

        let command = format!("classify {file} --tokenizer model/tokenizer.json");
        let run = sandbox.run_with(&command, &["The man left.", "he went"]).succeeded();
        let percent = format!("class {id} ({:.1} %), ", probabilities[id] * 100.0);
        assert!(run.stdout.starts_with(&percent) && run.stdout.ends_with(" ms\n"), "{run}");
        assert_eq!(run.stderr, "");

        assert_eq!(sandbox.classify(file, ["", ""])["tokens"], 3);
        assert_eq!(sandbox.classify(file, ["", "he"])["tokens"], 4);
    }
}

#[test]
fn a_regression_model_returns_a_score() {
    for problem_type in [Value::Null, json!("regression")] {
        let sandbox = Sandbox::new();
        let mut model = HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 1)), Dtype::F32, true);
        for field in ["id2label", "label2id"] {
            model.config.as_object_mut().unwrap().remove(field);
        }
        model.config["num_labels"] = json!(1);
        model.config["problem_type"] = problem_type;
        sandbox.add("model", &model);
        sandbox.ok("convert model -o fp32.onnx");
        sandbox.ok("quantize fp32.onnx --tokenizer model/tokenizer.json --calibration pairs.tsv -o int8.onnx");
        let answers = ["fp32.onnx", "int8.onnx"].map(|file| sandbox.classify(file, ["he left", "so he said"]));
        for answer in &answers {
            assert_eq!([&answer["label"], &answer["labelId"]], [&Value::Null; 2], "{answer}");
            assert_eq!(answer["probabilities"], json!([]));
            assert_eq!(answer["score"], answer["logits"][0]);
        }
        let [fp32, int8] = answers.map(|answer| answer["score"].as_f64().unwrap());
        assert!((fp32 - int8).abs() < 0.1, "{fp32} and {int8}");
        let text = sandbox.run_with("classify fp32.onnx --tokenizer model/tokenizer.json", &["he left", "so he said"]);
        assert!(text.succeeded().stdout.starts_with(&format!("score {fp32:.4}, ")));
        for what in ["model", "fp32.onnx", "int8.onnx"] {
            assert!(sandbox.ok(&format!("inspect {what}")).stdout.contains("one score (regression)"), "{what}");
        }
    }
}

#[test]
fn a_kernel_may_be_chosen() {
    let sandbox = Sandbox::new();
    let pair = ["The man left.", "he went"];
    let (fastest, plain) = (sandbox.classify("int8.onnx", pair), sandbox.classify("int8.onnx --kernel scalar", pair));
    for (a, b) in floats(&fastest["logits"]).iter().zip(floats(&plain["logits"])) {
        // Kernels differ in the last bits of float sums, which may round a value to the next integer.
        assert!((a - b).abs() < 2e-2, "{fastest} and {plain}");
    }
    let bench = sandbox.json("bench int8.onnx --seq 4 --seconds 0.05 --kernel scalar --json");
    assert_eq!(bench["kernel"], "scalar");
}

#[test]
fn long_pairs_are_cut_with_a_note() {
    let sandbox = Sandbox::new();
    let long = "so he said ".repeat(3_334);
    assert!(long.split_whitespace().count() > 10_000);
    let command = "classify --tokenizer model/tokenizer.json --json";
    for (file, limit) in [("int8.onnx", 64), ("fp32.onnx", 64), ("int8.onnx --max-length 10", 10)] {
        let run = sandbox.run_with(&format!("{command} {file}"), &[long.as_str(), "he left"]).succeeded();
        assert_eq!(run.stderr, format!("note: the pair was cut to {limit} tokens\n"));
        assert_eq!((&run.json()["tokens"], &run.json()["truncated"]), (&json!(limit), &json!(true)));
    }
    // A larger limit than the model's own has no effect.
    assert_eq!(sandbox.classify("int8.onnx --max-length 1000", [&long, &long])["tokens"], 64);
}

#[test]
fn padding_and_truncation_settings_of_the_tokenizer_do_not_matter() {
    let sandbox = Sandbox::new();
    let pairs = [["he left", "so"], ["the man said so he went so he left the cat .", "the dog said so the cat left"]];
    let before = pairs.map(|pair| sandbox.classify("int8.onnx", pair));
    sandbox.ok("quantize model --calibration pairs.tsv -o out/before.onnx");

    let mut model = HfModel::tiny();
    model.tokenizer["truncation"] =
        json!({ "direction": "Left", "max_length": 16, "strategy": "OnlyFirst", "stride": 2 });
    model.tokenizer["padding"] = json!({ "strategy": { "Fixed": 128 }, "direction": "Right", "pad_to_multiple_of": 8,
                                         "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]" });
    sandbox.add("model", &model);
    for (pair, before) in pairs.into_iter().zip(before) {
        let after = sandbox.classify("int8.onnx", pair);
        for field in ["tokens", "logits", "truncated"] {
            assert_eq!(after[field], before[field], "{field}");
        }
    }
    assert_eq!(sandbox.classify("int8.onnx", pairs[0])["tokens"], 6);
    assert_eq!(sandbox.classify("int8.onnx", pairs[1])["tokens"], 22);
    sandbox.ok("quantize model --calibration pairs.tsv -o out/after.onnx");
    assert!(sandbox.read("out/before.onnx") == sandbox.read("out/after.onnx"));
}
