//! What every command does with good input.

use crate::common::fixed_scales::with_fixed_scales;
use crate::common::tiny_bert;
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel, PAIRS, Tensor};
use bert8::activation::Activation;
use bert8::bert::emit_fp32;
use bert8::classifier::{Classification, Classifier};
use bert8::onnx::encode_model;
use safetensors::Dtype;
use serde_json::{Value, json};

/// The logits or probabilities of a JSON answer.
fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The names of a JSON object's fields.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn convert_reads_every_element_type_prefix_activation_and_head() {
    for (dtype, prefixed, activation, labels) in [
        (Dtype::F32, true, Activation::Gelu, 2),
        (Dtype::F32, false, Activation::GeluTanh, 1),
        (Dtype::F16, true, Activation::Relu, 3),
        (Dtype::F16, false, Activation::Gelu, 2),
        (Dtype::BF16, true, Activation::GeluTanh, 3),
        (Dtype::BF16, false, Activation::Relu, 1),
    ] {
        let sandbox = Sandbox::empty();
        let bert = tiny_bert(tiny::config(activation, labels));
        sandbox.add("model", &HfModel::new(&bert, dtype, prefixed));
        let run = sandbox.ok("convert model -o fp32.onnx");
        assert!(run.stderr.starts_with("wrote fp32.onnx (0.0 MB)") && run.stdout.is_empty(), "{run}");
        let expected = encode_model(&emit_fp32(&tiny::rounded(&bert, dtype)));
        assert!(sandbox.read("fp32.onnx") == expected, "{dtype:?} {prefixed} {activation:?} {labels}");

        sandbox.write("pairs.tsv", tiny::pairs_tsv());
        sandbox.ok("quantize model --calibration pairs.tsv -o int8.onnx");
        let [fp32, int8] = ["fp32.onnx", "int8.onnx"].map(|file| sandbox.classify(file, ["he left", "so he said"]));
        assert_eq!(floats(&int8["logits"]).len(), labels);
        for (a, b) in floats(&fp32["logits"]).iter().zip(floats(&int8["logits"])) {
            assert!((a - b).abs() < 0.1, "{activation:?}: {fp32} {int8}");
        }
    }
}

#[test]
fn convert_reads_shards_and_old_names() {
    let sandbox = Sandbox::new();
    let mut model = HfModel::tiny();
    let tensors = std::mem::take(&mut model.tensors);
    let old =
        |name: String| name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
    let (first, second): (Vec<_>, Vec<_>) = tensors.into_iter().partition(|(name, _)| name.contains("layer.0"));
    let mut weight_map = serde_json::Map::new();
    for (file, part) in [("a.safetensors", first), ("b.safetensors", second)] {
        model.tensors = part.into_iter().map(|(name, tensor)| (old(name), tensor)).collect();
        weight_map.extend(model.tensors.keys().map(|name| (name.clone(), json!(file))));
        sandbox.write(&format!("model/{file}"), model.safetensors());
    }
    sandbox.remove("model/model.safetensors");
    sandbox
        .write("model/model.safetensors.index.json", json!({ "metadata": {}, "weight_map": weight_map }).to_string());
    sandbox.ok("convert model -o out/x.onnx");
    assert!(sandbox.read("out/x.onnx") == tiny::fp32());
}

#[test]
fn configurations_may_have_nulls_numbers_for_names_and_say_the_usual() {
    let sandbox = Sandbox::new();
    let mut model = HfModel::tiny();
    for field in ["num_labels", "position_embedding_type", "problem_type", "is_decoder", "pruned_heads", "hidden_act"] {
        model.config[field] = Value::Null;
    }
    model.config["id2label"] = json!({ "0": 0, "1": true });
    sandbox.add("model", &model);
    assert_eq!(sandbox.json("inspect model --json")["config"]["labels"], json!(["0", "true"]));
    model.config["problem_type"] = json!("single_label_classification");
    model.config["pruned_heads"] = json!({});
    sandbox.add("model", &model);
    sandbox.ok("inspect model");
}

#[test]
fn a_regression_model_gives_a_score() {
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
            assert!(sandbox.ok(&format!("inspect {what}")).stdout.contains("gives one score (regression)"), "{what}");
        }
    }
}

#[test]
fn convert_reads_onnx_and_replaces_older_files() {
    let sandbox = Sandbox::new();
    sandbox.write("out/again.onnx", "something older");
    sandbox.ok("convert fp32.onnx -o out/again.onnx");
    assert!(sandbox.read("out/again.onnx") == tiny::fp32());
    sandbox.ok("convert model --output out/new.onnx");
    assert!(sandbox.read("out/new.onnx") == tiny::fp32());
}

#[test]
fn quantize_gives_the_same_bytes_for_the_same_seed() {
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
    // An ONNX file of the same model gives the same as its folder. The tokenizer is named, or lies beside the file.
    let command = "quantize fp32.onnx --calibration pairs.tsv --seed 7 --subset-size 4";
    sandbox.ok(&format!("{command} -o out/d.onnx --tokenizer model/tokenizer.json"));
    sandbox.write("tokenizer.json", sandbox.read("model/tokenizer.json"));
    sandbox.ok(&format!("{command} -o out/e.onnx"));
    assert!(sandbox.read("out/a.onnx") == sandbox.read("out/d.onnx"));
    assert!(sandbox.read("out/a.onnx") == sandbox.read("out/e.onnx"));
}

