//! `bert8 manifest`, and what files say of their accuracy.

use crate::json::fields;
use crate::sandbox::Sandbox;
use bert8::integrity::Integrity;
use bert8::manifest::Manifest;
use serde_json::{Value, json};

fn manifest(sandbox: &Sandbox) -> Value {
    serde_json::from_slice(&sandbox.read("out/manifest.json")).unwrap()
}

#[test]
fn a_manifest_lists_files_and_what_the_model_does() {
    let sandbox = Sandbox::new();
    sandbox.write("out/tokenizer.json", sandbox.read("model/tokenizer.json"));
    sandbox.ok("quantize model --calibration pairs.tsv -o out/int8.onnx");
    let run = sandbox.ok("manifest out");
    assert!(run.stderr.contains("wrote out/manifest.json for int8.onnx and tokenizer.json"), "{run}");
    let found = manifest(&sandbox);
    for (name, file) in [("model", "int8.onnx"), ("tokenizer", "tokenizer.json")] {
        let bytes = sandbox.read(&format!("out/{file}"));
        let integrity = Integrity::of(&bytes).to_string();
        assert_eq!(found[name], json!({ "file": file, "bytes": bytes.len(), "integrity": integrity }));
    }
    assert_eq!(
        [&found["version"], &found["problem"], &found["texts"], &found["labels"]],
        [&json!(1), &json!("single-label"), &json!("pair"), &json!(["class 0", "class 1"])]
    );
    assert_eq!(found["accuracy"], sandbox.json("inspect out/int8.onnx --json")["accuracy"]);
    let read = Manifest::from_bytes(&sandbox.read("out/manifest.json"), "manifest.json").unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), found);
}

#[test]
fn folders_that_do_not_load_get_no_manifest() {
    let sandbox = Sandbox::new();
    let refuse = |command: &str, says: &str| {
        let run = sandbox.run(command);
        assert!(run.code == 1 && run.stderr.contains(says), "{run}");
    };
    refuse("manifest int8.onnx", "int8.onnx is not a folder");
    refuse("manifest out", "out has no ONNX file");
    sandbox.write("out/int8.onnx", sandbox.read("int8.onnx"));
    refuse("manifest out", "out/tokenizer.json does not exist; a browser needs a tokenizer.json");
    sandbox.write("out/tokenizer.json", "{}");
    refuse("manifest out", "out/tokenizer.json: is not a tokenizer.json");
    sandbox.write("out/words.json", sandbox.read("model/tokenizer.json"));
    sandbox.write("out/fp32.onnx", sandbox.read("fp32.onnx"));
    refuse("manifest out --tokenizer words.json", "has 2 ONNX files (fp32.onnx, int8.onnx); choose one with --model");
    sandbox.ok("manifest out --tokenizer words.json --model fp32.onnx");
    assert_eq!(manifest(&sandbox)["model"]["file"], "fp32.onnx");
    assert_eq!(manifest(&sandbox)["accuracy"], Value::Null);
}

#[test]
fn int8_files_keep_how_good_they_were_found_to_be() {
    let sandbox = Sandbox::new();
    sandbox.ok("quantize model --calibration pairs.tsv -o out/int8.onnx");
    let data = Integrity::of(&sandbox.read("pairs.tsv")).to_string();
    let accuracy = |file: &str| sandbox.json(&format!("inspect {file} --json"))["accuracy"].clone();
    let found = accuracy("out/int8.onnx");
    assert_eq!(fields(&found), ["agreement", "data", "metric", "rows", "sqnr", "unseen"]);
    assert_eq!([&found["rows"], &found["data"], &found["unseen"]], [&json!(10), &json!(data), &json!(false)]);
    assert!(found["sqnr"].as_f64().unwrap() > 10.0 && found["agreement"].is_f64() && found["metric"].is_null());
    let text = sandbox.ok("inspect out/int8.onnx").stdout;
    assert!(
        text.contains("agreement with FP32 100.0 %, SQNR ")
            && text.contains(" dB, on 10 pairs of the calibration itself\n"),
        "{text}"
    );

    let before = sandbox.read("out/int8.onnx");
    let eval = "eval --tokenizer model/tokenizer.json --data pairs.tsv";
    let results = sandbox.json(&format!("{eval} out/int8.onnx --baseline fp32.onnx --write --json"));
    let found = accuracy("out/int8.onnx");
    let metric =
        json!({ "name": "accuracy", "value": results["accuracy"], "interval": results["intervals"]["accuracy"] });
    assert_eq!((&found["metric"], &found["unseen"]), (&metric, &Value::Null));
    assert_eq!((&found["agreement"], &found["sqnr"]), (&results["agreement"], &results["sqnr_db"]));
    let after = sandbox.read("out/int8.onnx");
    assert!(after != before);
    // The weights and all else stay.
    let again = sandbox.json(&format!("{eval} out/int8.onnx --baseline fp32.onnx --write --json"));
    assert!(sandbox.read("out/int8.onnx") == after && again["logit_rmse"] == results["logit_rmse"]);
    sandbox.ok(&format!("{eval} out/int8.onnx --write"));
    assert_eq!(accuracy("out/int8.onnx")["agreement"], Value::Null);
    assert!(sandbox.ok("inspect out/int8.onnx").stdout.contains("accuracy 0."), "without a baseline");

    let run = sandbox.run(&format!("{eval} fp32.onnx --write"));
    assert!(run.code == 1 && run.stderr.contains("fp32.onnx is an FP32 file; --write is for INT8 files"), "{run}");
}
