//! Refuses graphs before tract sees them: what would crash or hang it rather than make it fail, and what no file may hold.

use crate::error::{Error, Result};
use crate::onnx::{attribute, attribute_int, node_error, pb, transposes};
use crate::ops::FUSED_PREFIX;
use pb::tensor_proto::DataType;
use std::collections::HashSet;

/// Refuses what tract takes on trust.
///
/// # Errors
/// If a float tensor is empty, a LayerNormalization's axis is none, a Transpose drops an axis, or no node makes an output.
pub(crate) fn for_tract(model: &pb::ModelProto, file: &str) -> Result<()> {
    let graphs = graphs(model);
    // It takes the address of a float tensor's first value without asking whether there is one.
    let empty = |tensor: &&pb::TensorProto| is_float(tensor) && tensor.dims.contains(&0);
    if let Some(tensor) = graphs.iter().flat_map(|graph| &graph.initializer).find(empty) {
        return Err(Error::tensor(file, &tensor.name, "holds no values"));
    }
    for node in graphs.iter().flat_map(|graph| &graph.node) {
        // It counts from the axis to the rank without asking which is larger. No tensor of a BERT has more than four dimensions.
        let axis = attribute_int(node, "axis", -1);
        if node.op_type == "LayerNormalization" && !(-4..4).contains(&axis) {
            return Err(node_error(file, node, format!("normalises axis {axis}; expected the last, -1")));
        }
        // It follows a transposition from axis to axis until that closes a circle.
        if node.op_type == "Transpose" && !transposes(node) {
            let perm = attribute(node, "perm").map(|perm| perm.ints.as_slice()).unwrap_or_default();
            return Err(node_error(file, node, format!("has the perm {perm:?}, which is no permutation")));
        }
    }
    // It takes a graph's outputs from among the graph's own values, without asking whether they are there.
    for graph in graphs {
        let known: HashSet<&String> = values(graph).collect();
        if let Some(output) = graph.output.iter().find(|output| !known.contains(&output.name)) {
            return Err(Error::file(file, format!("has an output `{}` that no node makes", output.name)));
        }
    }
    Ok(())
}

/// Refuses operators that bert8 makes itself when it loads a file, and trusts.
///
/// # Errors
/// If the file holds one.
pub(crate) fn no_fused_operators(model: &pb::ModelProto, file: &str) -> Result<()> {
    match graphs(model).iter().flat_map(|graph| &graph.node).find(|node| node.op_type.starts_with(FUSED_PREFIX)) {
        Some(node) => {
            Err(node_error(file, node, "is none that a file may hold: bert8 makes it itself when it loads one"))
        }
        None => Ok(()),
    }
}

/// Refuses what is no number in the tensors that `model` holds itself, as quantization would take it for one.
///
/// # Errors
/// If a float tensor has a NaN or an infinity.
pub(crate) fn finite_tensors(model: &pb::ModelProto, file: &str) -> Result<()> {
    for tensor in model.graph.iter().flat_map(|graph| &graph.initializer).filter(|tensor| is_float(tensor)) {
        let mut values = tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        if let Some(at) = values.position(|value| !value.is_finite()) {
            return Err(Error::tensor(file, &tensor.name, format!("has no number at {at}; the file is damaged")));
        }
    }
    Ok(())
}

/// The model's graph, and those in its nodes: the branches of an If, the body of a Loop.
fn graphs(model: &pb::ModelProto) -> Vec<&pb::GraphProto> {
    let mut graphs: Vec<&pb::GraphProto> = model.graph.iter().collect();
    let mut at = 0;
    while let Some(graph) = graphs.get(at) {
        let attributes = graph.node.iter().flat_map(|node| &node.attribute);
        let inner: Vec<_> = attributes.flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs)).collect();
        graphs.extend(inner);
        at += 1;
    }
    graphs
}

/// The names of the values in `graph`.
fn values(graph: &pb::GraphProto) -> impl Iterator<Item = &String> {
    let inputs = graph.input.iter().map(|input| &input.name);
    let made = graph.node.iter().flat_map(|node| &node.output);
    inputs.chain(graph.initializer.iter().map(|tensor| &tensor.name)).chain(made)
}

fn is_float(tensor: &pb::TensorProto) -> bool {
    tensor.data_type == DataType::Float as i32
}
