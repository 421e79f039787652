//! Checks that a graph is a sequence classifier: that its only output holds logits of shape `[batch, labels]`.

use super::runner::Runner;
use super::table_rows::{behind_casts, table_shape};
use crate::engine::TokenInputs;
use crate::error::{Error, Result};
use crate::onnx::{GraphIndex, pb};
use pb::tensor_shape_proto::dimension::Value;

/// The inputs that a classifier may have.
const INPUTS: [&str; 3] = ["input_ids", "attention_mask", "token_type_ids"];
/// The most operators between the output and the linear layer that makes it.
const DEPTH: usize = 16;
/// Operators that move numbers, or change their type alone.
const MOVES: [&str; 10] = [
    "Cast",
    "DequantizeLinear",
    "Dropout",
    "Flatten",
    "Identity",
    "QuantizeLinear",
    "Reshape",
    "Slice",
    "Squeeze",
    "Unsqueeze",
];
/// Operators at the end of a linear layer, in FP32 and in INT8.
const LINEAR: [&str; 6] = ["Add", "Gemm", "MatMul", "Mul", "MatMulInteger", "QLinearMatMul"];
/// The tokens of a probe, which a model of any size can read.
const PROBE: [i64; 4] = [0; 4];
/// The most labels to accept.
const LABELS: usize = 1 << 16;

/// Checks what the file declares, and what makes the output.
///
/// # Errors
/// If there are several outputs, if the output is not called `logits`, has another rank than 2 or is not made by a linear
/// layer, or if `foreign` and inputs are unknown or have each other's roles.
pub fn check(model: &pb::ModelProto, foreign: bool, file_name: &str) -> Result<()> {
    let Some(graph) = &model.graph else { return Ok(()) };
    let refused = |problem: String| {
        Err(match foreign {
            true => Error::needs_import(file_name, problem),
            false => Error::file(file_name, format!("{problem}; is the file damaged?")),
        })
    };
    let [output] = &graph.output[..] else {
        let outputs: Vec<_> = graph.output.iter().map(describe).collect();
        return refused(format!("has {} outputs ({}); {EXPECTED}", outputs.len(), outputs.join(", ")));
    };
    let index = GraphIndex::new(graph);
    let made = index.producer(&output.name).is_some() || index.initializer(&output.name).is_some();
    if !made && graph.input.iter().all(|input| input.name != output.name) {
        // The engine refuses a file that lacks its output.
        return Ok(());
    }
    if output.name != "logits" || shape(output).is_some_and(|shape| shape.len() != 2) {
        return refused(format!("has the output {}; {EXPECTED}", describe(output)));
    }
    let mut at = output.name.as_str();
    for _ in 0..DEPTH {
        let Some(node) = index.producer(at) else { break };
        let op = node.op_type.as_str();
        match node.input.first() {
            Some(input) if MOVES.contains(&op) => at = input,
            _ if LINEAR.contains(&op) => break,
            _ => {
                let what = match op {
                    "Softmax" | "LogSoftmax" | "Sigmoid" => "so that it holds probabilities",
                    "ArgMax" => "so that it holds the number of a label",
                    "Concat" => "so that it holds the results of several classifiers",
                    _ => "which is no linear layer",
                };
                let name = if node.name.is_empty() { at } else { &node.name };
                let problem = format!(
                    "has the output {} that the node `{name}` ({op}) makes, {what}; {EXPECTED}",
                    describe(output)
                );
                return refused(problem);
            }
        }
    }
    if !foreign {
        return Ok(());
    }
    let is_input = |input: &&pb::ValueInfoProto| index.initializer(&input.name).is_none();
    if let Some(input) = graph.input.iter().filter(is_input).find(|input| !INPUTS.contains(&input.name.as_str())) {
        return refused(format!("has an input `{}`; expected {}", input.name, INPUTS.join(", ")));
    }
    if table_shape(model, |index, ids| behind_casts(index, ids) == "attention_mask").is_some() {
        return refused("chooses embeddings by the input attention_mask, as if its inputs were swapped".to_owned());
    }
    Ok(())
}

/// What a sequence classifier returns.
const EXPECTED: &str = "expected one output, `logits` of shape [batch, labels]";

/// Counts the labels: the logits for one text. Runs a `foreign` model, to see whether it can run as it is written.
///
/// # Errors
/// If the output has another shape than `[1, labels]`, or the model cannot run.
pub fn count_labels(runner: &Runner, foreign: bool, file_name: &str) -> Result<usize> {
    let engine = match runner {
        Runner::Fused(engine) => return Ok(engine.labels()),
        Runner::AsWritten(engine) => engine,
    };
    if !foreign
        && let [shape] = &engine.planned_shapes()?[..]
        && let [Some(1), Some(labels @ 1..=LABELS)] = shape[..]
    {
        return Ok(labels);
    }
    let (mask, types) = ([1; PROBE.len()], [0; PROBE.len()]);
    let shapes = engine.output_shapes(&TokenInputs { batch: 1, ids: &PROBE, mask: &mask, types: &types })?;
    match &shapes[..] {
        [shape] => match shape[..] {
            [1, labels @ 1..=LABELS] => Ok(labels),
            _ => Err(Error::file(
                file_name,
                format!(
                    "is not a sequence classifier: its output `logits` has the shape {shape:?} for a text of {} tokens, \
                     expected [1, labels]",
                    PROBE.len()
                ),
            )),
        },
        _ => Err(Error::file(
            file_name,
            format!("is not a sequence classifier: it returns {} outputs; {EXPECTED}", shapes.len()),
        )),
    }
}

/// The sizes that the file declares for an output: numbers, names, or `?`.
fn shape(output: &pb::ValueInfoProto) -> Option<Vec<String>> {
    let pb::type_proto::Value::TensorType(tensor) = output.r#type.as_ref()?.value.as_ref()?;
    let dims = tensor.shape.as_ref()?.dim.iter().map(|dim| match &dim.value {
        Some(Value::DimValue(size)) => size.to_string(),
        Some(Value::DimParam(name)) => name.clone(),
        None => "?".to_owned(),
    });
    Some(dims.collect())
}

/// The name of an output, and its shape if the file declares it.
fn describe(output: &pb::ValueInfoProto) -> String {
    match shape(output) {
        Some(shape) => format!("`{}` of shape [{}]", output.name, shape.join(", ")),
        None => format!("`{}`", output.name),
    }
}
