//! Rewrites a graph that another tool has quantized to an FP32 graph, before the import.
//!
//! A quantized graph computes with integers q that stand for real numbers, `scale · (q - zero point)`. The rewrite goes
//! from the inputs to the outputs and puts the real numbers in their place: constants are dequantized, activations are
//! no longer quantized. The result computes what the original would compute with its own weights and exact
//! activations.
//!
//! `rewriter` follows the quantized values and handles QuantizeLinear, DynamicQuantizeLinear and DequantizeLinear;
//! `operators` has the operators that compute with integers; `encoding` compares scales and zero points; `constants`
//! dequantizes tensors; `values` says what a quantized value is.
//!
//! The forms are those of onnxruntime's quantizers: dynamic (DynamicQuantizeLinear and MatMulInteger), QDQ, and
//! QOperator (QLinearMatMul, QGemm and so on).

mod constants;
mod encoding;
mod operators;
mod rewriter;
mod values;

use super::prepare::{check_order, is_quantized, refuse_own, remove_dead};
use super::{Place, load_others};
use crate::error::Result;
use crate::onnx::{node_error, pb};
use rewriter::Rewriter;

/// Rewrites a quantized graph to FP32. Leaves other graphs as they are. `place` is where the file is, if there is one, from
/// which tensors in other files are found; `size` is the number of bytes of the model. Returns the number of bytes that were
/// read from other files.
///
/// # Errors
/// If the graph is damaged, bert8 wrote it, or it uses quantized numbers in another way than the quantizers of
/// onnxruntime do.
pub fn dequantize(model: &mut pb::ModelProto, place: Option<Place>, size: usize, file_name: &str) -> Result<usize> {
    let Some(graph) = &mut model.graph else { return Ok(0) };
    let Some(node) = graph.node.iter().find(|node| is_quantized(node)) else { return Ok(0) };
    refuse_own(&model.producer_name, node, file_name)?;
    remove_dead(graph);
    check_order(graph, file_name)?;
    let beside = load_others(graph, place, file_name)?;
    let (nodes, constants) = Rewriter::new(graph, size.saturating_add(beside), file_name).rewrite()?;
    graph.node = nodes;
    graph.initializer.extend(constants);
    remove_dead(graph);
    // The last: it reads what the others make.
    match graph.node.iter().rfind(|node| is_quantized(node)) {
        Some(node) => {
            Err(node_error(file_name, node, "is used in a way that bert8 cannot turn into FP32; use the FP32 model"))
        }
        None => Ok(beside),
    }
}
