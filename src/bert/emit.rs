//! Writes the FP32 ONNX graph.

use super::Bert;
use super::graph::{Lowering, build_graph, float_linear};
use crate::onnx::{Attribute, GraphBuilder, pb};

/// Writes `bert` as an FP32 ONNX model: dynamic batch and sequence, standard operators only.
pub fn emit_fp32(bert: &Bert) -> pb::ModelProto {
    build_graph(bert, &mut Float)
}

/// The lowering to FP32 operators.
#[derive(Debug)]
pub struct Float;

impl Lowering for Float {
    fn embedding(&mut self, g: &mut GraphBuilder, bert: &Bert, tensor: &str, ids: &str) -> String {
        let values = bert.weight(tensor);
        let features = bert.config().embedding_features();
        let table = g.f32s(tensor, &[values.len() / features, features], values);
        let name = tensor.trim_end_matches(".weight");
        g.node("Gather", name, &[&table, ids], &[("axis", Attribute::Int(0))])
    }

    fn linear(&mut self, g: &mut GraphBuilder, bert: &Bert, layer: &str, x: &str) -> String {
        float_linear(g, bert, layer, bert.weight(&format!("{layer}.bias")), x)
    }

    fn scores(&mut self, g: &mut GraphBuilder, bert: &Bert, prefix: &str, query: &str, key: &str) -> String {
        let scale = g.f32_scalar("scores.scale", 1.0 / (bert.config().head_size() as f32).sqrt());
        let key = g.node("Transpose", &format!("{prefix}.key"), &[key], &[("perm", Attribute::Ints(vec![0, 1, 3, 2]))]);
        let product = g.node("MatMul", &format!("{prefix}.matmul"), &[query, &key], &[]);
        g.node("Mul", prefix, &[&product, &scale], &[])
    }
}
