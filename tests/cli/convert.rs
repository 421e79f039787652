//! The inputs of `bert8 convert`, and the files it writes.

use crate::common::tiny_bert;
use crate::json::floats;
use crate::sandbox::Sandbox;
use crate::tiny::{self, HfModel, Tensor};
use bert8::activation::Activation;
use bert8::bert::emit_fp32;
use bert8::onnx::encode_model;
use safetensors::Dtype;
use serde_json::{Value, json};

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
fn of_a_weight_that_is_there_twice_the_prefixed_one_is_read() {
    let sandbox = Sandbox::new();
    let names = ["encoder.layer.0.output.dense.bias", "pooler.dense.bias"];
    let mut model = HfModel::tiny();
    let twin = |shift: f32, name: &str| {
        let values: Vec<f32> = tiny::bert().weight(name).iter().map(|value| value + shift).collect();
        Tensor::f32(&[values.len()], &values)
    };
    let add = |model: &mut HfModel, shift| {
        for name in names {
            model.tensors.insert(name.to_owned(), twin(shift, name));
        }
        sandbox.add("model", model);
    };
    add(&mut model, 0.0);
    let run = sandbox.ok("convert model -o out/x.onnx");
    assert!(!run.stderr.contains("note"), "{run}");
    add(&mut model, 1.0);
    let note = "note: model/model.safetensors holds 2 of the model's weights twice, with other values: \
                `bert.encoder.layer.0.output.dense.bias` is read and `encoder.layer.0.output.dense.bias` is not, as in transformers\n";
    for command in
        ["convert model -o out/x.onnx", "quantize model --calibration pairs.tsv -o out/y.onnx", "inspect model"]
    {
        assert!(sandbox.ok(command).stderr.contains(note), "{command}");
    }
    assert!(sandbox.read("out/x.onnx") == tiny::fp32());

    let mut model = HfModel::tiny();
    model.tensors.insert("module.classifier.bias".to_owned(), twin(1.0, "classifier.bias"));
    sandbox.add("model", &model);
    let says = ["module.classifier.bias", "classifier.bias", "the same weight of the model", "remove one of them"];
    sandbox.refused("convert model -o out/z.onnx", &says);
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
fn configurations_may_have_nulls_numbers_as_names_and_default_values() {
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
fn convert_reads_onnx_and_replaces_older_files() {
    let sandbox = Sandbox::new();
    sandbox.write("out/again.onnx", "something older");
    sandbox.ok("convert fp32.onnx -o out/again.onnx");
    assert!(sandbox.read("out/again.onnx") == tiny::fp32());
    sandbox.ok("convert model --output out/new.onnx");
    assert!(sandbox.read("out/new.onnx") == tiny::fp32());
}
