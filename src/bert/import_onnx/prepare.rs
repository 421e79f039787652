//! Checks that a file holds an ordered graph of standard FP32 operators, and removes everything but the path to the
//! logits.

use super::outputs::keep_logits;
use super::plain::{ONNXRUNTIME, narrow_sums, unfuse_gelus};
use crate::engine::{graph_check, is_float_operator};
use crate::error::{Error, Result};
use crate::onnx::{node_error, node_label, pb};
use crate::task::Problem;
use std::collections::{HashMap, HashSet};

/// Operators that only quantized graphs have, besides those whose names start with `QLinear`.
const QUANTIZED: [&str; 14] = [
    "MatMulInteger",
    "QuantizeLinear",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "ConvInteger",
    "QGemm",
    "QAttention",
    "QEmbedLayerNormalization",
    "QOrderedMatMul",
    "MatMulNBits",
    "MatMulBnb4",
    "GatherBlockQuantized",
    "MatMulIntegerToFloat",
    "DynamicQuantizeMatMul",
];

/// Whether only quantized graphs have the operator of `node`.
pub fn is_quantized(node: &pb::NodeProto) -> bool {
    node.op_type.starts_with("QLinear") || QUANTIZED.contains(&node.op_type.as_str())
}

/// Reduces `model` to one output, the logits, and to the nodes, inputs and initializers behind it. Returns what the end of the
/// graph tells about their meaning. `output` names the output to keep, if the caller chose one. Afterwards every node comes
/// after the nodes that it reads, each value is made once, and each operator is one of those of FP32 graphs,
/// in the default domain.
///
/// # Errors
/// If the graph is quantized, has no such output, is not in order, or has other operators.
pub fn prepare(model: &mut pb::ModelProto, output: Option<&str>, file_name: &str) -> Result<Option<Problem>> {
    let has_functions = !model.functions.is_empty();
    let Some(graph) = &mut model.graph else {
        return Err(Error::file(file_name, "holds no graph"));
    };
    if let Some(node) = graph.node.iter().find(|node| is_quantized(node)) {
        refuse_own(&model.producer_name, node, file_name)?;
        let (node, op) = (node_label(node).to_owned(), node.op_type.clone());
        return Err(Error::Quantized { file: file_name.to_owned(), node, op });
    }
    let problem = keep_logits(graph, output, file_name)?;
    remove_dead(graph);
    unfuse_gelus(graph);
    narrow_sums(graph);
    check_order(graph, file_name)?;
    for node in &mut graph.node {
        if node.domain == "ai.onnx" {
            // Another name of the default domain.
            node.domain.clear();
        }
        if !node.domain.is_empty() {
            let advice = match node.domain.as_str() {
                ONNXRUNTIME => "onnxruntime's; export the model again without graph optimisation",
                _ if has_functions => "a function of this file; inline it with onnx.inliner.inline_local_functions",
                _ => "not plain ONNX; export the model again without custom operators",
            };
            let problem = format!("belongs to the domain `{}`: {advice}", node.domain);
            return Err(node_error(file_name, node, problem));
        }
        if !is_float_operator(&node.op_type) {
            let problem = match node.op_type.as_str() {
                "Attention" => "is a whole attention in one operator; export the model for opset 22 or less",
                "Cos" | "Sin" => "computes rotary positions, as ModernBERT does, which are not supported",
                _ => "is nothing a BERT sequence classifier is made of",
            };
            return Err(node_error(file_name, node, problem));
        }
    }
    // Declared shapes hold symbols of the exporter, which clash with the shapes at which the model is run.
    graph.value_info.clear();
    graph_check::for_tract(model, file_name)?;
    Ok(problem)
}

/// Refuses the model with the quantized `node` if bert8 wrote it. `producer` is the model's field `producer_name`.
///
/// # Errors
/// If it did.
pub fn refuse_own(producer: &str, node: &pb::NodeProto, file_name: &str) -> Result<()> {
    if producer != env!("CARGO_PKG_NAME") {
        return Ok(());
    }
    let problem = "shows that the file is already quantized, by bert8; use the FP32 model that it was made from";
    Err(node_error(file_name, node, problem))
}

