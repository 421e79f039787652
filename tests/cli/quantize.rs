//! The files of `bert8 quantize`, and its options.

use crate::common::tiny_bert;
use crate::json::{fields, floats};
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel, PAIRS};
use bert8::activation::Activation;
use bert8::bert::BertConfig;
use safetensors::Dtype;
use serde_json::{Value, json};

const QUANTIZE: &str = "quantize model --calibration pairs.tsv -o out/x.onnx";

#[test]
fn presets_are_named_sets_of_options() {
    let sandbox = Sandbox::new();
    for (preset, options) in [
        ("fast", "--shift off --smooth 0.95 --range mean-min-max --range-margin 0 --rounding nearest"),
        ("balanced", "--shift search --smooth search --range mean-min-max --range-margin 0.25 --rounding gptq"),
    ] {
        sandbox.ok(&format!("{QUANTIZE} --preset {preset}"));
        let by_name = sandbox.read("out/x.onnx");
        // Every option overrides the preset.
        for other in ["fast", "balanced"] {
            sandbox.ok(&format!("{QUANTIZE} --preset {other} {options}"));
            assert!(sandbox.read("out/x.onnx") == by_name, "{preset} is not {options}");
        }
        if preset == "balanced" {
            sandbox.ok(QUANTIZE);
            assert!(sandbox.read("out/x.onnx") == by_name, "the default is not {preset}");
            sandbox.ok(&format!("{QUANTIZE} --range entropy"));
            assert!(sandbox.read("out/x.onnx") != by_name, "--range does not override {preset}");
        }
    }
    let help = sandbox.ok("quantize --help").stdout;
    for name in ["fast", "balanced", "percentile", "entropy", "gptq", "--ignore", "--max-drop", "--format"] {
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
fn sensitivity_ranks_the_parts_and_names_the_one_to_keep_in_fp32() {
    let sandbox = Sandbox::new();
    let run = sandbox.ok(&format!("{QUANTIZE} --sensitivity --report out/report.json"));
    let plain = sandbox.read("out/x.onnx");
    sandbox.ok(QUANTIZE);
    assert!(sandbox.read("out/x.onnx") == plain, "measuring changes nothing");

    let report: Value = serde_json::from_slice(&sandbox.read("out/report.json")).unwrap();
    let found = &report["sensitivity"];
    let parts = found["parts"].as_array().unwrap();
    let mut names: Vec<&str> = parts.iter().map(|part| part["name"].as_str().unwrap()).collect();
    let decibels: Vec<f64> = parts.iter().map(|part| part["sqnr_db"].as_f64().unwrap_or(f64::INFINITY)).collect();
    assert!(decibels.is_sorted() && decibels[0] >= found["sqnr_db"].as_f64().unwrap(), "{found}");
    names.sort_unstable();
    assert_eq!(names.len(), 10, "four units of each layer, and two tables");
    assert_eq!((names[0], names[3]), ("embeddings.position_embeddings.weight", "encoder.layer.0.attention.self"));

    let pattern = found["best_ignored"]["pattern"].as_str().unwrap();
    assert!(run.stderr.contains(&format!("--ignore '{pattern}' helps most: ")), "{run}");
    assert!(found["best_ignored"]["sqnr_db"].as_f64() > found["sqnr_db"].as_f64());
    let ignored = sandbox.json(&format!("{QUANTIZE} --ignore {pattern} --json"));
    let int8 = |report: &Value| report["linears"].as_array().unwrap().iter().filter(|l| l["int8"] == true).count();
    let tables = |report: &Value| report["weights"].as_array().unwrap().len();
    assert!(int8(&ignored) < int8(&report) || tables(&ignored) < tables(&report), "{pattern}");

    let text = sandbox.ok("report out/report.json").stdout;
    assert!(text.contains("if one part alone is INT8") && text.contains(pattern), "{text}");
    sandbox.ok("report out/report.json --html out/report.html");
    let page = String::from_utf8(sandbox.read("out/report.html")).unwrap();
    assert!(page.contains("part-table") && page.contains("helps most"));
}

#[test]
fn contradictory_and_unknown_options_are_refused() {
    let sandbox = Sandbox::new();
    for (wrong, says) in [
        ("--preset great", "fast or balanced"),
        ("--preset best", "use balanced"),
        ("--smooth 1.5", "number from 0 to 1"),
        ("--range max", "mean-min-max"),
        ("--range percentile:30", "50 to 100"),
        ("--rounding up", "nearest, mse or gptq"),
        ("--shift left", "off, on or search"),
        ("--format tflite", "integer or qdq"),
        ("--max-drop 0.1", "--data"),
        ("--data pairs.tsv", "--max-drop"),
        ("--max-drop 0.1 --data pairs.tsv --metric recall", "f1, macro-f1, weighted-f1"),
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
    let control = format!("{QUANTIZE} --max-drop 0 --data pairs.tsv --metric");
    sandbox
        .refused(&format!("{control} pearson"), &["metric pearson does not fit a single-label model", "f1, matthews"]);
    sandbox.add("model", &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 1)), Dtype::F32, true));
    for metric in ["f1", "agreement"] {
        sandbox.refused(&format!("{control} {metric}"), &["does not fit a regression model", "pearson, spearman"]);
    }
}

