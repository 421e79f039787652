//! The attributes of fused nodes, which [`Attributes`](super::attributes::Attributes) reads. Tensors are named by their
//! initializers until [`fuse`](super::fuse()) puts them in.

use super::recognise::{IntegerLinear, NormPart, Quantized, TablePart};
use crate::activation::Activation;
use crate::onnx::pb;
use pb::attribute_proto::AttributeType;

/// An activation function.
pub(super) fn activation(activation: Activation) -> pb::AttributeProto {
    string("activation", activation_name(activation))
}

/// The activation's name in the graph.
fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_tanh",
        Activation::Relu => "relu",
    }
}

/// A linear layer in integers.
pub(super) fn linear(prefix: &str, part: &IntegerLinear) -> Vec<pb::AttributeProto> {
    vec![
        tensor(&format!("{prefix}_weights"), part.weights),
        floats(&format!("{prefix}_scale"), &part.scale),
        floats(&format!("{prefix}_bias"), &part.bias),
        int(&format!("{prefix}_zero_point"), part.input.zero_point),
    ]
}

/// A LayerNorm.
pub(super) fn norm(part: &NormPart) -> Vec<pb::AttributeProto> {
    vec![floats("gamma", &part.gamma), floats("beta", &part.beta), float("epsilon", part.epsilon)]
}

/// An embedding table.
pub(super) fn table(name: &str, part: &TablePart) -> Vec<pb::AttributeProto> {
    let scales = part.scales.map(|scales| tensor(&format!("{name}_scales"), scales));
    [Some(tensor(name, part.values)), scales].into_iter().flatten().collect()
}

/// How what comes out is quantized.
pub(super) fn output(to: &Quantized) -> Vec<pb::AttributeProto> {
    let mut attributes = vec![float("output_scale", to.scale), int("output_zero_point", to.zero_point)];
    if !to.factors.is_empty() {
        attributes.push(floats("output_factors", &to.factors));
    }
    if !to.offsets.is_empty() {
        attributes.push(floats("output_offsets", &to.offsets));
    }
    attributes
}

fn attribute(name: &str, kind: AttributeType) -> pb::AttributeProto {
    pb::AttributeProto { name: name.to_owned(), r#type: kind as i32, ..Default::default() }
}

pub(super) fn int(name: &str, i: i64) -> pb::AttributeProto {
    pb::AttributeProto { i, ..attribute(name, AttributeType::Int) }
}

pub(super) fn float(name: &str, f: f32) -> pb::AttributeProto {
    pb::AttributeProto { f, ..attribute(name, AttributeType::Float) }
}

pub(super) fn floats(name: &str, values: &[f32]) -> pb::AttributeProto {
    pb::AttributeProto { floats: values.to_vec(), ..attribute(name, AttributeType::Floats) }
}

pub(super) fn string(name: &str, s: &str) -> pb::AttributeProto {
    pb::AttributeProto { s: s.as_bytes().to_vec(), ..attribute(name, AttributeType::String) }
}

/// A tensor attribute that names its initializer until [`fuse`](super::fuse()).
pub(super) fn tensor(name: &str, tensor: &pb::TensorProto) -> pb::AttributeProto {
    pb::AttributeProto { s: tensor.name.as_bytes().to_vec(), ..attribute(name, AttributeType::Tensor) }
}
