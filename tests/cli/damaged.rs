//! ONNX files with a fault in every place in turn: whatever the engine makes of them, it ends in logits or in an error of one
//! line that names the file.

use crate::tiny;
use bert8::model::Model;
use bert8::onnx::{decode_model, encode_model, pb};
use bert8::text::Tokens;

/// Damages every node and tensor of `bytes` in turn, those of the second layer apart, which is like the first.
fn damage_everything(bytes: &[u8]) {
    let model = decode_model(bytes, "whole.onnx").unwrap();
    let graph = model.graph.as_ref().unwrap();
    let attempt = |edit: &dyn Fn(&mut pb::GraphProto)| {
        let mut damaged = model.clone();
        edit(damaged.graph.as_mut().unwrap());
        load_and_run(&damaged);
    };
    for (at, node) in graph.node.iter().enumerate().filter(|(_, node)| !node.name.contains("layer.1")) {
        attempt(&|graph| graph.node[at].input.clear());
        attempt(&|graph| graph.node[at].output.clear());
        if node.input.len() > 1 {
            attempt(&|graph| graph.node[at].input.truncate(1));
            attempt(&|graph| graph.node[at].input.reverse());
        }
        for attribute in 0..node.attribute.len() {
            attempt(&|graph| graph.node[at].attribute[attribute].i = -7);
            attempt(&|graph| graph.node[at].attribute[attribute].i = 7);
        }
    }
    for at in (0..graph.initializer.len()).filter(|&at| !graph.initializer[at].name.contains("layer.1")) {
        attempt(&|graph| _ = graph.initializer.remove(at));
        attempt(&|graph| graph.initializer[at].raw_data.truncate(1));
        attempt(&|graph| graph.initializer[at].raw_data.fill(0xff));
        attempt(&|graph| {
            graph.initializer[at].dims = vec![0];
            graph.initializer[at].raw_data.clear();
        });
    }
}

fn load_and_run(model: &pb::ModelProto) {
    let tokens = Tokens { ids: vec![2, 7, 3, 8, 3], types: vec![0, 0, 0, 1, 1], truncated: false };
    let result = Model::from_bytes(encode_model(model), "damaged.onnx").and_then(|model| model.logits(&tokens));
    if let Err(error) = result {
        let error = error.to_string();
        assert!(error.contains("damaged.onnx") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn a_damaged_fp32_model_gives_errors() {
    damage_everything(&tiny::fp32());
}

#[test]
fn a_damaged_int8_model_gives_errors() {
    damage_everything(tiny::int8());
}

#[test]
fn sizes_in_the_metadata_that_no_model_has_are_not_believed() {
    let mut model = decode_model(&tiny::fp32(), "whole.onnx").unwrap();
    let words = |model: &pb::ModelProto| Model::from_bytes(encode_model(model), "m.onnx").unwrap().info().vocab_size;
    let expected = words(&model);
    let entry = model.metadata_props.iter_mut().find(|entry| entry.key == "bert8.config").unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&entry.value).unwrap();
    config["vocab_size"] = 0.into();
    entry.value = config.to_string();
    assert_eq!(words(&model), expected);
}