#[test]
fn the_same_seed_produces_the_same_bytes() {
    let sandbox = Sandbox::new();
    for (file, options) in [
        ("out/a.onnx", "--seed 7 --subset-size 8"),
        ("out/b.onnx", "--seed 7 --subset-size 8"),
        ("out/c.onnx", "--seed 8 --subset-size 8"),
    ] {
        let run = sandbox.ok(&format!("quantize model --calibration pairs.tsv -o {file} {options}"));
        assert!(run.stderr.contains(&format!("wrote {file}")) && run.stderr.contains("on 8 pairs"), "{run}");
        assert!(run.stdout.is_empty(), "{run}");
    }
    assert!(sandbox.read("out/a.onnx") == sandbox.read("out/b.onnx"));
    assert!(sandbox.read("out/a.onnx") != sandbox.read("out/c.onnx"));
    // An ONNX file of the same model has the same result as its folder. The tokenizer is named, or lies beside the file.
    let command = "quantize fp32.onnx --calibration pairs.tsv --seed 7 --subset-size 8";
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
    sandbox.ok("convert model -o out/fp32.onnx --task pair");
    assert_eq!(sizes["fp32_bytes"], json!(sandbox.read("out/fp32.onnx").len()));
    assert_eq!(fields(sizes), ["fp32_bytes", "int8_bytes", "ratio"]);
    assert_eq!(report["config"]["hidden"], 16);
    for activation in report["activations"].as_array().unwrap() {
        let mut names = vec!["alpha", "clipped", "divisors", "histogram", "max", "min", "name", "range", "scale"];
        names.extend(["shifted", "zero_point"]);
        names.insert(7, "outliers");
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

/// [`PAIRS`] as single texts, with `label` for each.
fn single_tsv(label: impl Fn(usize) -> String) -> String {
    let rows = PAIRS.iter().enumerate().map(|(at, (_, text, other))| format!("{text} {other}\t{}\n", label(at)));
    format!("sentence\tlabel\n{}", rows.collect::<String>())
}

#[test]
fn the_file_knows_its_task() {
    let sandbox = Sandbox::new();
    sandbox.write("single.tsv", single_tsv(|at| (at % 2).to_string()));
    sandbox.write("plain.txt", PAIRS.map(|(_, a, b)| format!("{a} {b}\n")).concat());
    for (calibration, task, texts) in [
        ("pairs.tsv", "", "pair"),
        ("pairs.tsv", "--task pair,single-label", "pair"),
        ("single.tsv", "", "single"),
        ("single.tsv", "--task single --task single-label", "single"),
        ("plain.txt", "", "single"),
    ] {
        sandbox.ok(&format!("quantize model --calibration {calibration} -o out/x.onnx {task}"));
        assert_eq!(sandbox.json("inspect out/x.onnx --json")["texts"], texts, "{calibration} {task}");
    }
    let eval = "eval out/x.onnx --tokenizer model/tokenizer.json --data";
    assert_eq!(sandbox.json(&format!("{eval} single.tsv --json"))["texts"], "single");
    sandbox.refused(
        &format!("{eval} pairs.tsv"),
        &["out/x.onnx reads one text", "pairs.tsv has a pair of texts (line 2)"],
    );

    sandbox.ok("convert model -o out/fp32.onnx --task multi-label,single");
    let info = sandbox.json("inspect out/fp32.onnx --json");
    assert_eq!([&info["problem"], &info["texts"]], ["multi-label", "single"]);
    sandbox.ok("quantize out/fp32.onnx --tokenizer model/tokenizer.json --calibration single.tsv -o out/y.onnx");
    assert_eq!(sandbox.json("inspect out/y.onnx --json")["problem"], "multi-label");

    sandbox.write("mixed.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"text\":\"a\",\"text_pair\":\"b\"}\n");
    let quantize = "quantize model -o out/z.onnx --calibration";
    for (command, says) in [
        (
            format!("{quantize} pairs.tsv --task single"),
            "--task says that the model reads one text, but pairs.tsv, line 2",
        ),
        (format!("{quantize} pairs.tsv --task single,pair"), "--task pair contradicts --task single"),
        (
            "convert model -o out/z.onnx --task multi-label --task regression".to_owned(),
            "contradicts --task multi-label",
        ),
        ("convert model -o out/z.onnx --task regression".to_owned(), "regression` with 2 outputs"),
        (format!("{quantize} mixed.jsonl"), "mixed.jsonl, line 3: has a pair of texts, the first row has one text"),
        (
            "quantize out/fp32.onnx --tokenizer model/tokenizer.json -o out/z.onnx --calibration pairs.tsv".to_owned(),
            "the model reads one text, but pairs.tsv, line 2, has a pair",
        ),
        (format!("{quantize} pairs.tsv --max-drop 0 --data single.tsv"), "single.tsv, line 2, has one text"),
    ] {
        sandbox.refused(&command, &[says]);
    }
    assert_eq!(sandbox.run("convert model -o out/z.onnx --task ranking").code, 2);
}

#[test]
fn accuracy_control_takes_the_metrics_of_every_problem() {
    let sandbox = Sandbox::new();
    sandbox.add("three", &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 3)), Dtype::F32, true));
    sandbox.add("score", &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 1)), Dtype::F32, true));
    sandbox.write("classes.tsv", single_tsv(|at| (at % 3).to_string()));
    sandbox.write("sets.tsv", single_tsv(|at| ["class 0, class 2", "", "class 1"][at % 3].to_owned()));
    sandbox.write("scores.tsv", single_tsv(|at| format!("{}.5", at % 4)));
    for (model, data, task, default, other) in [
        ("three", "classes.tsv", "single-label", "macro-f1", "matthews"),
        ("three", "sets.tsv", "multi-label", "micro-f1", "exact-match"),
        ("score", "scores.tsv", "regression", "spearman", "rank-correlation"),
    ] {
        for (option, metric) in [(String::new(), default), (format!("--metric {other}"), other)] {
            let command = format!("quantize {model} --calibration {data} -o out/x.onnx --task {task} --preset fast");
            let report = sandbox.json(&format!("{command} --json --max-drop 1 --data {data} {option}"));
            let control = &report["control"];
            assert_eq!(control["metric"], metric);
            assert!(metric != "rank-correlation" || control["fp32"]["value"] == 1.0, "{control}");
        }
    }
    sandbox.refused(
        "quantize three --calibration classes.tsv -o out/z.onnx --max-drop 1 --data classes.tsv --metric f1",
        &["metric f1 does not fit", "accuracy, macro-f1, weighted-f1, matthews, agreement, rank-correlation"],
    );
}

