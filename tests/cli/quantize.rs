//! The files of `bert8 quantize`, and its options.

use crate::common::tiny_bert;
use crate::json::{fields, floats};
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel};
use bert8::activation::Activation;
use safetensors::Dtype;
use serde_json::{Value, json};

const QUANTIZE: &str = "quantize model --calibration pairs.tsv -o out/x.onnx";

#[test]
fn presets_are_named_sets_of_options() {
    let sandbox = Sandbox::new();
    for (preset, options) in [
        ("fast", "--shift off --smooth 0.95 --range mean-min-max --rounding nearest"),
        ("balanced", "--shift search --smooth search --range mean-min-max --rounding gptq"),
        ("best", "--shift search --smooth search --range search --rounding gptq"),
    ] {
        sandbox.ok(&format!("{QUANTIZE} --preset {preset}"));
        let by_name = sandbox.read("out/x.onnx");
        // Every option overrides the preset.
        for other in ["fast", "best"] {
            sandbox.ok(&format!("{QUANTIZE} --preset {other} {options}"));
            assert!(sandbox.read("out/x.onnx") == by_name, "{preset} is not {options}");
        }
        if preset == "balanced" {
            sandbox.ok(QUANTIZE);
            assert!(sandbox.read("out/x.onnx") == by_name, "the default is not {preset}");
        }
    }
    let help = sandbox.ok("quantize --help").stdout;
    for name in ["fast", "balanced", "best", "percentile", "entropy", "gptq", "--ignore", "--max-drop", "--format"] {
        assert!(help.contains(name), "--help does not mention {name}");
    }
}

#[test]
fn inspect_and_the_report_show_ignored_parts() {
    let sandbox = Sandbox::new();
    let report = sandbox.json(&format!("{QUANTIZE} --ignore layer.1.output.* --ignore *.0.intermediate.dense --json"));
    let linears = report["linears"].as_array().unwrap().iter();
    let kept: Vec<&str> = linears.filter(|l| l["int8"] == false).map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(kept, ["encoder.layer.0.intermediate.dense", "encoder.layer.1.output.dense"]);
    let inspected = sandbox.json("inspect out/x.onnx --json");
    assert_eq!(inspected["fused"]["float_products"], 2);
    assert_eq!(inspected["fused"]["layers"], 2);
}

#[test]
fn accuracy_control_reports_its_result() {
    let sandbox = Sandbox::new();
    let control = "--metric agreement --data pairs.tsv --json";
    let report = sandbox.json(&format!("{QUANTIZE} --max-drop 0 {control}"));
    assert_eq!(report["control"]["result"]["value"], 1.0);
    // A drop that INT8 cannot meet ends with FP32.
    let run = sandbox.ok(&format!("{QUANTIZE} --max-drop=-1 {control}"));
    assert!(run.stderr.contains("kept in FP32: encoder.layer."), "{run}");
    let int8 = sandbox.classify("out/x.onnx", ["he left", "so he said"]);
    assert_eq!(int8["logits"], sandbox.classify("fp32.onnx", ["he left", "so he said"])["logits"]);
}

#[test]
fn contradictory_and_unknown_options_are_refused() {
    let sandbox = Sandbox::new();
    for (wrong, says) in [
        ("--preset great", "fast, balanced or best"),
        ("--smooth 1.5", "number from 0 to 1"),
        ("--range max", "mean-min-max"),
        ("--range percentile:30", "50 to 100"),
        ("--rounding up", "nearest, mse or gptq"),
        ("--shift left", "off, on or search"),
        ("--format tflite", "integer or qdq"),
        ("--max-drop 0.1", "--data"),
        ("--data pairs.tsv", "--max-drop"),
        ("--max-drop 0.1 --data pairs.tsv --metric recall", "f1, accuracy or agreement"),
    ] {
        let run = sandbox.run(&format!("{QUANTIZE} {wrong}"));
        assert!(run.code == 2 && run.stderr.contains(says), "{wrong}: {run}");
    }
    sandbox.refused(&format!("{QUANTIZE} --ignore layer.9.*"), &["`layer.9.*` matches no part", "encoder.layer.0"]);
    for drop in ["NaN", "inf"] {
        sandbox.refused(&format!("{QUANTIZE} --max-drop {drop} --data pairs.tsv"), &["may drop by", "0.002"]);
    }
    sandbox.write("bare.tsv", "sentence1\tsentence2\na\tb\n");
    sandbox.refused(&format!("{QUANTIZE} --max-drop 0 --data bare.tsv"), &["bare.tsv, line 2", "label"]);
    sandbox.refused(&format!("{QUANTIZE} --max-drop 0 --data none.tsv"), &["none.tsv"]);
    sandbox.add("model", &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 1)), Dtype::F32, true));
    sandbox.refused(&format!("{QUANTIZE} --max-drop 0 --data pairs.tsv"), &["one score", "needs a classifier"]);
}

