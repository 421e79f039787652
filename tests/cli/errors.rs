//! Input that must be refused: one line that says what is wrong where, exit code 1 (2 for wrong usage), and no file left
//! behind.

use crate::common::tiny_bert;
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel, Tensor};
use bert8::activation::Activation;
use bert8::bert::{BertConfig, emit_fp32};
use bert8::onnx::{encode_model, pb};
use safetensors::Dtype;
use serde_json::{Value, json};

const CONVERT: &str = "convert model -o out/x.onnx";
const QUANTIZE: &str = "quantize model --calibration pairs.tsv -o out/x.onnx --report out/x.json";
const CLASSIFY: &str = "classify int8.onnx he left --tokenizer model/tokenizer.json";
const EVAL: &str = "eval int8.onnx --tokenizer model/tokenizer.json --data";

/// Expects every command that reads a folder to refuse the tiny model after `change`.
fn folder_refused(change: impl Fn(&mut HfModel), says: &[&str]) {
    let sandbox = Sandbox::new();
    let mut model = HfModel::tiny();
    change(&mut model);
    sandbox.add("model", &model);
    for command in [CONVERT, QUANTIZE, "inspect model"] {
        sandbox.refused(command, says);
    }
}

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
}

#[test]
fn what_is_not_there_is_named_once() {
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
fn unsupported_configurations_name_the_field() {
    let set = |field: &'static str, value: Value| move |model: &mut HfModel| model.config[field] = value.clone();
    for (field, value, says) in [
        ("model_type", json!("roberta"), "is `roberta`; only `bert`"),
        ("hidden_act", json!("silu"), "is `silu`; supported: gelu"),
        ("position_embedding_type", json!("relative_key"), "only `absolute`"),
        ("is_decoder", json!(true), "only encoders"),
        ("num_attention_heads", json!(3), "is 3, which does not divide the hidden size 16"),
        ("num_attention_heads", json!(0), "is 0"),
        ("hidden_size", json!(1u64 << 40), "far beyond any BERT"),
        ("num_hidden_layers", json!(10_000_000), "far beyond any BERT"),
        ("type_vocab_size", json!(1), "is 1; a sentence-pair classifier needs 2"),
        ("layer_norm_eps", json!(-1.0), "not a small positive number"),
        ("id2label", json!({ "0": "no", "2": "yes" }), "no id 1"),
        ("id2label", json!({ "0": "no", "1": ["yes"] }), "names the class 1 [\"yes\"], expected a text"),
        (
            "architectures",
            json!(["RobertaForSequenceClassification"]),
            "names `RobertaForSequenceClassification`; only",
        ),
        ("architectures", json!(["BertForTokenClassification"]), "names `BertForTokenClassification`; only"),
        ("architectures", json!(["BertModel"]), "names `BertModel`; only `BertForSequenceClassification`"),
        ("problem_type", json!("multi_label_classification"), "supported: models that choose one class, or give one"),
        ("problem_type", json!("regression"), "is `regression` with 2 outputs; expected one"),
        ("pruned_heads", json!({ "0": [1] }), "heads taken out"),
        ("model_type", json!(["bert"]), "only `bert`"),
    ] {
        folder_refused(set(field, value), &["model/config.json", &format!("`{field}`"), says]);
    }
    for (field, value) in [("vocab_size", json!("many")), ("hidden_size", json!(-1)), ("id2label", json!([1]))] {
        folder_refused(set(field, value), &["model/config.json", "is not a BERT configuration"]);
    }
    for kind in ["distilbert", "roberta", "xlm-roberta", "camembert", "albert", "electra", "deberta-v2", "mpnet"] {
        folder_refused(set("model_type", json!(kind)), &["model/config.json", &format!("is `{kind}`; only `bert`")]);
    }
    // Another architecture's configuration lacks BERT's fields; the architecture is what matters.
    let distilbert = json!({ "model_type": "distilbert", "dim": 16, "n_layers": 2, "n_heads": 4, "vocab_size": 70 });
    folder_refused(|model| model.config = distilbert.clone(), &["`model_type` is `distilbert`"]);
    folder_refused(|model| _ = model.config.as_object_mut().unwrap().remove("hidden_size"), &["`hidden_size`"]);
}

#[test]
fn unusable_tensors_are_named() {
    let query = "bert.encoder.layer.1.attention.self.query.weight";
    let short = "`encoder.layer.1.attention.self.query.weight`";
    let file = "model/model.safetensors";
    folder_refused(|model| _ = model.tensors.remove(query), &[file, short, "is missing; expected shape [16, 16]"]);
    folder_refused(
        |model| *model.tensor(query) = Tensor::f32(&[8, 32], &[0.0; 256]),
        &[file, short, "has shape [8, 32], expected [16, 16]"],
    );
    folder_refused(
        |model| {
            let bytes = vec![0; 16 * 16 * 8];
            *model.tensor(query) = Tensor { dtype: Dtype::I64, shape: vec![16, 16], bytes };
        },
        &[file, query, "element type I64"],
    );
    for (value, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let damage = |model: &mut HfModel| model.tensor(query).bytes[12..16].copy_from_slice(&value.to_le_bytes());
        folder_refused(damage, &[file, short, &format!("holds {name} at index 3")]);
    }
    // Finite weights, but activations that are not.
    let sandbox = Sandbox::new();
    let mut model = HfModel::tiny();
    let name = "bert.encoder.layer.0.intermediate.dense";
    *model.tensor(&format!("{name}.weight")) = Tensor::f32(&[24, 16], &[3e38; 384]);
    sandbox.add("model", &model);
    sandbox.refused(QUANTIZE, &["infinite or NaN", "encoder.layer.0.intermediate"]);
}

#[test]
fn a_pickle_is_not_read() {
    let sandbox = Sandbox::new();
    sandbox.remove("model/model.safetensors");
    sandbox.write("model/pytorch_model.bin", "pickle");
    for command in [CONVERT, QUANTIZE] {
        let python = "from transformers import AutoModelForSequenceClassification as M; \
                      M.from_pretrained(\"model\").save_pretrained(\"model\", safe_serialization=True)";
        sandbox.refused(command, &["model: has pytorch_model.bin but no model.safetensors", python]);
    }
    for (file, says) in [
        ("pytorch_model.bin.index.json", "model: has pytorch_model.bin.index.json but no model.safetensors"),
        ("tf_model.h5", "model: has tf_model.h5 but no model.safetensors; save the whole model"),
        ("adapter_model.safetensors", "model: has adapter_model.safetensors but no model.safetensors"),
        ("onnx/model.onnx", "model: has no model.safetensors; give its onnx/model.onnx instead"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.remove("model/model.safetensors");
        sandbox.write(&format!("model/{file}"), "");
        sandbox.refused(CONVERT, &[says]);
    }
}

#[test]
fn shards_must_be_there_and_whole() {
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere.safetensors", sandbox.read("model/model.safetensors"));
    sandbox.remove("model/model.safetensors");
    let index = "model/model.safetensors.index.json";
    for (content, says) in [
        ("{", "is not the index of a model in shards"),
        ("[]", "is not the index of a model in shards"),
        (r#"{"weight_map": {"a": 1}}"#, "is not the index of a model in shards"),
        (r#"{"weight_map": {}}"#, "`embeddings.word_embeddings.weight` is missing"),
        (r#"{"weight_map": {"a": "../elsewhere.safetensors"}}"#, "names the shard `../elsewhere.safetensors`"),
        (r#"{"weight_map": {"a": ".."}}"#, "names the shard `..`"),
        (r#"{"weight_map": {"a": ""}}"#, "names the shard ``"),
    ] {
        sandbox.write(index, content);
        for command in [CONVERT, QUANTIZE, "inspect model"] {
            sandbox.refused(command, &[index, says]);
        }
    }
    sandbox.write(index, r#"{"weight_map": {"a": "one.safetensors"}}"#);
    sandbox.refused(CONVERT, &["cannot read model/one.safetensors"]);
    sandbox.write("model/one.safetensors", &sandbox.read("elsewhere.safetensors")[..3000]);
    sandbox.refused(CONVERT, &["model/one.safetensors: is not a safetensors file, or is cut off"]);
}

#[test]
fn a_regression_model_has_no_accuracy() {
    let sandbox = Sandbox::new();
    sandbox.add("model", &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 1)), Dtype::F32, true));
    sandbox.ok("convert model -o score.onnx");
    let says = ["score.onnx is a regression model", "accuracy and F1 are for classes"];
    sandbox.refused("eval score.onnx --tokenizer model/tokenizer.json --data pairs.tsv", &says);
    sandbox.refused(&format!("{EVAL} pairs.tsv --baseline score.onnx"), &["numbers of classes"]);
}

/// An export with its large tensors in `out.bin`, and what belongs there.
fn two_files() -> (Vec<u8>, Vec<u8>) {
    let mut model = emit_fp32(&tiny::bert());
    model.metadata_props.clear();
    let mut side = Vec::new();
    for tensor in model.graph.as_mut().unwrap().initializer.iter_mut().filter(|t| t.raw_data.len() > 100) {
        let bytes = std::mem::take(&mut tensor.raw_data);
        let entry = |key: &str, value: String| pb::StringStringEntryProto { key: key.to_owned(), value };
        let (offset, length) = (side.len().to_string(), bytes.len().to_string());
        let location = entry("location", "out.bin".to_owned());
        tensor.external_data = vec![location, entry("offset", offset), entry("length", length)];
        tensor.data_location = Some(pb::tensor_proto::DataLocation::External as i32);
        side.extend(bytes);
    }
    (encode_model(&model), side)
}

#[test]
fn a_model_in_two_files_is_made_one_first() {
    let sandbox = Sandbox::new();
    let (model, side) = two_files();
    sandbox.write("two/m.onnx", model);
    let convert = "convert two/m.onnx -o out/x.onnx";
    let tensor = "two/m.onnx: tensor `embeddings.word_embeddings.weight` keeps its data in two/out.bin, which cannot";
    sandbox.refused(convert, &[tensor, "No such file"]);
    sandbox.write("two/out.bin", &side[..side.len() - 1]);
    sandbox.refused(convert, &["two/m.onnx: tensor `", "of out.bin, which has", "cut off"]);
    sandbox.write("two/out.bin", side);
    for command in
        ["inspect two/m.onnx", "bench two/m.onnx --seq 8", &format!("{EVAL} pairs.tsv --baseline two/m.onnx")]
    {
        let says = ["keeps its data in another file", "bert8 convert two/m.onnx -o one-file.onnx"];
        sandbox.refused(command, &says);
    }
    sandbox.ok("quantize two/m.onnx --tokenizer model/tokenizer.json --calibration pairs.tsv -o out/int8.onnx");
    for command in
        ["convert two/m.onnx", "quantize two/m.onnx --tokenizer model/tokenizer.json --calibration pairs.tsv"]
    {
        sandbox
            .refused(&format!("{command} -o two/out.bin"), &["cannot write two/out.bin: it is, or lies in, the input"]);
    }
    sandbox.ok("convert two/m.onnx -o one.onnx");
    let pair = ["he left", "so he said"];
    assert_eq!(sandbox.classify("one.onnx", pair)["logits"], sandbox.classify("fp32.onnx", pair)["logits"]);
}

#[test]
fn an_export_that_cannot_run_as_it_is_is_converted_first() {
    let sandbox = Sandbox::new();
    let mut model = emit_fp32(&tiny::bert());
    model.metadata_props.clear();
    // Only for rows of 8 tokens.
    for shape in model.graph.as_mut().unwrap().initializer.iter_mut().filter(|t| t.name == "heads.shape") {
        shape.raw_data = [1i64, 8, 4, 4].iter().flat_map(|size| size.to_le_bytes()).collect();
    }
    sandbox.write("fixed.onnx", encode_model(&model));
    for command in ["inspect fixed.onnx", "classify fixed.onnx a b --tokenizer model/tokenizer.json"] {
        sandbox.refused(command, &["fixed.onnx: cannot be run as it is", "bert8 convert fixed.onnx -o fp32.onnx"]);
    }
}

#[test]
fn a_configuration_beside_an_export_tells_what_it_is() {
    let sandbox = Sandbox::new();
    let mut model = emit_fp32(&tiny::bert());
    model.metadata_props.clear();
    sandbox.write("export/model.onnx", encode_model(&model));
    let convert = "convert export/model.onnx -o out/x.onnx";
    for (config, says) in [
        (json!({ "model_type": "xlm-roberta" }), "`model_type` is `xlm-roberta`"),
        (json!({ "model_type": "bert", "vocab_size": "many" }), "is not a BERT configuration"),
    ] {
        sandbox.write("export/config.json", config.to_string());
        sandbox.refused(convert, &["export/config.json", says]);
    }
    // Our own files carry theirs.
    sandbox.write("export/fp32.onnx", tiny::fp32());
    sandbox.ok("convert export/fp32.onnx -o x.onnx");
    // What is no Hugging Face configuration means nothing.
    for content in ["{", "[]", "{\"port\": 80}"] {
        sandbox.write("export/config.json", content);
        sandbox.ok("convert export/model.onnx -o x.onnx");
        assert_eq!(sandbox.json("inspect x.onnx --json")["labels"], json!(["LABEL_0", "LABEL_1"]));
    }
    sandbox.write("export/config.json", sandbox.read("model/config.json"));
    sandbox.ok("convert export/model.onnx -o x.onnx");
    assert_eq!(sandbox.json("inspect x.onnx --json")["labels"], json!(["class 0", "class 1"]));
    // Labels of another number are not this model's.
    sandbox.add("export", &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 3)), Dtype::F32, true));
    sandbox.ok("convert export/model.onnx -o x.onnx");
    assert_eq!(sandbox.json("inspect x.onnx --json")["labels"], json!(["LABEL_0", "LABEL_1"]));
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

    // Words that fit, but special tokens that do not.
    let mut model = HfModel::tiny();
    model.tokenizer["post_processor"]["special_tokens"]["[SEP]"]["ids"] = json!([102]);
    sandbox.add("model", &model);
    sandbox.refused(QUANTIZE, &["model/tokenizer.json", "ids up to 102"]);
    sandbox.refused(CLASSIFY, &["model/tokenizer.json", "ids up to 102"]);

    // Nothing that marks the pair.
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
        ("field.jsonl", "\n{\"sentence1\":\"a\"}\n".into(), "field.jsonl, line 2: has no text `sentence2`"),
        ("header.tsv", header.into(), "header.tsv: holds no pairs"),
        ("columns.tsv", "1\tx\ty\n".into(), "columns.tsv, line 1: the header names no sentence columns"),
        ("empty.tsv", "".into(), "empty.tsv: is empty"),
        ("empty.jsonl", "\n\n".into(), "empty.jsonl: holds no pairs"),
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
        ("sign.jsonl", "{\"sentence1\":\"\",\"sentence2\":\"\",\"label\":-1}", "sign.jsonl, line 1: the label `-1`"),
        ("two.jsonl", "{\"sentence1\":\"\",\"sentence2\":\"\",\"label\":\"a\\nb\"}", "two.jsonl, line 1: the label"),
    ] {
        sandbox.write(file, content);
        sandbox.refused(&format!("{EVAL} {file}"), &[says, "0 (class 0), 1 (class 1)"]);
    }
    sandbox.write("list.jsonl", "{\"sentence1\":\"\",\"sentence2\":\"\",\"label\":[1]}");
    sandbox.refused(&format!("{EVAL} list.jsonl"), &["list.jsonl, line 1: has the label [1]"]);
    sandbox.write("none.tsv", "sentence1\tsentence2\na\tb\n");
    sandbox.refused(&format!("{EVAL} none.tsv"), &["none.tsv, line 2: no label", "Quality"]);
    // Calibration does without.
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
            (".", "it is a folder"),
            ("socket", "no regular file"),
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
}

#[test]
fn length_limits_leave_room_for_words() {
    let sandbox = Sandbox::new();
    for limit in [0, 3] {
        let says = [&format!("a length limit of {limit} tokens leaves no room for words; give 4 or more") as &str];
        sandbox.refused(&format!("{CLASSIFY} --max-length {limit}"), &says);
        sandbox.refused(&format!("{EVAL} pairs.tsv --max-length {limit}"), &says);
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
        ("classify int8.onnx one --tokenizer model/tokenizer.json", "<SECOND>"),
        ("classify int8.onnx one two", "--tokenizer"),
        ("eval int8.onnx --tokenizer model/tokenizer.json", "--data"),
        ("report", "<REPORT>"),
        ("bench int8.onnx --seq 0", "--seq"),
        ("bench int8.onnx --seconds 0", "above 0"),
        ("bench int8.onnx --kernel fast", "no kernel `fast` here; there are scalar"),
        ("bench int8.onnx --seconds NaN", "above 0"),
    ] {
        let run = sandbox.run(command);
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains(says) && run.stdout.is_empty(), "{run}");
    }
    assert!(sandbox.files() == before);
}