#[test]
fn calibration_texts_are_checked() {
    let sandbox = Sandbox::new();
    let header = "sentence1\tsentence2\n";
    let one = "the man left\the went away\n";
    let strange = (0..20).map(|at| format!("{}\t\u{2603}\n", "\u{4e00} ".repeat(at + 1))).collect::<String>();
    let quantize = "quantize model -o out/x.onnx --preset fast --calibration";
    for (rows, says) in [
        (one.to_owned(), "1 distinct text(s) are too few to calibrate on: at least 8"),
        (one.repeat(300), "1 distinct text(s) are too few"),
        ("\t.\n".to_owned(), "1 distinct text(s)"),
        (strange, "100 % of the tokens are unknown"),
    ] {
        sandbox.write("few.tsv", format!("{header}{rows}"));
        sandbox.refused(&format!("{quantize} few.tsv"), &["few.tsv: ", says, "--force-calibration"]);
        let run = sandbox.ok(&format!("{quantize} few.tsv --force-calibration"));
        assert!(run.stderr.contains(&format!("warning: {says}")), "{run}");
    }
    let run = sandbox.ok(&format!("{quantize} pairs.tsv --report out/report.json"));
    assert!(run.stderr.contains("warning: calibrated on only 10 distinct texts; with fewer than 100"), "{run}");
    assert!(run.stderr.contains("against FP32 on 10 texts of the calibration itself: SQNR "), "{run}");
    assert!(run.stderr.starts_with("calibrating: "), "{run}");
    let report: Value = serde_json::from_slice(&sandbox.read("out/report.json")).unwrap();
    assert_eq!((&report["check"]["texts"], &report["check"]["held_back"]), (&json!(10), &json!(false)));
    assert!(report["check"]["sqnr_db"].as_f64().unwrap() > 10.0);
    let run = sandbox.ok(&format!("{quantize} pairs.tsv --subset-size 8"));
    assert!(run.stderr.contains("against FP32 on 2 texts that calibration did not see"), "{run}");
    assert!(sandbox.ok("report out/report.json").stdout.contains("INT8 against FP32"));
    assert!(!run.stderr.contains("WARNING"), "{run}");
    let run = sandbox.ok(&format!("{quantize} pairs.tsv --smooth off --range percentile:50 --no-bias-correction"));
    assert!(run.stderr.contains("WARNING: the logits have an SQNR of "), "{run}");
}

