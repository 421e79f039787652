//! Replaces the encoder of a graph, in INT8 or FP32, by fused operators over unpadded sequences.

use super::dense;
use super::emit::nodes;
use super::fused_op::{FUSED_INPUTS, PREFIX};
use super::recognise::{Encoder, Layer, encoder, head};
use crate::kernels::Kernel;
use crate::onnx::{GraphIndex, pb};
use pb::attribute_proto::AttributeType;
use pb::tensor_proto::DataType;
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// The reason not to fuse a graph with DequantizeLinear but without integer products.
const QDQ: &str = "its products are FP32 between QuantizeLinear and DequantizeLinear (QDQ), a format for other engines; \
                   bert8 fuses only the integer format";

/// The result of [`fuse`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fused {
    /// The number of encoder layers that run fused.
    pub layers: usize,
    /// How many of them have all linear layers and scores in integers.
    pub integer_layers: usize,
    /// The number of fused operators.
    pub operators: usize,
    /// The number of linear layers and scores in the fused encoder that are in FP32.
    pub float_products: usize,
    /// The number of integer products that run as they are written.
    pub left: usize,
    /// Why the graph was not fused.
    pub reason: Option<String>,
}

impl Fused {
    /// Whether the encoder runs fused.
    pub fn complete(&self) -> bool {
        self.layers > 0
    }
}

/// Replaces the encoder of `model` by fused operators for `kernel`, if it recognises the encoder. The graph's inputs are
/// then [`FUSED_INPUTS`]. Leaves any other graph unchanged.
pub fn fuse(model: &mut pb::ModelProto, kernel: Kernel) -> Fused {
    let Some(graph) = model.graph.as_mut() else { return Fused::default() };
    let left = graph.node.iter().filter(|node| node.op_type == "MatMulInteger").count();
    if left == 0 && graph.node.iter().any(|node| node.op_type == "DequantizeLinear") {
        return Fused { reason: Some(QDQ.to_owned()), ..Fused::default() };
    }
    let found = {
        let index = GraphIndex::new(graph);
        let found = match index.is_in_order() {
            true => encoder(&index),
            false => Err("a node stands before a node that it reads".to_owned()),
        };
        found.and_then(|found| {
            let products: Vec<usize> = found.layers.iter().map(Layer::float_products).collect();
            Ok((rest(&index, &found, kernel)?, nodes(&found, kernel), products))
        })
    };
    match found {
        Ok((rest, mut nodes, products)) => {
            nodes.extend(rest);
            let fused = Fused {
                layers: products.len(),
                integer_layers: products.iter().filter(|count| **count == 0).count(),
                operators: nodes.iter().filter(|node| node.op_type.starts_with(PREFIX)).count(),
                float_products: products.iter().sum(),
                ..Fused::default()
            };
            take_weights(graph, &mut nodes);
            graph.node = nodes;
            let read: HashSet<&str> = graph.node.iter().flat_map(|n| n.input.iter().map(String::as_str)).collect();
            graph.initializer.retain(|tensor| read.contains(tensor.name.as_str()));
            graph.input = FUSED_INPUTS.map(tokens_input).into();
            fused
        }
        Err(reason) => Fused { left, reason: Some(reason), ..Fused::default() },
    }
}

/// The nodes after the encoder, with fused linear layers, or the reason why they cannot run without the rest of the graph.
fn rest(index: &GraphIndex, encoder: &Encoder, kernel: Kernel) -> Result<Vec<pb::NodeProto>, String> {
    let (graph, mut layers) = (index.graph(), head(index, encoder.pooled));
    let mut wanted: HashSet<&str> = graph.output.iter().map(|o| o.name.as_str()).collect();
    let mut nodes = Vec::new();
    // In topological order: one pass backwards sees all readers of a value before its maker.
    for node in graph.node.iter().rev() {
        let makes = |value: &&str| node.output.iter().any(|output| output == value);
        if makes(&encoder.pooled) || !wanted.iter().any(makes) {
            continue;
        }
        if let Some((value, part)) = node.output.first().and_then(|value| layers.remove_entry(value.as_str())) {
            wanted.insert(part.linear.x);
            nodes.push(dense::node(kernel, value, &part));
        } else {
            wanted.extend(node.input.iter().map(String::as_str));
            nodes.push(node.clone());
        }
    }
    if let Some(node) = nodes.iter().find(|node| node.op_type == "MatMulInteger") {
        return Err(format!("the integer product `{}` comes after the encoder", node.name));
    }
    if let Some(input) = graph.input.iter().find(|input| wanted.contains(input.name.as_str())) {
        return Err(format!("the graph also reads `{}` after the encoder", input.name));
    }
    nodes.reverse();
    Ok(nodes)
}

/// Moves the initializers that attributes of `nodes` name into these attributes.
pub(super) fn take_weights(graph: &mut pb::GraphProto, nodes: &mut [pb::NodeProto]) {
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

/// The declaration of the input `name`.
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
