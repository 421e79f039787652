//! Writes the INT8 ONNX graph. Both formats hold the same integers and scales.

mod integer;
mod qdq;

use super::options::Format;
use super::quant_params::QuantizedRows;
use super::quantized_parameters::{QuantizedActivation, QuantizedLinear, QuantizedParameters};
use crate::bert::{Bert, build_graph, transpose};
use crate::onnx::pb::tensor_proto::DataType;
use crate::onnx::{Attribute, GraphBuilder, pb};

/// Writes `bert` as an INT8 ONNX model: dynamic batch and sequence, standard operators only.
///
/// Everything that `parameters` does not name stays in FP32, exactly as [`emit_fp32`](crate::bert::emit_fp32) writes it.
/// Both formats write embedding tables as `Gather → Cast → Mul(Gather(scale))`. They differ in linear layers and `q · kᵀ`:
///
/// - [`Format::Integer`]: `QuantizeLinear → MatMulInteger → Cast → Mul(scale) → Add(bias)` for a linear layer. A smoothed or
///   shifted input first passes through `Mul(factors) → Add(offsets)`. `q · kᵀ` has no bias.
/// - [`Format::Qdq`]: `MatMul(DequantizeLinear(QuantizeLinear(x)), DequantizeLinear(weights)) → Add(bias)` for a linear
///   layer, after the same `Mul` and `Add`. `q · kᵀ` multiplies two such pairs.
///
/// # Panics
/// If a layer in `parameters.linears` reads an activation, or attention scores in `parameters.scores` read a query or key,
/// that `parameters.activations` lacks.
pub fn emit_int8(bert: &Bert, parameters: &QuantizedParameters, format: Format) -> pb::ModelProto {
    match format {
        Format::Integer => build_graph(bert, &mut integer::IntegerLowering::new(parameters)),
        Format::Qdq => build_graph(bert, &mut qdq::QdqLowering::new(parameters)),
    }
}

/// `x · factors + offsets`, per channel. Returns `x` itself if it is neither smoothed nor shifted.
fn transform_channels(g: &mut GraphBuilder, activation: &QuantizedActivation, x: &str) -> String {
    let mut transformed = x.to_owned();
    if let Some(factors) = &activation.factors {
        let factors = g.f32s(&format!("{x}.smoothing"), &[factors.len()], factors);
        transformed = g.node("Mul", &format!("{x}.smoothed"), &[&transformed, &factors], &[]);
    }
    if let Some(offsets) = &activation.offsets {
        let offsets = g.f32s(&format!("{x}.shift"), &[offsets.len()], offsets);
        transformed = g.node("Add", &format!("{x}.shifted"), &[&transformed, &offsets], &[]);
    }
    transformed
}

/// Looks up the rows `ids` of the INT8 `table` `[rows, features]` and dequantizes them to FP32. `tensor` names the table.
fn embedding_lookup(g: &mut GraphBuilder, table: &QuantizedRows, features: usize, tensor: &str, ids: &str) -> String {
    let name = tensor.trim_end_matches(".weight");
    let rows = table.scales.len();
    let values = g.i8s(&format!("{tensor}_quantized"), &[rows, features], &table.values);
    let scales = g.f32s(&format!("{tensor}_scale"), &[rows, 1], &table.scales);
    let axis = [("axis", Attribute::Int(0))];
    let picked = g.node("Gather", &format!("{name}.quantized"), &[&values, ids], &axis);
    let scale = g.node("Gather", &format!("{name}.scale"), &[&scales, ids], &axis);
    let picked = cast_to_f32(g, &format!("{name}.float"), &picked);
    g.node("Mul", name, &[&picked, &scale], &[])
}

/// Adds the INT8 weights of `layer` as an initializer `[in, out]`.
fn weight_initializer(g: &mut GraphBuilder, linear: &QuantizedLinear, layer: &str) -> String {
    let out = linear.bias.len();
    let transposed = transpose(&linear.weights.values, out);
    g.i8s(&format!("{layer}.weight_quantized"), &[transposed.len() / out, out], &transposed)
}

fn cast_to_f32(g: &mut GraphBuilder, name: &str, x: &str) -> String {
    g.node("Cast", name, &[x], &[("to", Attribute::Int(DataType::Float as i64))])
}
