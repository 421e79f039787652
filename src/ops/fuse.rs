//! Replaces the encoder of an INT8 graph, where it is recognised, by fused operators over unpadded sequences.

use super::recognise::{Encoder, LinearPart, NormPart, Quantized, TablePart, encoder};
use super::{activated, attention, embedding, residual};
use crate::activation::Activation;
use crate::kernels::Kernel;
use crate::onnx::{GraphIndex, pb};
use pb::attribute_proto::AttributeType;
use pb::tensor_proto::DataType;
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// The inputs of a fused graph: the token ids of sequences laid end to end, their token types, and where each sequence
/// starts. All are INT64 and have one dimension.
pub const FUSED_INPUTS: [&str; 3] = ["input_ids", "token_type_ids", "sequence_starts"];

/// Why a graph without integer products, but with DequantizeLinear, stays as it is.
const QDQ: &str = "its products are FP32 between QuantizeLinear and DequantizeLinear (QDQ), which is for other engines; bert8 \
                   fuses what it writes with --format integer";

/// What became of the integer products of a graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fused {
    /// Encoder layers that run fused.
    pub layers: usize,
    /// Fused operators.
    pub operators: usize,
    /// Integer products that stay as they are.
    pub left: usize,
    /// Why the graph stays as it is, where it is quantized.
    pub reason: Option<String>,
}

impl Fused {
    /// Whether the encoder runs fused.
    pub fn complete(&self) -> bool {
        self.layers > 0
    }
}

/// Replaces the encoder in the graph of an INT8 `model` by operators for `kernel`, if it is recognised; the graph's inputs
/// are then [`FUSED_INPUTS`]. Any other graph stays as it is.
pub fn fuse(model: &mut pb::ModelProto, kernel: Kernel) -> Fused {
    let Some(graph) = model.graph.as_mut() else { return Fused::default() };
    let left = graph.node.iter().filter(|node| node.op_type == "MatMulInteger").count();
    if left == 0 {
        let quantized = graph.node.iter().any(|node| node.op_type == "DequantizeLinear");
        return Fused { reason: quantized.then(|| QDQ.to_owned()), ..Fused::default() };
    }
    let found = {
        let index = GraphIndex::new(graph);
        encoder(&index).and_then(|found| Ok((rest(graph, &found)?, operators(&found, kernel), found.layers.len())))
    };
    match found {
        Ok((rest, mut nodes, layers)) => {
            let operators = nodes.iter().filter(|node| node.op_type != "Gather").count();
            take_weights(graph, &mut nodes);
            nodes.extend(rest);
            graph.node = nodes;
            let read: HashSet<&str> = graph.node.iter().flat_map(|n| n.input.iter().map(String::as_str)).collect();
            graph.initializer.retain(|tensor| read.contains(tensor.name.as_str()));
            graph.input = FUSED_INPUTS.map(tokens_input).into();
            Fused { layers, operators, left: 0, reason: None }
        }
        Err(reason) => Fused { left, reason: Some(reason), ..Fused::default() },
    }
}

/// The nodes behind the encoder, or why they cannot run without the rest of the graph.
fn rest(graph: &pb::GraphProto, encoder: &Encoder) -> Result<Vec<pb::NodeProto>, String> {
    let mut wanted: HashSet<&str> = graph.output.iter().map(|o| o.name.as_str()).collect();
    let mut nodes = Vec::new();
    // Nodes stand in topological order, so one pass backwards sees every reader before its maker.
    for node in graph.node.iter().rev() {
        let makes = |value: &&str| node.output.iter().any(|output| output == value);
        if !makes(&encoder.first) && wanted.iter().any(makes) {
            wanted.extend(node.input.iter().map(String::as_str));
            nodes.push(node.clone());
        }
    }
    if let Some(node) = nodes.iter().find(|node| node.op_type == "MatMulInteger") {
        return Err(format!("the integer product `{}` stands behind the encoder", node.name));
    }
    if let Some(input) = graph.input.iter().find(|input| wanted.contains(input.name.as_str())) {
        return Err(format!("the graph reads `{}` behind the encoder too", input.name));
    }
    nodes.reverse();
    Ok(nodes)
}

