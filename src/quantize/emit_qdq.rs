//! The QDQ flavour of the INT8 ONNX file: the FP32 graph with a pair of QuantizeLinear and DequantizeLinear wherever a value
//! is rounded, for engines that make integer products of that themselves.

use super::emit::{map_features, rows, weights};
use super::params::QuantParams;
use super::quantizer::Parameters;
use crate::bert::{Bert, Float, Lowering, build_graph};
use crate::onnx::{Attribute, GraphBuilder, pb};
use std::collections::HashSet;

/// Writes `bert` with the integers and scales of `parameters`, the same as [`emit_int8`](super::emit::emit_int8) does:
/// `MatMul(DequantizeLinear(QuantizeLinear(x)), DequantizeLinear(weights)) → Add(bias)` for linear layers, the product of two
/// such pairs for `q · kᵀ`, and `Gather → Cast → Mul(Gather(scale))` for embedding tables.
pub fn emit_qdq(bert: &Bert, parameters: &Parameters) -> pb::ModelProto {
    build_graph(bert, &mut Qdq { parameters, rounded: HashSet::new() })
}

/// The zero point of a symmetric range in u8.
const SYMMETRIC_ZERO: u8 = 128;

struct Qdq<'a> {
    parameters: &'a Parameters,
    /// Activations that have their pair already.
    rounded: HashSet<String>,
}

impl Qdq<'_> {
    /// The activation `x` after rounding, shared by all that read it.
    fn round(&mut self, g: &mut GraphBuilder, x: &str) -> String {
        let name = format!("{x}.dequantized");
        if self.rounded.insert(x.to_owned()) {
            let activation = &self.parameters.activations[x];
            let mapped = map_features(g, activation, x);
            pair(g, x, &mapped, activation.params);
        }
        name
    }
}

/// Rounds the value `x`, in nodes that are called after `name`; returns `{name}.dequantized`.
///
/// A symmetric range is written as s8 with zero point 0, the same integers as u8 with 128 less 128: TensorRT takes no other
/// zero point, and OpenVINO multiplies two activations as integers only without one.
fn pair(g: &mut GraphBuilder, name: &str, x: &str, params: QuantParams) -> String {
    let scale = g.f32_scalar(&format!("{name}.scale"), params.scale);
    let zero_point = format!("{name}.zero_point");
    let zero_point = match params.zero_point {
        SYMMETRIC_ZERO => g.i8_scalar(&zero_point, 0),
        zero => g.u8_scalar(&zero_point, zero),
    };
    let quantized = g.node("QuantizeLinear", &format!("{name}.quantized"), &[x, &scale, &zero_point], &[]);
    g.node("DequantizeLinear", &format!("{name}.dequantized"), &[&quantized, &scale, &zero_point], &[])
}

impl Lowering for Qdq<'_> {
    fn embedding(&mut self, g: &mut GraphBuilder, bert: &Bert, tensor: &str, ids: &str) -> String {
        match self.parameters.tables.get(tensor) {
            Some(table) => rows(g, table, bert.config().hidden, tensor, ids),
            None => Float.embedding(g, bert, tensor, ids),
        }
    }

    fn linear(&mut self, g: &mut GraphBuilder, bert: &Bert, layer: &str, x: &str) -> String {
        let Some(linear) = self.parameters.linears.get(layer) else { return Float.linear(g, bert, layer, x) };
        let out = linear.bias.len();
        let (scales, bias) = linear.scaled(self.parameters.output_factors(layer));
        let rounded = self.round(g, x);
        let weight = weights(g, linear, layer);
        let scale = g.f32s(&format!("{layer}.weight_scale"), &[out], &scales);
        let zero_point = g.i8s(&format!("{layer}.weight_zero_point"), &[out], &vec![0; out]);
        let axis = [("axis", Attribute::Int(1))];
        let weight = g.node("DequantizeLinear", &format!("{layer}.weight"), &[&weight, &scale, &zero_point], &axis);
        let bias = g.f32s(&format!("{layer}.bias"), &[out], &bias);
        let product = g.node("MatMul", &format!("{layer}.matmul"), &[&rounded, &weight], &[]);
        g.node("Add", layer, &[&product, &bias], &[])
    }

    fn scores(&mut self, g: &mut GraphBuilder, bert: &Bert, prefix: &str, query: &str, key: &str) -> String {
        if !self.parameters.scores.contains(prefix) {
            return Float.scores(g, bert, prefix, query, key);
        }
        let layer = prefix.trim_end_matches(".scores");
        let [query, key] = [("query", query), ("key", key)].map(|(side, x)| {
            let name = format!("{layer}.{side}");
            pair(g, &name, x, self.parameters.activations[&name].params)
        });
        Float.scores(g, bert, prefix, &query, &key)
    }

    fn classifier_bias<'a>(&'a self, _bert: &'a Bert) -> &'a [f32] {
        &self.parameters.classifier_bias
    }
}