#[test]
fn quantize_reports_what_it_did() {
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

#[test]
fn a_kernel_may_be_chosen() {
    let sandbox = Sandbox::new();
    let pair = ["The man left.", "he went"];
    let (fastest, plain) = (sandbox.classify("int8.onnx", pair), sandbox.classify("int8.onnx --kernel scalar", pair));
    for (a, b) in floats(&fastest["logits"]).iter().zip(floats(&plain["logits"])) {
        // Sums and fused multiply-adds differ in the last bits; a value may then round to the next integer.
        assert!((a - b).abs() < 2e-2, "{fastest} and {plain}");
    }
    let bench = sandbox.json("bench int8.onnx --seq 4 --seconds 0.05 --kernel scalar --json");
    assert_eq!(bench["kernel"], "scalar");
}

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
    // A limit beyond the model's own is the model's own.
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

/// What a model of the sandbox says of [`PAIRS`].
fn answers(sandbox: &Sandbox, file: &str) -> Vec<Classification> {
    let tokenizer = sandbox.read("model/tokenizer.json");
    let model = (sandbox.read(file), file);
    let classifier = Classifier::from_bytes(model, (&tokenizer, "tokenizer.json"), None).unwrap();
    PAIRS.iter().map(|(_, first, second)| classifier.classify(first, second).unwrap()).collect()
}

#[test]
fn eval_scores_a_model_and_compares_it_with_its_baseline() {
    let sandbox = Sandbox::new();
    // The same model with a bias that turns half of its decisions.
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
fn every_layout_of_pairs_gives_the_same() {
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
fn bench_times_a_model() {
    let sandbox = Sandbox::new();
    for (file, kernel) in [("fp32.onnx", Some("tract")), ("int8.onnx", None)] {
        let results = sandbox.json(&format!("bench {file} --seq 8 --seconds 0.1 --json"));
        assert_eq!(results["seq"], 8);
        assert!(kernel.is_none_or(|kernel| results["kernel"] == kernel), "{results}");
        let [min, median, max] = ["min_ms", "p50_ms", "max_ms"].map(|name| results[name].as_f64().unwrap());
        assert!(0.0 < min && min <= median && median <= max, "{results}");
        let speed = results["sentences_per_second"].as_f64().unwrap() * results["mean_ms"].as_f64().unwrap();
        assert!((speed - 1000.0).abs() < 0.1 && results["runs"].as_u64().unwrap() > 0, "{results}");
    }
    let text = sandbox.ok("bench int8.onnx --seq 8 --seconds 0.1").stdout;
    assert!(text.starts_with("8 tokens on ") && text.contains("sentences per second"), "{text}");
}

#[test]
fn inspect_describes_folders_and_files() {
    let sandbox = Sandbox::new();
    let folder = sandbox.json("inspect model --json");
    let parameters: usize =
        tiny::bert().config().tensor_shapes().iter().map(|(_, s)| s.iter().product::<usize>()).sum();
    assert_eq!((&folder["parameters"], &folder["config"]["vocab_size"]), (&json!(parameters), &json!(70)));
    assert_eq!(folder["config"]["labels"], json!(["class 0", "class 1"]));
    let fp32 = sandbox.json("inspect fp32.onnx --json");
    assert_eq!((&fp32["precision"], &fp32["kernel"]), (&json!("fp32"), &json!("tract")));
    assert_eq!(fp32["bytes"], json!(tiny::fp32().len()));
    let int8 = sandbox.json("inspect int8.onnx --json");
    let fused = json!({
        "layers": 2, "integer_layers": 2, "operators": 9, "float_products": 0, "left": 0, "reason": null
    });
    assert_eq!((&int8["precision"], &int8["fused"]), (&json!("int8"), &fused));
    sandbox.ok("quantize model --calibration pairs.tsv --format qdq -o qdq.onnx");
    let qdq = sandbox.json("inspect qdq.onnx --json");
    assert_eq!((&qdq["precision"], &qdq["kernel"]), (&json!("int8"), &json!("unfused")));
    for file in [&fp32, &int8, &qdq] {
        let sizes = ["layers", "hidden", "vocab_size", "max_positions"].map(|name| &file[name]);
        assert_eq!(sizes, [2, 16, 70, 64]);
        assert_eq!(file["operators"]["Softmax"], 2);
    }
    for (name, words) in [
        ("model", "M parameters"),
        ("fp32.onnx", "runs on tract"),
        ("int8.onnx", "2 layers in 9 operators"),
        ("qdq.onnx", "not fused: its products are FP32 between QuantizeLinear and DequantizeLinear"),
    ] {
        let run = sandbox.ok(&format!("inspect {name}"));
        assert!(run.stdout.contains(words) && run.stdout.contains("labels class 0, class 1"), "{run}");
    }
}

#[test]
fn inspect_tells_what_of_an_int8_file_is_in_fp32() {
    let sandbox = Sandbox::new();
    let mixed = with_fixed_scales(&tiny::bert(), false, |name| name == "encoder.layer.1.output.dense");
    sandbox.write("mixed.onnx", encode_model(&mixed));
    let text = sandbox.ok("inspect mixed.onnx").stdout;
    assert!(text.contains("fused: 2 layers in 9 operators; 1 all INT8, 1 matrix product in FP32\n"), "{text}");
    let fused = &sandbox.json("inspect mixed.onnx --json")["fused"];
    assert_eq!((&fused["integer_layers"], &fused["float_products"]), (&json!(1), &json!(1)));
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
fn a_reader_that_goes_away_is_an_error() {
    let sandbox = Sandbox::new();
    for command in ["inspect model", "inspect fp32.onnx --json"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox.command(command, &[]).stdout(writer).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: cannot write to standard output: Broken pipe"), "{stderr}");
    }
}

#[test]
fn help_names_every_option() {
    let sandbox = Sandbox::empty();
    let commands: [(&str, &[&str]); 8] = [
        ("convert", &["<MODEL>", "--output", "--heads"]),
        (
            "quantize",
            &[
                "--calibration",
                "--output",
                "--report",
                "--tokenizer",
                "--subset-size",
                "--max-length",
                "--seed",
                "--format",
                "--json",
            ],
        ),
        ("eval", &["<MODEL>", "--tokenizer", "--data", "--baseline", "--max-length", "--json"]),
        ("classify", &["<MODEL>", "<FIRST>", "<SECOND>", "--tokenizer", "--max-length", "--json"]),
        ("bench", &["<MODEL>", "--seq", "--seconds", "--json"]),
        ("inspect", &["<MODEL>", "--heads", "--json"]),
        ("report", &["<REPORT>", "--html"]),
        ("serve", &["[DIR]", "--port", "--host"]),
    ];
    let overview = sandbox.ok("--help").stdout;
    assert!(overview.contains("Exit codes: 0 done, 1 failed, 2 wrong usage."), "{overview}");
    for (command, options) in commands {
        assert!(overview.contains(&format!("\n  {command} ")), "{overview}");
        let help = sandbox.ok(&format!("{command} --help")).stdout;
        for option in options {
            assert!(help.contains(option), "{command} --help does not mention {option}\n{help}");
        }
    }
    assert_eq!(sandbox.ok("--version").stdout, concat!("bert8 ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn random_makes_a_model_that_every_command_takes() {
    let sandbox = Sandbox::new();
    let run = sandbox.ok("random --preset mini out/mini");
    assert!(run.stderr.starts_with("wrote out/mini (44.7 MB)") && run.stdout.is_empty(), "{run}");
    let folder = sandbox.json("inspect out/mini --json");
    let config = &folder["config"];
    let sizes = ["layers", "hidden", "heads", "intermediate", "vocab_size", "max_positions"].map(|size| &config[size]);
    assert_eq!(sizes, [&json!(4), &json!(256), &json!(4), &json!(1024), &json!(30_522), &json!(512)]);

    let words = ["baba jefi pihu", "zoke hano", "nera viti guzu mafi"];
    let pairs: String = words.iter().map(|first| format!("{first}\t{}\n", words[0])).collect();
    sandbox.write("words.tsv", format!("sentence1\tsentence2\n{pairs}"));
    sandbox.ok("convert out/mini -o out/fp32.onnx");
    sandbox.ok("quantize out/mini --calibration words.tsv -o out/int8.onnx");
    let tokenizer = "--tokenizer out/mini/tokenizer.json";
    let logits = ["fp32", "int8"].map(|file| {
        words.map(|first| {
            let command = format!("classify out/{file}.onnx {tokenizer} --json");
            let answer = sandbox.run_with(&command, &[first, words[0]]).succeeded().json();
            assert_eq!(answer["tokens"], json!(first.split(' ').count() + 6));
            floats(&answer["logits"])[0]
        })
    });
    for (fp32, int8) in logits[0].iter().zip(logits[1]) {
        assert!((fp32 - int8).abs() < 0.2, "{logits:?}");
    }
    assert!((logits[0][0] - logits[0][2]).abs() > 0.3, "the answer depends on the words: {logits:?}");
}

#[test]
fn random_gives_the_same_bytes_for_the_same_seed() {
    let sandbox = Sandbox::new();
    for (folder, options) in [("out/a", ""), ("out/b", "--seed 0"), ("out/c", "--seed 1")] {
        sandbox.ok(&format!("random --preset mini {options} {folder}"));
    }
    let weights = |folder: &str| sandbox.read(&format!("out/{folder}/model.safetensors"));
    assert!(weights("a") == weights("b") && weights("a") != weights("c"));
    // With --force, the folder's other files stay.
    sandbox.write("out/c/notes.txt", "mine");
    sandbox.ok("random --preset mini --force out/c");
    assert!(weights("a") == weights("c"));
    assert_eq!(sandbox.read("out/c/notes.txt"), b"mine");
    let names = std::fs::read_dir(sandbox.path("out/c")).unwrap();
    assert_eq!(names.count(), 4);
}
