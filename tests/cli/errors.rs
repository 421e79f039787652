//! Files, options and pairs that must be refused: with one line that names the place and the fault, exit code 1 (2 for wrong
//! usage), and no file left behind.

use crate::common::tiny_bert;
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel, PAIRS};
use bert8::activation::Activation;
use bert8::bert::BertConfig;
use safetensors::Dtype;
use serde_json::{Value, json};

const CONVERT: &str = "convert model -o out/x.onnx";
const QUANTIZE: &str = "quantize model --calibration pairs.tsv -o out/x.onnx --report out/x.json";
const CLASSIFY: &str = "classify int8.onnx he left --tokenizer model/tokenizer.json";
const EVAL: &str = "eval int8.onnx --tokenizer model/tokenizer.json --data";

#[test]
fn missing_and_truncated_files_are_named() {
    for file in ["model/config.json", "model/model.safetensors"] {
        let sandbox = Sandbox::new();
        for len in [sandbox.read(file).len() - 1, 60, 0] {
            sandbox.truncate(file, len);
            for command in [CONVERT, QUANTIZE, "inspect model"] {
                sandbox.refused(command, &[file]);
            }
        }
        sandbox.remove(file);
        for command in [CONVERT, QUANTIZE, "inspect model"] {
            sandbox.refused(command, &["cannot read", file]);
        }
    }
    let sandbox = Sandbox::new();
    let tokenizer = "model/tokenizer.json";
    for len in [sandbox.read(tokenizer).len() - 10, 500, 0] {
        sandbox.truncate(tokenizer, len);
        for command in [QUANTIZE, CLASSIFY, &format!("{EVAL} pairs.tsv")] {
            sandbox.refused(command, &[tokenizer, "cut off"]);
        }
    }
    sandbox.remove(tokenizer);
    sandbox.refused(QUANTIZE, &[tokenizer, "--tokenizer FILE"]);
    sandbox.refused(CLASSIFY, &["cannot read", tokenizer]);
    sandbox.refused("classify int8.onnx he left", &["tokenizer.json", "--tokenizer FILE"]);
    sandbox.refused("eval int8.onnx --data pairs.tsv", &["tokenizer.json", "--tokenizer FILE"]);
}

#[test]
fn missing_files_are_named_once() {
    let sandbox = Sandbox::new();
    for command in [
        "convert missing -o out/x.onnx",
        "quantize missing --calibration pairs.tsv -o out/x.onnx",
        "quantize model --calibration missing -o out/x.onnx",
        "quantize model --calibration pairs.tsv --tokenizer missing -o out/x.onnx",
        "inspect missing",
        "bench missing",
        "classify missing a b --tokenizer model/tokenizer.json",
        "classify int8.onnx a b --tokenizer missing",
        &format!("{EVAL} missing"),
        &format!("{EVAL} pairs.tsv --baseline missing"),
    ] {
        sandbox.refused(command, &["cannot read missing: No such file"]);
        let run = sandbox.run(command);
        assert_eq!(run.stderr.matches("No such file").count(), 1, "{run}");
    }
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let sandbox = Sandbox::new();
    let small = BertConfig { vocab_size: 50, ..tiny::config(Activation::Gelu, 2) };
    let small = HfModel::new(&tiny_bert(small), Dtype::F32, true);
    sandbox.add("model", &small);
    sandbox.ok("convert model -o small.onnx");
    let says = ["model/tokenizer.json", "ids up to 66", "has 50 entries"];
    sandbox.refused(QUANTIZE, &says);
    sandbox.refused("classify small.onnx a b --tokenizer model/tokenizer.json", &says);
    sandbox.refused("eval small.onnx --tokenizer model/tokenizer.json --data pairs.tsv", &says);

    // The words fit, but the special tokens do not.
    let mut model = HfModel::tiny();
    model.tokenizer["post_processor"]["special_tokens"]["[SEP]"]["ids"] = json!([102]);
    sandbox.add("model", &model);
    sandbox.refused(QUANTIZE, &["model/tokenizer.json", "ids up to 102"]);
    sandbox.refused(CLASSIFY, &["model/tokenizer.json", "ids up to 102"]);

    // Nothing marks the pair.
    model.tokenizer["post_processor"] = Value::Null;
    sandbox.add("model", &model);
    sandbox.refused(QUANTIZE, &["model/tokenizer.json", "[CLS] and [SEP]"]);
    sandbox.refused(CLASSIFY, &["model/tokenizer.json", "[CLS] and [SEP]"]);
}

