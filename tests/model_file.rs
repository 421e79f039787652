//! A model whose file arrives in chunks gives the same logits as one that is read as a whole.

#![cfg(feature = "cli")]

mod common;

use bert8::activation::Activation;
use bert8::bert::{BertConfig, emit_fp32};
use bert8::kernels::Kernel;
use bert8::model::Model;
use bert8::model_file::{ModelFile, ModelFileBuilder};
use bert8::onnx::{encode_model, pb};
use bert8::text::Tokens;
use common::fixed_scales::with_fixed_scales;
use common::{tiny_bert, tiny_config};

/// A configuration wide enough that its weights count as large tensors.
fn wide() -> BertConfig {
    BertConfig { hidden: 264, heads: 3, intermediate: 272, layers: 1, ..tiny_config(Activation::Gelu, 3) }
}

fn in_chunks(bytes: &[u8], step: usize) -> ModelFile {
    let mut builder = ModelFileBuilder::default();
    bytes.chunks(step).for_each(|chunk| builder.push(&chunk.to_vec()));
    builder.finish()
}

/// Checks on every kernel that the file in chunks gives the logits of the whole file, and whether the model is fused.
fn check(bytes: &[u8], fused: bool) {
    let tokens = Tokens { ids: vec![2, 17, 33, 8, 3, 41, 3], types: vec![0, 0, 0, 0, 0, 1, 1], truncated: false };
    for kernel in Kernel::all() {
        let whole = Model::builder().file_name("whole").kernel(kernel).load(bytes.to_vec()).unwrap();
        let logits = whole.logits(&tokens).unwrap();
        assert_eq!(whole.fused().complete(), fused);
        for step in [1000, 65_536, bytes.len()] {
            let model = Model::builder().file_name("chunks").kernel(kernel).load(in_chunks(bytes, step)).unwrap();
            assert_eq!(model.fused(), whole.fused());
            assert_eq!(model.logits(&tokens).unwrap(), logits, "{} in chunks of {step}", kernel.name());
        }
    }
}

fn int8(edit: impl FnOnce(&mut pb::GraphProto)) -> Vec<u8> {
    let mut model = with_fixed_scales(&tiny_bert(wide()), false, |_| false);
    edit(model.graph.as_mut().unwrap());
    encode_model(&model)
}

#[test]
fn a_fused_model_answers_the_same() {
    check(&int8(|_| ()), true);
}

#[test]
fn layers_may_share_their_weights() {
    let bytes = int8(|graph| {
        let product = |layer: &str| format!("encoder.layer.0.attention.self.{layer}.matmul");
        let input = |graph: &pb::GraphProto, layer: &str| {
            graph.node.iter().position(|node| node.name == product(layer)).expect("the layer has a product")
        };
        let (query, key) = (input(graph, "query"), input(graph, "key"));
        graph.node[key].input[1] = graph.node[query].input[1].clone();
    });
    check(&bytes, true);
}

#[test]
fn an_unfused_model_answers_the_same() {
    // No pattern has a node between a product and its scale.
    let bytes = int8(|graph| {
        let product = graph.node.iter_mut().find(|node| node.op_type == "MatMulInteger").unwrap();
        let name = std::mem::replace(&mut product.output[0], "detour".to_owned());
        let detour = pb::NodeProto {
            op_type: "Identity".to_owned(),
            name: "detour".to_owned(),
            input: vec!["detour".to_owned()],
            output: vec![name],
            ..Default::default()
        };
        let at = graph.node.iter().position(|node| node.op_type == "MatMulInteger").unwrap();
        graph.node.insert(at + 1, detour);
    });
    check(&bytes, false);
}

#[test]
fn an_fp32_model_answers_the_same() {
    check(&encode_model(&emit_fp32(&tiny_bert(wide()))), true);
}

#[test]
fn a_truncated_file_gives_the_same_error() {
    let bytes = int8(|_| ());
    for len in [0, 100, bytes.len() / 2, bytes.len() - 1] {
        let error = |file: ModelFile| Model::builder().file_name("cut.onnx").load(file).unwrap_err().to_string();
        let whole = error(bytes[..len].to_vec().into());
        assert_eq!(error(in_chunks(&bytes[..len], 10_000)), whole);
        assert!(whole.contains("cut.onnx"), "{whole}");
    }
}