/// The fused nodes. They name the initializers of their tensors until [`take_weights`].
fn operators(encoder: &Encoder, kernel: Kernel) -> Vec<pb::NodeProto> {
    let mut nodes = Vec::new();
    let node = |op: &str, name: &str, inputs: &[&str], outputs: &[&str], mut attributes: Vec<pb::AttributeProto>| {
        attributes.push(string("kernel", kernel.path().name()));
        pb::NodeProto {
            op_type: op.to_owned(),
            name: name.to_owned(),
            input: inputs.iter().map(|&i| i.to_owned()).collect(),
            output: outputs.iter().map(|&o| o.to_owned()).collect(),
            attribute: attributes,
            ..Default::default()
        }
    };
    let [ids, types, starts] = FUSED_INPUTS;
    let (mut x, mut x8) = ("fused.embeddings".to_owned(), "fused.embeddings.quantized".to_owned());
    let part = &encoder.embedding;
    let mut attributes =
        [table("words", &part.words), table("types", &part.types), table("positions", &part.positions)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
    attributes.extend(norm(&part.norm));
    attributes.extend(output(&encoder.layers[0].attention.query.input));
    nodes.push(node(embedding::OP, &x, &[ids, types, starts], &[&x, &x8], attributes));
    for (at, layer) in encoder.layers.iter().enumerate() {
        let name = |part: &str| format!("fused.layer.{at}.{part}");
        let last = at + 1 == encoder.layers.len();
        let part = &layer.attention;
        let mut attributes: Vec<_> =
            [linear("query", &part.query), linear("key", &part.key), linear("value", &part.value)]
                .into_iter()
                .flatten()
                .collect();
        attributes.extend([
            int("heads", part.heads as i64),
            float("query_output_scale", part.query_scale),
            float("key_output_scale", part.key_scale),
            float("score_scale", part.score_scale),
            int("first_only", i64::from(last)),
        ]);
        attributes.extend(output(&layer.projection.input));
        let context = name("attention");
        nodes.push(node(attention::OP, &context, &[&x8, starts], &[&context], attributes));
        if last {
            let first = name("first_tokens");
            nodes.push(pb::NodeProto {
                op_type: "Gather".to_owned(),
                name: first.clone(),
                input: vec![x, starts.to_owned()],
                output: vec![first.clone()],
                attribute: vec![int("axis", 0)],
                ..Default::default()
            });
            x = first;
        }

        let (middle, middle8) = (name("projection"), name("projection.quantized"));
        let mut attributes = linear("linear", &layer.projection);
        attributes.push(int("heads", part.heads as i64));
        attributes.extend(norm(&layer.attention_norm));
        attributes.extend(output(&layer.up.input));
        nodes.push(node(residual::OP, &middle, &[&context, &x], &[&middle, &middle8], attributes));

        let wide = name("feed_forward");
        let mut attributes = linear("linear", &layer.up);
        attributes.push(string("activation", activation_name(layer.activation)));
        attributes.extend(output(&layer.down.input));
        nodes.push(node(activated::OP, &wide, &[&middle8], &[&wide], attributes));

        let mut attributes = linear("linear", &layer.down);
        attributes.extend(norm(&layer.output_norm));
        match encoder.layers.get(at + 1) {
            Some(next) => {
                attributes.extend(output(&next.attention.query.input));
                (x, x8) = (name("output"), name("output.quantized"));
                nodes.push(node(residual::OP, &x, &[&wide, &middle], &[&x, &x8], attributes));
            }
            None => nodes.push(node(residual::OP, encoder.first, &[&wide, &middle], &[encoder.first], attributes)),
        }
    }
    nodes
}

/// The activation's name in the graph.
fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_tanh",
        Activation::Relu => "relu",
    }
}

fn linear(prefix: &str, part: &LinearPart) -> Vec<pb::AttributeProto> {
    vec![
        tensor(&format!("{prefix}_weights"), part.weights),
        floats(&format!("{prefix}_scale"), &part.scale),
        floats(&format!("{prefix}_bias"), &part.bias),
        int(&format!("{prefix}_zero_point"), part.input.zero_point),
    ]
}