#[test]
fn what_is_no_onnx_is_refused() {
    let sandbox = Sandbox::new();
    let noise: Vec<u8> = (0..5000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (file, content, says) in [
        ("page.onnx", b"<!doctype html><title>404</title>".to_vec(), "is text, not an ONNX model"),
        ("pointer.onnx", b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "Git LFS pointer"),
        ("empty.onnx", Vec::new(), "is empty"),
        ("noise.onnx", noise, "is not an ONNX model"),
        ("cut.onnx", tiny::fp32()[..5000].to_vec(), "cut off after 5000 bytes"),
        ("cut8.onnx", tiny::int8()[..5000].to_vec(), "cut off after 5000 bytes"),
    ] {
        sandbox.write(file, content);
        every_use_refused(&sandbox, file, &[file, says]);
    }
    sandbox
        .refused("classify model a b --tokenizer model/tokenizer.json", &["model is a folder", "bert8 convert model"]);
}

/// Expects every command that takes an ONNX file to refuse `file`.
fn every_use_refused(sandbox: &Sandbox, file: &str, says: &[&str]) {
    for command in [
        &format!("convert {file} -o out/x.onnx"),
        &format!("quantize {file} --calibration pairs.tsv --tokenizer model/tokenizer.json -o out/x.onnx"),
        &format!("inspect {file}"),
        &format!("bench {file} --seq 8"),
        &format!("classify {file} a b --tokenizer model/tokenizer.json"),
        &format!("eval {file} --tokenizer model/tokenizer.json --data pairs.tsv"),
        &format!("{EVAL} pairs.tsv --baseline {file}"),
    ] {
        sandbox.refused(command, says);
    }
}

/// An ONNX file of one node that reads a float input.
fn one_node() -> Vec<u8> {
    let mut model = emit_fp32(&tiny::bert());
    model.metadata_props.clear();
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.clear();
    graph.input.truncate(1);
    graph.input[0].name = "image".to_owned();
    let node = pb::NodeProto {
        op_type: "Relu".to_owned(),
        input: vec!["image".to_owned()],
        output: vec!["logits".to_owned()],
        ..Default::default()
    };
    graph.node = vec![node];
    encode_model(&model)
}

/// The tiny model with a Transpose that reads nothing.
fn odd() -> Vec<u8> {
    let mut model = emit_fp32(&tiny::bert());
    let transpose = model.graph.as_mut().unwrap().node.iter_mut().find(|node| node.op_type == "Transpose");
    transpose.unwrap().input.clear();
    encode_model(&model)
}

#[test]
fn onnx_files_of_other_models_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("image.onnx", one_node());
    every_use_refused(&sandbox, "image.onnx", &["image.onnx"]);
    for command in ["convert int8.onnx", "quantize int8.onnx --calibration pairs.tsv --tokenizer model/tokenizer.json"]
    {
        sandbox.refused(&format!("{command} -o out/x.onnx"), &["int8.onnx", "node `", "already quantized"]);
    }
    // Like any model that the engine panics on.
    sandbox.write("odd.onnx", odd());
    every_use_refused(&sandbox, "odd.onnx", &["odd.onnx"]);
    sandbox.refused("convert fp32.onnx --heads 2 -o out/x.onnx", &["fp32.onnx", "4 heads"]);
}

#[test]
fn random_writes_into_new_or_empty_folders_only() {
    let sandbox = Sandbox::new();
    let random = |folder: &str| format!("random --preset mini {folder}");
    sandbox.refused(&random("model"), &["cannot write model", "not empty", "--force"]);
    sandbox.refused(&random("fp32.onnx"), &["cannot write fp32.onnx", "is a file"]);
    sandbox.refused(&random("no/such"), &["cannot write no/such", "the folder no does not exist"]);
    sandbox.write("out/tokenizer.json/x", "a folder where a file must be");
    sandbox.refused(&random("--force out"), &["tokenizer.json", "is a folder"]);
    let wrong = sandbox.run("random --preset huge out/x");
    assert!(wrong.code == 2 && wrong.stderr.contains("mini, small, bert-base"), "{wrong}");
}