#[test]
fn pairs_that_cannot_be_used_name_the_line() {
    let header = "label\tsentence1\tsentence2\n";
    let cases: [(&str, Vec<u8>, &str); 12] = [
        ("width.tsv", format!("{header}1\ta\tb\n1\ta\n").into(), "width.tsv, line 3: has 2 columns, the header has 3"),
        ("blank.tsv", format!("{header}1\ta\tb\n\n\n1\ta\n").into(), "blank.tsv, line 5: has 2 columns"),
        (
            "crlf.tsv",
            "label\tsentence1\tsentence2\r\n1\ta\tb\r\n1\ta\tb\r\n1\r\n".into(),
            "crlf.tsv, line 4: has 1 columns",
        ),
        ("lines.csv", "sentence1,sentence2\n\"a\nb\nc\",d\ne\n".into(), "lines.csv, line 5: has 1 columns"),
        (
            "object.jsonl",
            "{\"sentence1\":\"a\",\"sentence2\":\"b\"}\n[]\n".into(),
            "object.jsonl, line 2: is not a JSON",
        ),
        (
            "field.jsonl",
            "\n{\"sentence1\":\"a\"}\n".into(),
            "field.jsonl, line 2: has `sentence1` but no text `sentence2`",
        ),
        ("header.tsv", header.into(), "header.tsv: holds no rows"),
        ("columns.tsv", "1\tx\ty\n".into(), "columns.tsv, line 1: the header names no text columns"),
        ("empty.tsv", "".into(), "empty.tsv: is empty"),
        ("empty.jsonl", "\n\n".into(), "empty.jsonl: is empty"),
        ("latin1.tsv", [header.as_bytes(), b"1\tcaf\xe9\tb\n"].concat(), "latin1.tsv, line 2: is not UTF-8"),
        ("latin1.jsonl", b"{\"sentence1\":\"caf\xe9\",\"sentence2\":\"b\"}".to_vec(), "latin1.jsonl, line 1: "),
    ];
    let sandbox = Sandbox::new();
    for (file, content, says) in cases {
        sandbox.write(file, content);
        sandbox.refused(&format!("quantize model --calibration {file} -o out/x.onnx"), &[says]);
        sandbox.refused(&format!("{EVAL} {file}"), &[says]);
    }
}

#[test]
fn labels_must_be_the_model_s() {
    let sandbox = Sandbox::new();
    for (file, content, says) in [
        ("id.tsv", "label\tsentence1\tsentence2\n1\ta\tb\n2\ta\tb\n", "id.tsv, line 3: the label `2`"),
        ("name.csv", "sentence1,sentence2,label\na,b,maybe\n", "name.csv, line 2: the label `maybe`"),
        ("two.jsonl", "{\"sentence1\":\"\",\"sentence2\":\"\",\"label\":\"a\\nb\"}", "two.jsonl, line 1: the label"),
    ] {
        sandbox.write(file, content);
        sandbox.refused(&format!("{EVAL} {file}"), &[says, "0 (class 0), 1 (class 1)"]);
    }
    sandbox.write("list.jsonl", "{\"sentence1\":\"\",\"sentence2\":\"\",\"label\":[0,1]}");
    sandbox.refused(&format!("{EVAL} list.jsonl"), &["list.jsonl, line 1: has 2 labels"]);
    for (file, content) in [
        ("hidden.jsonl", "{\"sentence1\":\"\",\"sentence2\":\"\",\"label\":-1}"),
        ("none.tsv", "sentence1\tsentence2\na\tb\n"),
    ] {
        sandbox.write(file, content);
        sandbox.refused(&format!("{EVAL} {file}"), &[file, "no row has a label", "--baseline"]);
    }
    let rows = PAIRS.map(|(_, first, second)| format!("{first}\t{second}\n")).concat();
    sandbox.write("none.tsv", format!("sentence1\tsentence2\n{rows}"));
    // Calibration needs no labels.
    sandbox.ok("quantize model --calibration none.tsv -o out/x.onnx");
    sandbox.add("three", &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 3)), Dtype::F32, true));
    sandbox.ok("convert three -o three.onnx");
    sandbox.refused(&format!("{EVAL} pairs.tsv --baseline three.onnx"), &["int8.onnx", "numbers of classes"]);
}

