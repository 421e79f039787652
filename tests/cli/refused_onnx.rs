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
        (json!({ "model_type": "deberta-v2" }), "`model_type` is `deberta-v2`"),
        (json!({ "model_type": "bert", "vocab_size": "many" }), "`vocab_size` is \"many\"; expected a whole number"),
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

/// The tiny model as another program would write it, changed by `edit`.
fn foreign(edit: impl FnOnce(&mut pb::GraphProto)) -> Vec<u8> {
    let mut model = emit_fp32(&tiny::bert());
    model.metadata_props.clear();
    edit(model.graph.as_mut().unwrap());
    encode_model(&model)
}

fn add_node(graph: &mut pb::GraphProto, op: &str, inputs: &[&str], output: &str) {
    graph.node.push(pb::NodeProto {
        op_type: op.to_owned(),
        name: output.to_owned(),
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..Default::default()
    });
}

/// Makes `value` the only output, under the name `name` and without a declared shape.
fn only_output(graph: &mut pb::GraphProto, value: &str, name: &str) {
    graph.node.retain(|node| node.output[0] != "logits");
    if value != name {
        add_node(graph, "Identity", &[value], name);
    }
    graph.output[0].name = name.to_owned();
    graph.output[0].r#type = None;
}

#[test]
fn files_with_other_outputs_than_logits_are_refused() {
    let sandbox = Sandbox::new();
    let end = "encoder.layer.1.output.LayerNorm";
    let embeddings = foreign(|graph| only_output(graph, end, "last_hidden_state"));
    let tokens = foreign(|graph| only_output(graph, end, "logits"));
    let several = foreign(|graph| {
        let pooled = pb::ValueInfoProto { name: "pooler.activation".to_owned(), ..Default::default() };
        graph.output.push(pooled);
    });
    let heads = foreign(|graph| {
        add_node(graph, "Concat", &["classifier", "classifier"], "heads");
        graph.node.last_mut().unwrap().attribute.push(pb::AttributeProto {
            name: "axis".to_owned(),
            i: 1,
            r#type: pb::attribute_proto::AttributeType::Int as i32,
            ..Default::default()
        });
        only_output(graph, "heads", "logits");
    });
    let with_end = |op: &str| {
        foreign(|graph| {
            add_node(graph, op, &["classifier"], "end");
            only_output(graph, "end", "logits");
        })
    };
    let turned = foreign(|graph| {
        graph.initializer.iter_mut().filter(|t| t.name == "classifier.bias").for_each(|t| t.dims = vec![2, 1]);
    });
    let positions = foreign(|graph| {
        let ids = graph.node.iter_mut().find(|node| node.name == "embeddings.position_embeddings").unwrap();
        ids.input[1] = "position_ids".to_owned();
        let mut input = graph.input[0].clone();
        input.name = "position_ids".to_owned();
        graph.input.push(input);
    });
    let swapped = foreign(|graph| {
        for input in graph.node.iter_mut().flat_map(|node| &mut node.input) {
            match input.as_str() {
                "attention_mask" => *input = "token_type_ids".to_owned(),
                "token_type_ids" => *input = "attention_mask".to_owned(),
                _ => {}
            }
        }
    });
    for (file, content, says) in [
        ("embeddings.onnx", embeddings, "has the output `last_hidden_state`; expected one output, `logits` of shape"),
        ("tokens.onnx", tokens, "(LayerNormalization) makes, which is no linear layer"),
        ("several.onnx", several, "has 2 outputs (`logits` of shape [batch, 2], `pooler.activation`)"),
        ("heads.onnx", heads, "(Concat) makes, so that it holds the results of several classifiers"),
        ("softmax.onnx", with_end("Softmax"), "(Softmax) makes, so that it holds probabilities"),
        ("argmax.onnx", with_end("ArgMax"), "(ArgMax) makes, so that it holds the number of a label"),
        ("turned.onnx", turned, "is not a sequence classifier: its output `logits` has the shape ["),
        ("positions.onnx", positions, "has an input `position_ids`; expected input_ids"),
        ("swapped.onnx", swapped, "chooses embeddings by the input attention_mask"),
    ] {
        sandbox.write(file, content);
        for command in ["inspect FILE", "classify FILE a b --tokenizer model/tokenizer.json", "bench FILE --seq 8"] {
            sandbox.refused(&command.replace("FILE", file), &[file, says]);
        }
    }
    // The importer handles these two, and the output may be named.
    let logits = &sandbox.classify("fp32.onnx", ["he left", "so"])["logits"];
    for (file, option) in [("positions.onnx", ""), ("swapped.onnx", ""), ("several.onnx", " --logits logits")] {
        sandbox.ok(&format!("convert {file} -o x.onnx{option}"));
        assert_eq!(&sandbox.classify("x.onnx", ["he left", "so"])["logits"], logits, "{file}");
    }
    sandbox.refused("convert several.onnx -o y.onnx --logits other", &["has no output `other`", "see --logits"]);
}

#[test]
fn positions_beyond_the_table_are_refused_when_loading() {
    let sandbox = Sandbox::new();
    let start = |first: i64| {
        foreign(|graph| {
            let start = graph.initializer.iter_mut().find(|tensor| tensor.name == "position.start").unwrap();
            start.raw_data = first.to_le_bytes().to_vec();
        })
    };
    sandbox.write("start.onnx", start(65535));
    sandbox.refused("inspect start.onnx", &["start.onnx: has position embeddings for 0 tokens"]);
    let mut lie = emit_fp32(&tiny::bert());
    let config = &mut lie.metadata_props.iter_mut().find(|entry| entry.key == "bert8.config").unwrap().value;
    *config = config.replace("\"max_positions\":64", "\"max_positions\":4096");
    sandbox.write("lie.onnx", encode_model(&lie));
    sandbox.refused("inspect lie.onnx", &["lie.onnx: has position embeddings for 64 tokens, but should read 4096"]);
}

#[test]
fn folders_of_transformers_js_are_read() {
    let sandbox = Sandbox::new();
    sandbox.write("js/onnx/model.onnx", foreign(|_| {}));
    for file in ["config.json", "tokenizer.json"] {
        sandbox.write(&format!("js/{file}"), sandbox.read(&format!("model/{file}")));
    }
    for (at, model) in ["js", "js/onnx/model.onnx"].into_iter().enumerate() {
        sandbox.ok(&format!("convert {model} -o out/{at}.onnx"));
        let labels = &sandbox.json(&format!("inspect out/{at}.onnx --json"))["labels"];
        assert_eq!(labels, &json!(["class 0", "class 1"]));
        sandbox.ok(&format!("quantize {model} --calibration pairs.tsv -o out/{at}.int8.onnx"));
    }
    assert_eq!(sandbox.json("inspect js --json")["layers"], 2);
    sandbox.refused("convert js -o js/config.json", &["cannot write js/config.json: it is an input"]);
}
