//! Refuses graphs before tract sees them: graphs on which it would crash or hang, and graphs that no file may hold.

use super::operators::needed_inputs;
use crate::error::{Error, Result};
use crate::onnx::{attribute, attribute_int, is_permutation, node_error, pb};
use crate::ops::FUSED_PREFIX;
use pb::tensor_proto::DataType;
use std::collections::HashSet;

/// Refuses graphs that lack a property on which tract relies without a check.
///
/// # Errors
/// If a node is not an operator of BERTs, lacks an input or an output, or is a LayerNormalization with an impossible axis or a Transpose
/// whose `perm` is no permutation; if a float tensor is empty; or if no node makes an output of the graph.
pub(crate) fn for_tract(model: &pb::ModelProto, file_name: &str) -> Result<()> {
    let Some(graph) = &model.graph else { return Ok(()) };
    // tract takes the address of a float tensor's first value.
    let empty = |tensor: &&pb::TensorProto| is_float(tensor) && tensor.dims.contains(&0);
    if let Some(tensor) = graph.initializer.iter().find(empty) {
        return Err(Error::tensor(file_name, &tensor.name, "holds no values"));
    }
    for node in &graph.node {
        known_operator(node, file_name)?;
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
    // tract looks for a graph's outputs among the graph's own values.
    let known: HashSet<&String> = values(graph).collect();
    match graph.output.iter().find(|output| !known.contains(&output.name)) {
        Some(output) => Err(Error::file(file_name, format!("has an output `{}` that no node makes", output.name))),
        None => Ok(()),
    }
}

/// Refuses a node of another domain, whose operator tract would take for the standard one of the same name, an operator that no BERT
/// has, and one without all inputs that it needs, on which tract panics.
fn known_operator(node: &pb::NodeProto, file_name: &str) -> Result<()> {
    if node.op_type.starts_with(FUSED_PREFIX) {
        return Ok(());
    }
    if !["", "ai.onnx"].contains(&node.domain.as_str()) {
        let problem = format!("belongs to the domain `{}`; only standard operators are run", node.domain);
        return Err(node_error(file_name, node, problem));
    }
    let Some(needed) = needed_inputs(&node.op_type) else {
        return Err(node_error(file_name, node, "is nothing a BERT sequence classifier is made of"));
    };
    let given = node.input.iter().take_while(|name| !name.is_empty()).count();
    if given < needed {
        return Err(node_error(
            file_name,
            node,
            format!("lacks input {given}; it needs {needed}; is the file damaged?"),
        ));
    }
    match node.output.is_empty() {
        true => Err(node_error(file_name, node, "has no output; is the file damaged?")),
        false => Ok(()),
    }
}

/// Refuses a file that holds one of bert8's fused operators. bert8 makes these itself when it loads a file, and trusts
/// their attributes.
///
/// # Errors
/// If there is such an operator.
pub(crate) fn no_fused_operators(model: &pb::ModelProto, file_name: &str) -> Result<()> {
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    match nodes.into_iter().find(|node| node.op_type.starts_with(FUSED_PREFIX)) {
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

#[cfg(test)]
mod tests {
    use super::super::operators::operators;
    use super::*;
    use crate::onnx::{Dim, GraphBuilder};

    #[test]
    fn operators_that_lack_an_input_or_output_are_named() {
        let ends = |op: &str, inputs: &[&str], outputs: usize| {
            let mut g = GraphBuilder::new("test");
            g.input("x", DataType::Float, &[Dim::Named("b"), Dim::Named("s")]);
            g.node(op, "node", inputs, &[]);
            let mut model = g.finish(&[]);
            model.graph.as_mut().unwrap().node[0].output.truncate(outputs);
            for_tract(&model, "m.onnx").err().map(|error| error.to_string())
        };
        for (op, needed) in operators() {
            let all = vec!["x"; needed];
            assert_eq!(ends(op, &all, 1), None, "{op}");
            let says = |what: &str| Some(format!("m.onnx: node `node` ({op}) {what}; is the file damaged?"));
            assert_eq!(ends(op, &all, 0), says("has no output"));
            let Some(last) = needed.checked_sub(1) else { continue };
            assert_eq!(ends(op, &all[..last], 1), says(&format!("lacks input {last}; it needs {needed}")));
            let mut unnamed = all.clone();
            unnamed[0] = "";
            assert_eq!(ends(op, &unnamed, 1), says(&format!("lacks input 0; it needs {needed}")));
        }
    }
}
