//! ONNX files that must be refused, or need a conversion first.

use crate::common::tiny_bert;
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel};
use bert8::activation::Activation;
use bert8::bert::emit_fp32;
use bert8::onnx::{encode_model, pb};
use safetensors::Dtype;
use serde_json::json;

const EVAL: &str = "eval int8.onnx --tokenizer model/tokenizer.json --data";

/// An export that keeps its large tensors in `out.bin`, and the bytes of that file.
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
fn a_model_in_two_files_must_be_converted_first() {
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
        let says = ["keeps its data in another file", "try: bert8 convert two/m.onnx -o fp32.onnx"];
        sandbox.refused(command, &says);
    }
    sandbox.ok("quantize two/m.onnx --tokenizer model/tokenizer.json --calibration pairs.tsv -o out/int8.onnx");
    for command in
        ["convert two/m.onnx", "quantize two/m.onnx --tokenizer model/tokenizer.json --calibration pairs.tsv"]
    {
        sandbox.refused(&format!("{command} -o two/out.bin"), &["cannot write two/out.bin: it is an input"]);
    }
    sandbox.ok("convert two/m.onnx -o one.onnx");
    let pair = ["he left", "so he said"];
    assert_eq!(sandbox.classify("one.onnx", pair)["logits"], sandbox.classify("fp32.onnx", pair)["logits"]);
}

#[test]
fn int8_files_of_other_tools_need_an_option() {
    let sandbox = Sandbox::new();
    sandbox.write("other.onnx", include_bytes!("../import_onnx/quantized/dynamic-u8.onnx"));
    for command in
        ["convert other.onnx", "quantize other.onnx --calibration pairs.tsv --tokenizer model/tokenizer.json"]
    {
        let says = ["other.onnx: node `", "already quantized", "does not bring back the accuracy", "see --requantize"];
        sandbox.refused(&format!("{command} -o out/x.onnx"), &says);
        sandbox.ok(&format!("{command} --requantize -o out.onnx"));
    }
    let says = ["int8.onnx", "node `", "already quantized, by bert8"];
    sandbox.refused("convert int8.onnx --requantize -o out/x.onnx", &says);
}

#[test]
fn an_export_with_fixed_shapes_must_be_converted_first() {
    let sandbox = Sandbox::new();
    let mut model = emit_fp32(&tiny::bert());
    model.metadata_props.clear();
    // The graph works for rows of 8 tokens only.
    for shape in model.graph.as_mut().unwrap().initializer.iter_mut().filter(|t| t.name == "heads.shape") {
        shape.raw_data = [1i64, 8, 4, 4].iter().flat_map(|size| size.to_le_bytes()).collect();
    }
    sandbox.write("fixed.onnx", encode_model(&model));
    for command in ["inspect fixed.onnx", "classify fixed.onnx a b --tokenizer model/tokenizer.json"] {
        sandbox.refused(command, &["fixed.onnx: cannot run as it is", "try: bert8 convert fixed.onnx -o fp32.onnx"]);
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
    // Files that bert8 wrote contain their own configuration.
    sandbox.write("export/fp32.onnx", tiny::fp32());
    sandbox.ok("convert export/fp32.onnx -o x.onnx");
    // A config.json that is not a Hugging Face configuration is ignored.
    for content in ["{", "[]", "{\"port\": 80}"] {
        sandbox.write("export/config.json", content);
        sandbox.ok("convert export/model.onnx -o x.onnx");
        assert_eq!(sandbox.json("inspect x.onnx --json")["labels"], json!(["LABEL_0", "LABEL_1"]));
    }
    sandbox.write("export/config.json", sandbox.read("model/config.json"));
    sandbox.ok("convert export/model.onnx -o x.onnx");
    assert_eq!(sandbox.json("inspect x.onnx --json")["labels"], json!(["class 0", "class 1"]));
    // Labels for another number of classes are ignored.
    sandbox.add("export", &HfModel::new(&tiny_bert(tiny::config(Activation::Gelu, 3)), Dtype::F32, true));
    sandbox.ok("convert export/model.onnx -o x.onnx");
    assert_eq!(sandbox.json("inspect x.onnx --json")["labels"], json!(["LABEL_0", "LABEL_1"]));
}

#[test]
fn files_other_than_onnx_are_refused() {
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

/// The tiny model with a Transpose without inputs.
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
    // A model on which the engine panics is refused, too.
    sandbox.write("odd.onnx", odd());
    every_use_refused(&sandbox, "odd.onnx", &["odd.onnx"]);
    sandbox.refused("convert fp32.onnx --heads 2 -o out/x.onnx", &["fp32.onnx", "4 heads"]);
}