/// A file with 200 distinct pairs of words that the tokenizer knows.
fn many_pairs() -> String {
    let words = PAIRS.iter().flat_map(|(_, first, second)| first.split(' ').chain(second.split(' ')));
    let words: Vec<&str> =
        words.filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase())).collect();
    let text = |seed: usize| (0..6).map(|at| words[(seed * 7 + at) % words.len()]).collect::<Vec<_>>().join(" ");
    let number = |at: usize| format!("{} {} {}", words[at % 10], words[at / 10 % 10], words[at / 100]);
    let rows = (0..200).map(|at| format!("{} {}\t{}\n", number(at), text(at), text(at + 3)));
    format!("sentence1\tsentence2\n{}", rows.collect::<String>())
}

#[test]
fn strict_calibration_fails_where_others_warn() {
    let sandbox = Sandbox::new();
    sandbox.write("many.tsv", many_pairs());
    let quantize = "quantize model -o out/x.onnx --preset fast --strict --calibration";
    let good = sandbox.ok(&format!("{quantize} many.tsv --subset-size 150"));
    assert!(
        good.stderr.contains("on 50 texts that calibration did not see") && !good.stderr.contains("arning"),
        "{good}"
    );
    sandbox.remove("out/x.onnx");

    // Before quantization: one pair, copies, strange texts, few texts, unknown tokens, nothing to compare on.
    let header = "sentence1\tsentence2\n";
    let one = "the man left\the went away\n";
    let strange = (0..300).map(|at| format!("{}\t\u{2603}\n", "\u{4e00} ".repeat(at % 40 + 1))).collect::<String>();
    let some = many_pairs().replace(" ", " \u{4e00} ");
    for (content, says) in [
        (format!("{header}{one}"), "1 distinct text(s) are too few"),
        (format!("{header}{}", one.repeat(300)), "1 distinct text(s) are too few"),
        (format!("{header}\t.\n"), "1 distinct text(s) are too few"),
        (format!("{header}{strange}"), "of the tokens are unknown"),
        (tiny::pairs_tsv(), "calibrated on only 10 distinct texts"),
        (
            many_pairs().lines().take(31).map(|line| format!("{line}\n")).collect(),
            "calibrated on only 30 distinct texts",
        ),
        (some, "of the tokens are unknown"),
        (many_pairs().lines().take(106).map(|line| format!("{line}\n")).collect(), "no other text is left to compare"),
    ] {
        sandbox.write("texts.tsv", content);
        sandbox.refused(&format!("{quantize} texts.tsv --report out/x.json"), &["texts.tsv: ", says]);
    }

    // After quantization: ranges that clip, and noise. The report is written, the model is not.
    let bad = "--range percentile:50 --smooth off --no-bias-correction";
    let run = sandbox.run(&format!("{quantize} many.tsv --subset-size 150 --report out/x.json {bad}"));
    assert_eq!(run.code, 1, "{run}");
    for says in [
        "WARNING: ",
        "--strict: out/x.onnx is not written: ",
        "clip more than 5 % of the calibration values",
        "below 20 dB",
    ] {
        assert!(run.stderr.contains(says), "{says}: {run}");
    }
    assert!(!sandbox.path("out/x.onnx").exists());
    let report: Value = serde_json::from_slice(&sandbox.read("out/x.json")).unwrap();
    assert!(report["warnings"][0].as_str().unwrap().contains("clip more than"), "{}", report["warnings"]);
    // Without --strict, the same is only said.
    let run = sandbox.ok(&format!("quantize model -o out/x.onnx --preset fast --calibration many.tsv {bad}"));
    assert!(run.stderr.contains("warning: the ranges of ") && run.stderr.contains("WARNING: "), "{run}");
    assert_eq!(sandbox.run(&format!("{quantize} many.tsv --force-calibration")).code, 2);
}