#[test]
fn the_same_seed_produces_the_same_bytes() {
    let sandbox = Sandbox::new();
    for (file, options) in [
        ("out/a.onnx", "--seed 7 --subset-size 4"),
        ("out/b.onnx", "--seed 7 --subset-size 4"),
        ("out/c.onnx", "--seed 8 --subset-size 4"),
    ] {
        let run = sandbox.ok(&format!("quantize model --calibration pairs.tsv -o {file} {options}"));
        assert!(run.stderr.contains(&format!("wrote {file}")) && run.stderr.contains("on 4 pairs"), "{run}");
        assert!(run.stdout.is_empty(), "{run}");
    }
    assert!(sandbox.read("out/a.onnx") == sandbox.read("out/b.onnx"));
    assert!(sandbox.read("out/a.onnx") != sandbox.read("out/c.onnx"));
    // An ONNX file of the same model has the same result as its folder. The tokenizer is named, or lies beside the file.
    let command = "quantize fp32.onnx --calibration pairs.tsv --seed 7 --subset-size 4";
    sandbox.ok(&format!("{command} -o out/d.onnx --tokenizer model/tokenizer.json"));
    sandbox.write("tokenizer.json", sandbox.read("model/tokenizer.json"));
    sandbox.ok(&format!("{command} -o out/e.onnx"));
    assert!(sandbox.read("out/a.onnx") == sandbox.read("out/d.onnx"));
    assert!(sandbox.read("out/a.onnx") == sandbox.read("out/e.onnx"));
}

#[test]
fn the_report_describes_the_result() {
    let sandbox = Sandbox::new();
    let command =
        "quantize model --calibration pairs.tsv -o out/int8.onnx --report out/report.json --json --max-length 9";
    let report = sandbox.json(command);
    let written: Value = serde_json::from_slice(&sandbox.read("out/report.json")).unwrap();
    assert_eq!(report, written);
    let calibration = &report["calibration"];
    assert_eq!((&calibration["pairs"], &calibration["max_length"]), (&json!(10), &json!(9)));
    assert!(calibration["truncated"].as_u64().unwrap() > 0, "{calibration}");
    let sizes = &report["sizes"];
    assert_eq!(sizes["int8_bytes"], json!(sandbox.read("out/int8.onnx").len()));
    assert_eq!(sizes["fp32_bytes"], json!(tiny::fp32().len()));
    assert_eq!(fields(sizes), ["fp32_bytes", "int8_bytes", "ratio"]);
    assert_eq!(report["config"]["hidden"], 16);
    for activation in report["activations"].as_array().unwrap() {
        let mut names = vec!["alpha", "clipped", "divisors", "histogram", "max", "min", "name", "range", "scale"];
        names.extend(["shifted", "zero_point"]);
        assert_eq!(fields(activation), names);
        assert!(activation["scale"].as_f64().unwrap() > 0.0 && activation["zero_point"].is_u64());
        let range = floats(&activation["range"]);
        assert!(range[0] < range[1] && activation["min"].as_f64() < activation["max"].as_f64(), "{activation}");
        assert_eq!(activation["histogram"]["counts"].as_array().unwrap().len(), 64);
    }
    let weights = report["weights"].as_array().unwrap();
    assert!(weights.iter().any(|w| w["name"] == "encoder.layer.1.output.dense.weight"));
    for weight in weights {
        assert_eq!(fields(weight), ["name", "range", "rmse", "scales", "shape", "sqnr_db", "zero_point"]);
        assert!(weight["sqnr_db"].as_f64().unwrap() > 25.0 && weight["zero_point"] == 0, "{weight}");
    }
}
