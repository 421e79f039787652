//! Chooses the output that holds the logits, and removes a Softmax, Sigmoid or ArgMax at its end.

use super::graph::keeps_numbers;
use crate::error::{Error, Result};
use crate::onnx::{attribute, node_error, pb};
use crate::task::Problem;
use pb::tensor_proto::DataType;
use std::collections::HashMap;

/// The most operators between an output and the linear layer that makes its logits.
const DEPTH: usize = 16;
/// Operators that turn logits into probabilities or into the id of a label.
const ENDS: [&str; 4] = ["Softmax", "LogSoftmax", "Sigmoid", "ArgMax"];

/// Reduces the outputs of `graph` to the logits: the output called `wanted`, the only output, or the one called
/// `logits`. Returns what the removed operators tell about the meaning of the logits.
///
/// # Errors
/// If the output is missing or ambiguous, or ends in a way that hides the logits.
pub fn keep_logits(graph: &mut pb::GraphProto, wanted: Option<&str>, file_name: &str) -> Result<Option<Problem>> {
    let chosen = choose(graph, wanted, file_name)?;
    let peeled = peel(graph, &graph.output[chosen].name, file_name)?;
    graph.output.swap(0, chosen);
    graph.output.truncate(1);
    let Some((logits, problem)) = peeled else { return Ok(None) };
    let tensor = pb::type_proto::Tensor { elem_type: DataType::Float as i32, shape: None };
    let value = Some(pb::type_proto::Value::TensorType(tensor));
    graph.output[0].name = logits;
    graph.output[0].r#type = Some(pb::TypeProto { value, ..Default::default() });
    Ok(Some(problem))
}

/// The position of the output that holds the logits.
fn choose(graph: &pb::GraphProto, wanted: Option<&str>, file_name: &str) -> Result<usize> {
    let outputs = &graph.output;
    let listed = || outputs.iter().map(|o| format!("`{}`", o.name)).collect::<Vec<_>>().join(", ");
    if let Some(wanted) = wanted {
        return outputs.iter().position(|output| output.name == wanted).ok_or_else(|| {
            Error::output(file_name, format!("has no output `{wanted}`; its outputs are {}", listed()))
        });
    }
    if outputs.is_empty() {
        return Err(Error::file(file_name, "has no output; expected the logits of a sequence classifier"));
    }
    let chosen = match outputs.iter().position(|output| output.name == "logits") {
        _ if outputs.len() == 1 => return Ok(0),
        Some(chosen) => chosen,
        None => {
            let problem = format!("has the outputs {}, none of them called `logits`; name the one to import", listed());
            return Err(Error::output(file_name, problem));
        }
    };
    let producers = producers(graph);
    let head = classifier(&producers, &outputs[chosen].name);
    let other = outputs.iter().find(|output| {
        let other = classifier(&producers, &output.name);
        other.is_some() && other != head && rank(output).is_none_or(|rank| rank == 2)
    });
    match other {
        Some(other) => {
            let problem = format!(
                "has two classifiers, with the outputs `logits` and `{}`; name the output to import",
                other.name
            );
            Err(Error::output(file_name, problem))
        }
        None => Ok(chosen),
    }
}

/// The node that makes each value.
fn producers(graph: &pb::GraphProto) -> HashMap<&str, &pb::NodeProto> {
    graph.node.iter().flat_map(|node| node.output.iter().map(move |output| (output.as_str(), node))).collect()
}

/// The number of dimensions that the file declares for an output.
fn rank(output: &pb::ValueInfoProto) -> Option<usize> {
    let pb::type_proto::Value::TensorType(tensor) = output.r#type.as_ref()?.value.as_ref()?;
    Some(tensor.shape.as_ref()?.dim.len())
}

/// The first output of the linear layer's product that makes `value`, if a linear layer makes it.
fn classifier<'a>(producers: &HashMap<&'a str, &'a pb::NodeProto>, value: &'a str) -> Option<&'a str> {
    let mut at = value;
    for _ in 0..DEPTH {
        let node = producers.get(at)?;
        let is_product = |value: &&String| producers.get(value.as_str()).is_some_and(|n| n.op_type == "MatMul");
        at = match node.op_type.as_str() {
            "Gemm" | "MatMul" => return node.output.first().map(String::as_str),
            "Add" => node.input.iter().find(is_product)?,
            op if ENDS.contains(&op) || keeps_numbers(node) => node.input.first()?,
            _ => return None,
        };
    }
    None
}

/// The value behind the operators at the end of `output` that turn logits into something else, and what they tell about
/// the logits. `None` if there are none.
fn peel(graph: &pb::GraphProto, output: &str, file_name: &str) -> Result<Option<(String, Problem)>> {
    let producers = producers(graph);
    let mut found: Option<(&str, &str, Problem)> = None;
    let mut at = output;
    for _ in 0..DEPTH {
        let Some(node) = producers.get(at) else { break };
        let Some(input) = node.input.first() else { break };
        let op = node.op_type.as_str();
        if ENDS.contains(&op) {
            let axis = attribute(node, "axis").map_or(if op == "ArgMax" { 0 } else { -1 }, |axis| axis.i);
            if op != "Sigmoid" && ![-1, 1].contains(&axis) {
                let problem = format!("works along axis {axis}; the labels of a classifier are along axis 1");
                return Err(node_error(file_name, node, problem));
            }
            let problem = if op == "Sigmoid" { Problem::MultiLabel } else { Problem::SingleLabel };
            found = match found {
                None => Some((input, op, problem)),
                // The label with the largest probability is the one with the largest logit.
                Some((_, "ArgMax", known)) => Some((input, op, known)),
                Some((_, last, _)) => {
                    let problem = format!("is followed by {last}; expected one of them on the logits");
                    return Err(node_error(file_name, node, problem));
                }
            };
        } else if !keeps_numbers(node) {
            break;
        }
        at = input;
    }
    Ok(found.map(|(value, _, problem)| (value.to_owned(), problem)))
}
