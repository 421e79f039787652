//! The ranks (numbers of dimensions) of a graph's values.

use crate::onnx::{GraphIndex, attribute, pb, tensor_i64};
use std::collections::HashMap;

/// The known ranks by value.
#[derive(Debug)]
pub(super) struct Ranks<'a>(HashMap<&'a str, usize>);

impl<'a> Ranks<'a> {
    /// Infers the ranks in the graph of `index`, whose nodes must be in order.
    pub fn new(index: &GraphIndex<'a>) -> Self {
        let graph = index.graph();
        let declared = graph.input.iter().filter_map(|input| Some((input.name.as_str(), declared(input)?)));
        let mut ranks = Ranks(declared.collect());
        for node in &graph.node {
            if let ([output], Some(rank)) = (node.output.as_slice(), ranks.of_node(index, node)) {
                ranks.0.insert(output, rank);
            }
        }
        ranks
    }

    /// The rank of `value`, if known.
    pub fn of(&self, index: &GraphIndex, value: &str) -> Option<usize> {
        self.0.get(value).copied().or_else(|| Some(index.constant(value)?.dims.len()))
    }

    /// The rank of the output of `node`.
    fn of_node(&self, index: &GraphIndex, node: &pb::NodeProto) -> Option<usize> {
        let input = |at: usize| self.of(index, node.input.get(at)?);
        match node.op_type.as_str() {
            "Identity" | "Cast" | "Erf" | "Tanh" | "Relu" | "Softmax" | "LayerNormalization" => input(0),
            "QuantizeLinear" | "DequantizeLinear" | "Slice" => input(0),
            "Range" | "Shape" => Some(1),
            "Add" | "Sub" | "Mul" | "Div" => Some(input(0)?.max(input(1)?)),
            "MatMul" | "MatMulInteger" => Some(input(0)?.max(input(1)?)).filter(|&rank| rank >= 2),
            "Transpose" => Some(attribute(node, "perm")?.ints.len()),
            "Reshape" => Some(tensor_i64(index.constant(node.input.get(1)?)?, "").ok()?.1.len()),
            "Gather" => (input(0)? + input(1)?).checked_sub(1),
            "Unsqueeze" => {
                let given = attribute(node, "axes").map(|axes| axes.ints.len());
                let axes = given.or_else(|| Some(tensor_i64(index.constant(node.input.get(1)?)?, "").ok()?.1.len()))?;
                Some(input(0)? + axes)
            }
            _ => None,
        }
    }
}

/// The declared rank of an input.
fn declared(input: &pb::ValueInfoProto) -> Option<usize> {
    let Some(pb::type_proto::Value::TensorType(tensor)) = &input.r#type.as_ref()?.value else { return None };
    Some(tensor.shape.as_ref()?.dim.len())
}