#[test]
fn outputs_do_not_replace_inputs() {
    let sandbox = Sandbox::new();
    std::os::unix::net::UnixListener::bind(sandbox.path("socket")).unwrap();
    for output in ["model/config.json", "model/../model/tokenizer.json"] {
        sandbox.refused(&format!("convert model -o {output}"), &["cannot write", output, "input"]);
    }
    sandbox.refused("convert fp32.onnx -o ./fp32.onnx", &["cannot write ./fp32.onnx"]);
    let quantize = "quantize model --calibration pairs.tsv";
    for (command, says) in [
        (format!("{quantize} -o pairs.tsv"), "cannot write pairs.tsv: it is"),
        (format!("{quantize} -o out/x.onnx --report model/config.json"), "cannot write model/config.json: it is"),
        (format!("{quantize} -o out/x.onnx --report out/x.onnx"), "same file"),
        (format!("{quantize} -o out/x.onnx --report out/../out/x.onnx"), "same file"),
        (format!("{quantize} -o fp32.onnx --tokenizer fp32.onnx"), "cannot write fp32.onnx: it is"),
        ("quantize fp32.onnx --calibration pairs.tsv -o fp32.onnx".to_owned(), "cannot write fp32.onnx: it is"),
    ] {
        sandbox.refused(&command, &[says]);
    }
    for command in ["convert model", quantize] {
        for (output, says) in [
            ("nowhere/x.onnx", "the folder nowhere does not exist"),
            ("pairs.tsv/x.onnx", "pairs.tsv"),
            ("out", "it is a folder"),
            ("out/", "it is a folder"),
            ("out/new.onnx/", "it is a folder"),
            (".", "it is a folder"),
            ("socket", "not a regular file"),
        ] {
            sandbox.refused(&format!("{command} -o {output}"), &["cannot write", output, says]);
        }
    }
    let evaluate =
        "eval int8.onnx --tokenizer model/tokenizer.json --data pairs.tsv --baseline fp32.onnx --predictions";
    for output in ["int8.onnx", "model/tokenizer.json", "pairs.tsv", "fp32.onnx", "out", "nowhere/x.jsonl"] {
        sandbox.refused(&format!("{evaluate} {output}"), &["cannot write", output]);
    }
    // A tokenizer beside an ONNX file is an input too.
    sandbox.write("tokenizer.json", tiny::tokenizer_json().to_string());
    sandbox.refused("quantize fp32.onnx --calibration pairs.tsv -o tokenizer.json", &["cannot write tokenizer.json"]);
    // So is a config.json, which names the labels.
    sandbox.write("config.json", "{}");
    sandbox.refused("convert fp32.onnx -o config.json", &["cannot write config.json: it is an input"]);
}

#[test]
fn length_limits_leave_room_for_words() {
    let sandbox = Sandbox::new();
    for (limit, texts, least) in [(0, "one text", 3), (3, "a pair of texts", 4)] {
        let says = format!(
            "a length limit of {limit} tokens leaves no room for the words of {texts}; it must be at least {least}"
        );
        for command in [CLASSIFY, &format!("{EVAL} pairs.tsv")] {
            sandbox.refused(&format!("{command} --max-length {limit}"), &[&says]);
        }
        assert_eq!(sandbox.run(&format!("{QUANTIZE} --max-length {limit}")).code, 2);
    }
    for tokens in ["65", "4000000000"] {
        sandbox
            .refused(&format!("bench int8.onnx --seconds 0.1 --seq {tokens}"), &["int8.onnx", tokens, "64 positions"]);
    }
}

#[test]
fn wrong_usage_has_exit_code_2() {
    let sandbox = Sandbox::new();
    let before = sandbox.files();
    for (command, says) in [
        ("", "Usage: bert8"),
        ("train model", "unrecognized subcommand 'train'"),
        ("convert model", "--output"),
        ("convert model -o out/x.onnx --heads 0", "--heads"),
        ("convert model -o out/x.onnx --bits 4", "--bits"),
        ("quantize model -o out/x.onnx", "--calibration"),
        ("quantize model --calibration pairs.tsv -o out/x.onnx --subset-size 0", "--subset-size"),
        ("quantize model --calibration pairs.tsv -o out/x.onnx --seed -1", "-1"),
        ("quantize model --calibration pairs.tsv -o out/x.onnx --format u8", "expected integer or qdq"),
        ("classify int8.onnx --tokenizer model/tokenizer.json", "<TEXT>"),
        ("classify int8.onnx one two three", "three"),
        ("rerank int8.onnx", "<QUERY>"),
        ("rerank int8.onnx query text --texts file.txt", "--texts"),
        ("eval int8.onnx --tokenizer model/tokenizer.json", "--data"),
        ("report", "<REPORT>"),
        ("bench int8.onnx --seq 0", "--seq"),
        ("bench int8.onnx --seconds 0", "above 0"),
        ("bench int8.onnx --kernel fast", "the kernel `fast` is not available here; choose scalar"),
        ("bench int8.onnx --seconds NaN", "above 0"),
    ] {
        let run = sandbox.run(command);
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains(says) && run.stdout.is_empty(), "{run}");
    }
    assert!(sandbox.files() == before);
}
