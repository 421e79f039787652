//! Refuses graphs before tract sees them: graphs on which it would crash or hang, and graphs that no file may hold.

use super::widths;
use crate::error::{Error, Result};
use crate::onnx::pattern::integers;
use crate::onnx::{GraphIndex, attribute, attribute_int, is_permutation, node_error, pb};
use crate::ops::FUSED_PREFIX;
use pb::tensor_proto::DataType;
use std::collections::HashSet;

/// More dimensions than a tensor of a BERT has while axes are added.
const AXES: i64 = 8;

/// Refuses graphs that lack a property on which tract relies without a check.
///
/// # Errors
/// If a float tensor is empty, a LayerNormalization or Unsqueeze has an impossible axis, the `perm` of a Transpose is no
/// permutation, or no node makes an output.
pub(crate) fn for_tract(model: &pb::ModelProto, file_name: &str) -> Result<()> {
    let graphs = graphs(model);
    // tract takes the address of a float tensor's first value.
    let empty = |tensor: &&pb::TensorProto| is_float(tensor) && tensor.dims.contains(&0);
    if let Some(tensor) = graphs.iter().flat_map(|graph| &graph.initializer).find(empty) {
        return Err(Error::tensor(file_name, &tensor.name, "holds no values"));
    }
    for node in graphs.iter().flat_map(|graph| &graph.node) {
        // tract iterates from the axis to the rank. No tensor of a BERT has more than four dimensions.
        let axis = attribute_int(node, "axis", -1);
        if node.op_type == "LayerNormalization" && !(-4..4).contains(&axis) {
            return Err(node_error(file_name, node, format!("normalises axis {axis}; expected the last, -1")));
        }
        // tract follows the axes of a permutation until they close a cycle.
        if node.op_type == "Transpose" && !is_permutation(node) {
            let perm = attribute(node, "perm").map(|perm| perm.ints.as_slice()).unwrap_or_default();
            return Err(node_error(file_name, node, format!("has the perm {perm:?}, which is no permutation")));
        }
    }
    for graph in &graphs {
        unsqueezed_axes(graph, file_name)?;
    }
    // tract looks for a graph's outputs among the graph's own values.
    for graph in graphs {
        let known: HashSet<&String> = values(graph).collect();
        if let Some(output) = graph.output.iter().find(|output| !known.contains(&output.name)) {
            return Err(Error::file(file_name, format!("has an output `{}` that no node makes", output.name)));
        }
    }
    Ok(())
}

/// Refuses a Squeeze or Unsqueeze with a constant axis that no tensor of a BERT has. tract inserts an axis without a check.
fn unsqueezed_axes(graph: &pb::GraphProto, file_name: &str) -> Result<()> {
    let index = GraphIndex::new(graph);
    for node in graph.node.iter().filter(|node| ["Squeeze", "Unsqueeze"].contains(&node.op_type.as_str())) {
        let axes = match node.input.get(1) {
            Some(axes) => integers(&index, axes),
            None => attribute(node, "axes").map(|axes| axes.ints.clone()),
        };
        if let Some(axis) = axes.into_iter().flatten().find(|axis| !(-AXES..AXES).contains(axis)) {
            return Err(node_error(file_name, node, format!("has the axis {axis}; no tensor of a BERT has so many")));
        }
    }
    Ok(())
}

/// Refuses a model whose operators disagree on the number of features.
///
/// # Errors
/// If there are such operators.
pub(super) fn features(model: &pb::ModelProto, file_name: &str) -> Result<()> {
    graphs(model).into_iter().try_for_each(|graph| widths::check(graph, file_name))
}

/// Refuses a file that holds one of bert8's fused operators. bert8 makes these itself when it loads a file, and trusts
/// their attributes.
///
/// # Errors
/// If there is such an operator.
pub(crate) fn no_fused_operators(model: &pb::ModelProto, file_name: &str) -> Result<()> {
    match graphs(model).iter().flat_map(|graph| &graph.node).find(|node| node.op_type.starts_with(FUSED_PREFIX)) {
        Some(node) => Err(node_error(
            file_name,
            node,
            "must not be in a file: bert8 makes this operator itself when it loads one",
        )),
        None => Ok(()),
    }
}

/// Refuses a model with a NaN or an infinity in one of its small tensors.
///
/// # Errors
/// If there is such a value.
pub(crate) fn finite_tensors(model: &pb::ModelProto, file_name: &str) -> Result<()> {
    for tensor in model.graph.iter().flat_map(|graph| &graph.initializer).filter(|tensor| is_float(tensor)) {
        let mut values = tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        if let Some(at) = values.position(|value| !value.is_finite()) {
            return Err(Error::tensor(
                file_name,
                &tensor.name,
                format!("has a NaN or an infinity at index {at}; the file is damaged"),
            ));
        }
    }
    Ok(())
}

/// The model's graph, and the graphs in its nodes: branches of If, bodies of Loop.
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

/// The names of all values in `graph`.
fn values(graph: &pb::GraphProto) -> impl Iterator<Item = &String> {
    let inputs = graph.input.iter().map(|input| &input.name);
    let made = graph.node.iter().flat_map(|node| &node.output);
    inputs.chain(graph.initializer.iter().map(|tensor| &tensor.name)).chain(made)
}

/// Whether `tensor` is FP32.
fn is_float(tensor: &pb::TensorProto) -> bool {
    tensor.data_type == DataType::Float as i32
}
