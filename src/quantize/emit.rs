//! The INT8 ONNX file: standard operators in one pattern, which any engine can run and ours fuses.

use super::params::QuantizedRows;
use super::quantizer::{ActivationParameters, LinearParameters, Parameters};
use crate::bert::{Bert, Float, Lowering, build_graph, transpose};
use crate::onnx::pb::tensor_proto::DataType;
use crate::onnx::{Attribute, GraphBuilder, pb};
use std::collections::HashSet;

/// Writes `bert` with the integers and scales of `parameters`:
/// `Mul(factors) → Add(offsets) → QuantizeLinear → MatMulInteger → Cast → Mul(scale) → Add(bias)` for linear layers (without
/// the first two where the input is neither smoothed nor shifted), the same without them and bias for `q · kᵀ`, and
/// `Gather → Cast → Mul(Gather(scale))` for embedding tables. What `parameters` do not name stays in FP32.
pub fn emit_int8(bert: &Bert, parameters: &Parameters) -> pb::ModelProto {
    build_graph(bert, &mut Int8 { parameters, quantized: HashSet::new() })
}

struct Int8<'a> {
    parameters: &'a Parameters,
    /// Activations that have their QuantizeLinear node already.
    quantized: HashSet<String>,
}

impl Int8<'_> {
    /// The u8 form of the activation `x`, shared by all that read it.
    fn quantize(&mut self, g: &mut GraphBuilder, x: &str) -> String {
        let name = format!("{x}.quantized");
        if self.quantized.insert(x.to_owned()) {
            let activation = &self.parameters.activations[x];
            let scale = g.f32_scalar(&format!("{x}.scale"), activation.params.scale);
            let zero_point = g.u8_scalar(&format!("{x}.zero_point"), activation.params.zero_point);
            let mapped = map_features(g, activation, x);
            g.node("QuantizeLinear", &name, &[&mapped, &scale, &zero_point], &[]);
        }
        name
    }
}

/// `x · factors + offsets`, feature by feature; `x` itself where it is neither smoothed nor shifted.
pub(super) fn map_features(g: &mut GraphBuilder, activation: &ActivationParameters, x: &str) -> String {
    let mut mapped = x.to_owned();
    if let Some(factors) = &activation.factors {
        let factors = g.f32s(&format!("{x}.smoothing"), &[factors.len()], factors);
        mapped = g.node("Mul", &format!("{x}.smoothed"), &[&mapped, &factors], &[]);
    }
    if let Some(offsets) = &activation.offsets {
        let offsets = g.f32s(&format!("{x}.shift"), &[offsets.len()], offsets);
        mapped = g.node("Add", &format!("{x}.shifted"), &[&mapped, &offsets], &[]);
    }
    mapped
}

/// Rows of the INT8 `table` called `tensor`, `[rows, hidden]`, picked by the value `ids`, in FP32.
pub(super) fn rows(g: &mut GraphBuilder, table: &QuantizedRows, hidden: usize, tensor: &str, ids: &str) -> String {
    let name = tensor.trim_end_matches(".weight");
    let rows = table.scales.len();
    let values = g.i8s(&format!("{tensor}_quantized"), &[rows, hidden], &table.values);
    let scales = g.f32s(&format!("{tensor}_scale"), &[rows, 1], &table.scales);
    let axis = [("axis", Attribute::Int(0))];
    let picked = g.node("Gather", &format!("{name}.quantized"), &[&values, ids], &axis);
    let scale = g.node("Gather", &format!("{name}.scale"), &[&scales, ids], &axis);
    let picked = to_float(g, &format!("{name}.float"), &picked);
    g.node("Mul", name, &[&picked, &scale], &[])
}

/// The INT8 weights of `layer` as an initializer `[in, out]`.
pub(super) fn weights(g: &mut GraphBuilder, linear: &LinearParameters, layer: &str) -> String {
    let out = linear.bias.len();
    let transposed = transpose(&linear.weights.values, out);
    g.i8s(&format!("{layer}.weight_quantized"), &[transposed.len() / out, out], &transposed)
}

fn to_float(g: &mut GraphBuilder, name: &str, x: &str) -> String {
    g.node("Cast", name, &[x], &[("to", Attribute::Int(DataType::Float as i64))])
}

impl Lowering for Int8<'_> {
    fn embedding(&mut self, g: &mut GraphBuilder, bert: &Bert, tensor: &str, ids: &str) -> String {
        match self.parameters.tables.get(tensor) {
            Some(table) => rows(g, table, bert.config().hidden, tensor, ids),
            None => Float.embedding(g, bert, tensor, ids),
        }
    }

    fn linear(&mut self, g: &mut GraphBuilder, bert: &Bert, layer: &str, x: &str) -> String {
        let Some(linear) = self.parameters.linears.get(layer) else { return Float.linear(g, bert, layer, x) };
        let x_scale = self.parameters.activations[x].params.scale;
        let out = linear.bias.len();
        let (scales, bias) = linear.scaled(self.parameters.output_factors(layer));
        let scales: Vec<f32> = scales.iter().map(|w| w * x_scale).collect();

        let quantized = self.quantize(g, x);
        let weight = weights(g, linear, layer);
        let scale = g.f32s(&format!("{layer}.scale"), &[out], &scales);
        let bias = g.f32s(&format!("{layer}.bias"), &[out], &bias);
        let zero_point = format!("{x}.zero_point");
        let product = g.node("MatMulInteger", &format!("{layer}.matmul"), &[&quantized, &weight, &zero_point], &[]);
        let float = to_float(g, &format!("{layer}.float"), &product);
        let scaled = g.node("Mul", &format!("{layer}.scaled"), &[&float, &scale], &[]);
        g.node("Add", layer, &[&scaled, &bias], &[])
    }

    fn scores(&mut self, g: &mut GraphBuilder, bert: &Bert, prefix: &str, query: &str, key: &str) -> String {
        if !self.parameters.scores.contains(prefix) {
            return Float.scores(g, bert, prefix, query, key);
        }
        let layer = prefix.trim_end_matches(".scores");
        let [q, k] = ["query", "key"].map(|side| self.parameters.activations[&format!("{layer}.{side}")].params);
        let q_scale = g.f32_scalar(&format!("{layer}.query.scale_symmetric"), q.scale);
        let q_zero = g.u8_scalar("query.zero_point", q.zero_point);
        let k_scale = g.f32_scalar(&format!("{layer}.key.scale_symmetric"), k.scale);
        let k_zero = g.i8_scalar("key.zero_point", 0);
        let scale = q.scale * k.scale / (bert.config().head_size() as f32).sqrt();
        let scale = g.f32_scalar(&format!("{prefix}.scale"), scale);

        let query = g.node("QuantizeLinear", &format!("{layer}.query.quantized"), &[query, &q_scale, &q_zero], &[]);
        let key = g.node("QuantizeLinear", &format!("{layer}.key.quantized"), &[key, &k_scale, &k_zero], &[]);
        let perm = [("perm", Attribute::Ints(vec![0, 1, 3, 2]))];
        let key = g.node("Transpose", &format!("{layer}.key.transposed"), &[&key], &perm);
        let product = g.node("MatMulInteger", &format!("{prefix}.matmul"), &[&query, &key, &q_zero], &[]);
        let float = to_float(g, &format!("{prefix}.float"), &product);
        g.node("Mul", prefix, &[&float, &scale], &[])
    }

    fn classifier_bias<'a>(&'a self, _bert: &'a Bert) -> &'a [f32] {
        &self.parameters.classifier_bias
    }
}
