//! Model folders that must be refused.

use crate::sandbox::Sandbox;
use crate::tiny::{HfModel, Tensor};
use safetensors::Dtype;
use serde_json::{Value, json};

const CONVERT: &str = "convert model -o out/x.onnx";
const QUANTIZE: &str = "quantize model --calibration pairs.tsv -o out/x.onnx --report out/x.json";

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
fn unsupported_configurations_name_the_field() {
    let set = |field: &'static str, value: Value| move |model: &mut HfModel| model.config[field] = value.clone();
    for (field, value, says) in [
        (
            "model_type",
            json!("perceiver"),
            "is `perceiver`; supported: bert, distilbert, roberta, camembert, xlm-roberta, electra",
        ),
        ("hidden_act", json!("silu"), "is `silu`; supported: gelu"),
        ("position_embedding_type", json!("relative_key"), "only `absolute`"),
        ("is_decoder", json!(true), "only encoders"),
        ("num_attention_heads", json!(3), "is 3, which does not divide the hidden size 16"),
        ("num_attention_heads", json!(0), "is 0"),
        ("hidden_size", json!(1u64 << 40), "far beyond any BERT"),
        ("num_hidden_layers", json!(10_000_000), "far beyond any BERT"),
        ("layer_norm_eps", json!(-1.0), "not a small positive number"),
        ("id2label", json!({ "0": "no", "2": "yes" }), "no id 1"),
        ("id2label", json!({ "0": "no", "1": ["yes"] }), "names class 1 [\"yes\"]; expected a string"),
        (
            "architectures",
            json!(["RobertaForSequenceClassification"]),
            "names `RobertaForSequenceClassification`; only",
        ),
        ("architectures", json!("BertModel"), "expected a list of names"),
        ("architectures", json!(["BertForTokenClassification"]), "names `BertForTokenClassification`; only"),
        ("architectures", json!(["BertModel"]), "names `BertModel`; only `BertForSequenceClassification`"),
        ("problem_type", json!("tagging"), "is `tagging`; expected `single_label_classification`"),
        ("problem_type", json!("regression"), "is `regression` with 2 outputs; a score needs exactly one"),
        ("pruned_heads", json!({ "0": [1] }), "models with pruned heads are not supported"),
        ("model_type", json!(["bert"]), "expected a string"),
        ("vocab_size", json!("many"), "is \"many\"; expected a whole number"),
        ("hidden_size", json!(-1), "is -1; expected a whole number"),
        ("layer_norm_eps", json!("small"), "expected a number"),
        ("id2label", json!([1]), "is [1]; expected a name for each id"),
    ] {
        folder_refused(set(field, value), &["model/config.json", &format!("`{field}`"), says]);
    }
    for (kind, reason) in [
        ("albert", "layers that share one set of weights"),
        ("deberta-v2", "relative positions"),
        ("mpnet", "relative positions"),
        ("modernbert", "rotary positions"),
    ] {
        let says = [&format!("`model_type` is `{kind}`, which would need"), reason, "supported: bert"];
        folder_refused(set("model_type", json!(kind)), &says);
    }
    // Another family's configuration lacks BERT's fields; the family is what matters.
    let xlnet = json!({ "model_type": "xlnet", "d_model": 16, "n_layer": 2, "n_head": 4, "vocab_size": 70 });
    folder_refused(|model| model.config = xlnet.clone(), &["`model_type` is `xlnet`"]);
    let distilbert = json!({ "model_type": "distilbert", "n_layers": 2, "n_heads": 4, "vocab_size": 70 });
    folder_refused(|model| model.config = distilbert.clone(), &["`dim` is missing"]);
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
        ("{", "is not the index of a sharded model"),
        ("[]", "is not the index of a sharded model"),
        (r#"{"weight_map": {"a": 1}}"#, "is not the index of a sharded model"),
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