fn norm(part: &NormPart) -> Vec<pb::AttributeProto> {
    vec![floats("gamma", &part.gamma), floats("beta", &part.beta), float("epsilon", part.epsilon)]
}

fn table(name: &str, part: &TablePart) -> Vec<pb::AttributeProto> {
    let scales = part.scales.map(|scales| tensor(&format!("{name}_scales"), scales));
    [Some(tensor(name, part.values)), scales].into_iter().flatten().collect()
}

fn output(to: &Quantized) -> Vec<pb::AttributeProto> {
    let mut attributes = vec![float("output_scale", to.scale), int("output_zero_point", to.zero_point)];
    if !to.factors.is_empty() {
        attributes.push(floats("output_factors", &to.factors));
    }
    attributes
}

/// Moves the tensors that the attributes of `nodes` name from the initializers into the attributes.
fn take_weights(graph: &mut pb::GraphProto, nodes: &mut [pb::NodeProto]) {
    let mut tensors: HashMap<String, pb::TensorProto> =
        std::mem::take(&mut graph.initializer).into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    let mut uses: HashMap<String, usize> = HashMap::new();
    let wanted = |attribute: &pb::AttributeProto| {
        let named = attribute.r#type == AttributeType::Tensor as i32 && attribute.t.is_none();
        named.then(|| String::from_utf8_lossy(&attribute.s).into_owned())
    };
    for name in nodes.iter().flat_map(|node| &node.attribute).filter_map(wanted) {
        *uses.entry(name).or_default() += 1;
    }
    for attribute in nodes.iter_mut().flat_map(|node| &mut node.attribute) {
        let Some(name) = wanted(attribute) else { continue };
        let left = uses.entry(name.clone()).or_default();
        *left = left.saturating_sub(1);
        attribute.t = if *left == 0 { tensors.remove(&name) } else { tensors.get(&name).cloned() };
        attribute.s = Vec::new();
    }
    graph.initializer = tensors.into_values().collect();
}

fn tokens_input(name: &str) -> pb::ValueInfoProto {
    use pb::type_proto::{Tensor, Value};
    let dimension = |name: &str| pb::tensor_shape_proto::Dimension {
        value: Some(pb::tensor_shape_proto::dimension::Value::DimParam(name.to_owned())),
        ..Default::default()
    };
    let length = if name == FUSED_INPUTS[2] { "sequences" } else { "tokens" };
    let shape = pb::TensorShapeProto { dim: vec![dimension(length)] };
    let tensor = Tensor { elem_type: DataType::Int64 as i32, shape: Some(shape) };
    let kind = pb::TypeProto { value: Some(Value::TensorType(tensor)), ..Default::default() };
    pb::ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..Default::default() }
}

fn attribute(name: &str, kind: AttributeType) -> pb::AttributeProto {
    pb::AttributeProto { name: name.to_owned(), r#type: kind as i32, ..Default::default() }
}

fn int(name: &str, i: i64) -> pb::AttributeProto {
    pb::AttributeProto { i, ..attribute(name, AttributeType::Int) }
}

fn float(name: &str, f: f32) -> pb::AttributeProto {
    pb::AttributeProto { f, ..attribute(name, AttributeType::Float) }
}

fn floats(name: &str, values: &[f32]) -> pb::AttributeProto {
    pb::AttributeProto { floats: values.to_vec(), ..attribute(name, AttributeType::Floats) }
}

fn string(name: &str, s: &str) -> pb::AttributeProto {
    pb::AttributeProto { s: s.as_bytes().to_vec(), ..attribute(name, AttributeType::String) }
}

/// A tensor attribute that names its initializer until [`take_weights`].
fn tensor(name: &str, tensor: &pb::TensorProto) -> pb::AttributeProto {
    pb::AttributeProto { s: tensor.name.as_bytes().to_vec(), ..attribute(name, AttributeType::Tensor) }
}