/// Checks that every node comes after the nodes that it reads, and that each value is made once.
///
/// # Errors
/// If it is not so.
pub fn check_order(graph: &pb::GraphProto, file_name: &str) -> Result<()> {
    let mut known: HashSet<&str> = graph.input.iter().map(|i| i.name.as_str()).collect();
    known.extend(graph.initializer.iter().map(|t| t.name.as_str()));
    for node in &graph.node {
        if let Some(input) = node.input.iter().find(|i| !i.is_empty() && !known.contains(i.as_str())) {
            let problem = format!("reads `{input}`, which no earlier node makes; is the file damaged?");
            return Err(node_error(file_name, node, problem));
        }
        for output in node.output.iter().filter(|o| !o.is_empty()) {
            if !known.insert(output) {
                return Err(node_error(file_name, node, format!("makes `{output}`, which exists already")));
            }
        }
    }
    Ok(())
}

/// Removes nodes, initializers and inputs that lead to no output.
pub fn remove_dead(graph: &mut pb::GraphProto) {
    let mut producer = HashMap::new();
    for (at, node) in graph.node.iter().enumerate() {
        producer.extend(node.output.iter().map(|o| (o.as_str(), at)));
    }
    let mut live = HashSet::new();
    let mut open: Vec<&str> = graph.output.iter().map(|o| o.name.as_str()).collect();
    while let Some(value) = open.pop() {
        if live.insert(value.to_owned())
            && let Some(&at) = producer.get(value)
        {
            open.extend(graph.node[at].input.iter().map(String::as_str));
        }
    }
    graph.node.retain(|n| n.output.iter().any(|o| !o.is_empty() && live.contains(o)));
    graph.initializer.retain(|t| live.contains(&t.name));
    graph.input.retain(|i| live.contains(&i.name));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(op: &str, inputs: &[&str], output: &str) -> pb::NodeProto {
        pb::NodeProto {
            op_type: op.to_owned(),
            input: inputs.iter().map(|&i| i.to_owned()).collect(),
            output: vec![output.to_owned()],
            ..Default::default()
        }
    }

    fn model(nodes: Vec<pb::NodeProto>) -> pb::ModelProto {
        let value = |name: &str| pb::ValueInfoProto { name: name.to_owned(), ..Default::default() };
        let graph =
            pb::GraphProto { node: nodes, input: vec![value("x")], output: vec![value("y")], ..Default::default() };
        pb::ModelProto { graph: Some(graph), ..Default::default() }
    }

    fn refusal(nodes: Vec<pb::NodeProto>) -> String {
        prepare(&mut model(nodes), None, "m.onnx").unwrap_err().to_string()
    }

    #[test]
    fn dead_nodes_are_removed() {
        let mut model = model(vec![node("Tanh", &["x"], "y"), node("Loop", &["x"], "z")]);
        prepare(&mut model, None, "m.onnx").unwrap();
        assert_eq!(model.graph.unwrap().node.len(), 1);
    }

    #[test]
    fn cycles_and_unknown_values_are_refused() {
        let cycle = vec![node("Identity", &["y"], "z"), node("Identity", &["z"], "y")];
        assert!(refusal(cycle).contains("node `z` (Identity) reads `y`, which no earlier node makes"));
        assert!(refusal(vec![node("Tanh", &["x"], "z")]).contains("output `y` that no node makes"));
        assert!(refusal(vec![node("Tanh", &["x"], "y"), node("Relu", &["x"], "y")]).contains("exists already"));
    }

    #[test]
    fn quantized_and_foreign_operators_are_refused() {
        assert!(refusal(vec![node("MatMulInteger", &["x", "x"], "y")]).contains("already quantized"));
        let fused = pb::NodeProto { domain: "com.microsoft".to_owned(), ..node("SkipLayerNormalization", &["x"], "y") };
        assert!(refusal(vec![fused]).contains("domain `com.microsoft`"));
        assert!(refusal(vec![node("Conv", &["x"], "y")]).contains("(Conv) is nothing a BERT"));
    }
}
