//! The answers of `bert8 classify`.

use crate::common::tiny_bert;
use crate::json::{fields, floats};
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel};
use bert8::activation::Activation;
use bert8::bert::{BertConfig, emit_fp32};
use bert8::onnx::encode_model;
use bert8::{Problem, Texts};
use safetensors::Dtype;
use serde_json::{Value, json};

#[test]
fn classify_answers_in_json_and_text() {
    let sandbox = Sandbox::new();
    for file in ["fp32.onnx", "int8.onnx"] {
        let answer = sandbox.classify(file, ["The man left.", "he went"]);
        let names = [
            "label",
            "labelId",
            "labels",
            "logits",
            "probabilities",
            "problem",
            "score",
            "timing",
            "tokens",
            "truncated",
            "unknown",
        ];
        assert_eq!(fields(&answer), names);
        let (logits, probabilities) = (floats(&answer["logits"]), floats(&answer["probabilities"]));
        let id = usize::from(logits[1] > logits[0]);
        assert_eq!((&answer["labelId"], &answer["label"]), (&json!(id), &json!(format!("class {id}"))));
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        assert!((probabilities[1] / probabilities[0] - (logits[1] - logits[0]).exp()).abs() < 1e-3);
        // [CLS] the man left . [SEP] he went [SEP]
        assert_eq!((&answer["tokens"], &answer["truncated"]), (&json!(9), &json!(false)));
        assert_eq!(fields(&answer["timing"]), ["inferMs", "runs", "tokenizeMs"]);
        assert_eq!(answer["unknown"], 0);
        assert_eq!(sandbox.classify(file, ["The \u{4e00} left.", "\u{4e01}"])["unknown"], 2);

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

/// Writes `NAME.onnx`, a tiny model with this many labels.
fn add_model(sandbox: &Sandbox, name: &str, labels: usize, problem: Problem, texts: Option<Texts>) {
    let config = BertConfig { problem, texts, ..tiny::config(Activation::Gelu, labels) };
    sandbox.write(&format!("{name}.onnx"), encode_model(&emit_fp32(&tiny_bert(config))));
}

const TOKENIZER: &str = "--tokenizer model/tokenizer.json";

#[test]
fn one_text_is_not_a_pair_with_an_empty_second() {
    let sandbox = Sandbox::new();
    let classify =
        |texts: &[&str]| sandbox.run_with(&format!("classify int8.onnx {TOKENIZER} --json"), texts).succeeded().json();
    assert_eq!(classify(&["The man left."])["tokens"], 6);
    assert_eq!(classify(&["The man left.", ""])["tokens"], 7);
}

#[test]
fn the_tokenizer_beside_the_model_is_the_default() {
    let sandbox = Sandbox::new();
    sandbox.write("model/int8.onnx", sandbox.read("int8.onnx"));
    let run = sandbox.run_with("classify --json model/int8.onnx", &["The man left."]).succeeded();
    assert_eq!(run.json()["tokens"], 6);
    sandbox.refused_with("classify int8.onnx", &["The man left."], &["tokenizer.json"]);
}

#[test]
fn a_model_that_knows_how_many_texts_it_reads_refuses_others() {
    let sandbox = Sandbox::new();
    add_model(&sandbox, "single", 2, Problem::SingleLabel, Some(Texts::Single));
    add_model(&sandbox, "pair", 2, Problem::SingleLabel, Some(Texts::Pair));
    let (single, pair) = (format!("classify single.onnx {TOKENIZER}"), format!("classify pair.onnx {TOKENIZER}"));
    sandbox.run_with(&single, &["he left"]).succeeded();
    sandbox.run_with(&pair, &["he left", "he went"]).succeeded();
    let says = "single.onnx reads one text at a time, but was given a pair of texts";
    sandbox.refused_with(&single, &["he left", "he went"], &[says]);
    let says = "pair.onnx reads a pair of texts at a time, but was given one text";
    sandbox.refused_with(&pair, &["he left"], &[says]);
}

#[test]
fn a_multi_label_model_names_the_labels_above_the_threshold() {
    let sandbox = Sandbox::new();
    add_model(&sandbox, "tagger", 3, Problem::MultiLabel, None);
    let command = format!("classify tagger.onnx {TOKENIZER}");
    let answer = sandbox.run_with(&format!("{command} --json"), &["he left"]).succeeded().json();
    assert_eq!(
        (&answer["problem"], &answer["label"], &answer["score"]),
        (&json!("multi-label"), &Value::Null, &Value::Null)
    );
    let probabilities = floats(&answer["probabilities"]);
    for (probability, logit) in probabilities.iter().zip(floats(&answer["logits"])) {
        // The command computes with 32-bit floats.
        assert!((probability - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-6, "{answer}");
    }
    let above = |threshold: f64| (0..3).filter(|&id| probabilities[id] >= threshold).collect::<Vec<_>>();
    for threshold in [0.0, 0.3, 0.5, 0.7, 1.0] {
        let options = format!("{command} --threshold {threshold}");
        let answer = sandbox.run_with(&format!("{options} --json"), &["he left"]).succeeded().json();
        let labels: Vec<_> = answer["labels"].as_array().unwrap().iter().map(|label| label["id"].clone()).collect();
        assert_eq!(labels, above(threshold), "{threshold}");
        let run = sandbox.run_with(&options, &["he left"]).succeeded();
        let named = above(threshold).into_iter().map(|id| format!("class {id} ({:.1} %)", probabilities[id] * 100.0));
        let named = named.collect::<Vec<_>>().join(", ");
        let none = format!("no label at or above the threshold {threshold}");
        assert!(run.stdout.starts_with(&format!("{}, ", if named.is_empty() { none } else { named })), "{run}");
    }
    for wrong in ["1.5", "-0.1", "NaN"] {
        let says = format!("the threshold must be a probability from 0 to 1, not {wrong}");
        sandbox.refused_with(&format!("{command} --threshold={wrong}"), &["he left"], &[&says]);
    }
    let says = "int8.onnx is a single-label model; a threshold is only for multi-label models";
    sandbox.refused_with(&format!("classify int8.onnx {TOKENIZER} --threshold 0.5"), &["he left"], &[says]);
}

#[test]
fn one_label_with_a_sigmoid_is_a_score_and_a_decision() {
    let sandbox = Sandbox::new();
    add_model(&sandbox, "yes-no", 1, Problem::MultiLabel, None);
    let command = format!("classify yes-no.onnx {TOKENIZER}");
    let answer = sandbox.run_with(&format!("{command} --json"), &["he left"]).succeeded().json();
    let (score, logit) = (answer["score"].as_f64().unwrap(), answer["logits"][0].as_f64().unwrap());
    assert!((score - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-6, "{answer}");
    for (threshold, is) in [(0.0, "at or above"), (1.0, "below")] {
        let run = sandbox.run_with(&format!("{command} --threshold {threshold}"), &["he left"]).succeeded();
        let text = format!("score {score:.4}: class 0 is {is} the threshold {threshold}, ");
        assert!(run.stdout.starts_with(&text), "{run}");
    }
}

#[test]
fn rerank_sorts_by_score() {
    let sandbox = Sandbox::new();
    add_model(&sandbox, "ranker", 1, Problem::Regression, Some(Texts::Pair));
    let texts = ["he went", "the cat", "so", "he went", "x y z"];
    let query = "he left";
    let score = |text: &str| {
        let command = format!("classify ranker.onnx {TOKENIZER} --json");
        sandbox.run_with(&command, &[query, text]).succeeded().json()["score"].as_f64().unwrap()
    };
    let command = format!("rerank ranker.onnx {TOKENIZER} --json");
    let mut arguments = vec![query];
    arguments.extend(texts);
    let ranked = sandbox.run_with(&command, &arguments).succeeded().json();
    let ranked = ranked.as_array().unwrap();
    assert_eq!(fields(&ranked[0]), ["index", "logit", "score", "text", "timing", "tokens", "truncated"]);
    let order: Vec<usize> = ranked.iter().map(|line| line["index"].as_u64().unwrap() as usize).collect();
    let mut expected: Vec<usize> = (0..texts.len()).collect();
    expected.sort_by(|&a, &b| score(texts[b]).total_cmp(&score(texts[a])));
    assert_eq!(order, expected);
    let place = |index| order.iter().position(|&at| at == index).unwrap();
    assert_eq!(place(0) + 1, place(3), "equal texts keep their order");
    for line in ranked {
        let text = texts[line["index"].as_u64().unwrap() as usize];
        assert_eq!((&line["text"], &line["score"]), (&json!(text), &json!(score(text))));
    }

    sandbox.write("texts.txt", format!("\u{feff}{}\r\n\r\n", texts.join("\r\n")));
    let run =
        sandbox.run_with(&format!("rerank ranker.onnx {TOKENIZER} --texts texts.txt --top 2"), &[query]).succeeded();
    let best = order[..2].iter().map(|&at| format!("{:.4}  {}\n", score(texts[at]), texts[at]));
    assert_eq!((run.stdout, run.stderr.as_str()), (best.collect::<String>(), ""));
}

#[test]
fn rerank_refuses_models_and_texts_that_it_cannot_use() {
    let sandbox = Sandbox::new();
    add_model(&sandbox, "score-of-one", 1, Problem::Regression, Some(Texts::Single));
    add_model(&sandbox, "ranker", 1, Problem::MultiLabel, None);
    let says = "fp32.onnx has 2 outputs; reranking needs a model whose only output is a score";
    sandbox.refused_with(&format!("rerank fp32.onnx {TOKENIZER}"), &["he left", "he went"], &[says]);
    let says = "score-of-one.onnx reads one text at a time, but was given a pair of texts";
    sandbox.refused_with(&format!("rerank score-of-one.onnx {TOKENIZER}"), &["he left", "he went"], &[says]);
    let command = format!("rerank ranker.onnx {TOKENIZER}");
    sandbox.refused_with(&command, &["he left"], &["there is no text to sort", "--texts"]);
    sandbox.write("empty.txt", "\n \n");
    sandbox.refused_with(&format!("{command} --texts empty.txt"), &["he left"], &["empty.txt holds no texts"]);
    sandbox.write("latin1.txt", b"caf\xe9\n");
    sandbox.refused_with(&format!("{command} --texts latin1.txt"), &["he left"], &["latin1.txt is not UTF-8 text"]);
}

#[test]
fn a_kernel_may_be_chosen() {
    let sandbox = Sandbox::new();
    let pair = ["The man left.", "he went"];
    let (fastest, plain) = (sandbox.classify("int8.onnx", pair), sandbox.classify("int8.onnx --kernel scalar", pair));
    assert_eq!(fastest["logits"], plain["logits"], "kernels compute the same bits");
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
        assert_eq!(run.stderr, format!("note: the input was cut to {limit} tokens\n"));
        assert_eq!((&run.json()["tokens"], &run.json()["truncated"]), (&json!(limit), &json!(true)));
    }
    // A larger limit than the model's own has no effect.
    assert_eq!(sandbox.classify("int8.onnx --max-length 1000", [&long, &long])["tokens"], 64);
}

#[test]
fn a_lower_limit_of_transformers_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("model/tokenizer_config.json", r#"{"model_max_length": 8, "do_lower_case": true}"#);
    let run = |options: &str, text| {
        let command = format!("classify int8.onnx {TOKENIZER} --json {options}");
        let run = sandbox.run_with(&command, &[text]).succeeded();
        (run.json()["tokens"].clone(), run.stderr)
    };
    let long = "he left so he left so he left";
    let note = "note: the input has 10 tokens; transformers cuts to 8 (model_max_length in tokenizer_config.json), as \
                --max-length 8 does\n";
    assert_eq!(run("", long), (json!(10), note.to_owned()));
    assert_eq!(run("--max-length 8", long), (json!(8), "note: the input was cut to 8 tokens\n".to_owned()));
    assert_eq!(run("", "he left"), (json!(4), String::new()));
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