#[test]
fn bad_rows_may_be_left_out() {
    let sandbox = Sandbox::new();
    sandbox.write("broken.tsv", format!("{}1\tonly one\n", tiny::pairs_tsv()));
    sandbox.refused(
        "quantize model -o out/x.onnx --calibration broken.tsv",
        &["broken.tsv, line 12: has 2 columns", "--skip-bad-rows"],
    );
    let run = sandbox.ok("quantize model -o out/x.onnx --calibration broken.tsv --skip-bad-rows");
    assert!(run.stderr.contains("left out 1 of 11 rows of broken.tsv:\n  broken.tsv, line 12: has 2 columns"), "{run}");
    let eval = "eval int8.onnx --tokenizer model/tokenizer.json --json --data";
    let results = sandbox.json(&format!("{eval} broken.tsv --skip-bad-rows"));
    assert_eq!((&results["rows"], &results["skipped"]), (&json!(10), &json!(1)));
}

#[test]
fn sizes_that_the_kernels_cannot_run_are_padded_or_named() {
    let sandbox = Sandbox::new();
    let model = |hidden, intermediate| {
        let config = BertConfig { hidden, intermediate, ..tiny::config(Activation::Gelu, 2) };
        HfModel::new(&tiny_bert(config), Dtype::F32, true)
    };
    sandbox.add("model", &model(16, 21));
    let run = sandbox.run(QUANTIZE).succeeded();
    assert!(!run.stderr.contains("unfused"), "{run}");
    assert_eq!(sandbox.json("inspect out/x.onnx --json")["fused"]["layers"], 2);
    sandbox.add("model", &model(12, 24));
    let run = sandbox.run(QUANTIZE).succeeded();
    assert!(run.stderr.contains("warning: the hidden size 12 is no multiple of 8, the number"), "{run}");
    assert!(run.stderr.contains("so INT8 runs unfused"), "{run}");
}
