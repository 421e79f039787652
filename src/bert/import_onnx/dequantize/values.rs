//! Quantized values, and the nodes that hand them on.

use crate::onnx::{GraphIndex, pb};
use std::collections::HashSet;

/// The most operators between a quantized constant and its use.
pub const MOVES: usize = 16;

/// How the integers of a value stand for real numbers. Names are those of the original graph.
#[derive(Clone)]
pub struct Encoding {
    /// The value that is the scale.
    pub scale: String,
    /// The value that is the zero point; empty if it is 0.
    pub zero_point: String,
    /// The axis of the channels, if there are several scales.
    pub axis: Option<i64>,
}

/// A MatMulInteger node.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    /// The first factor.
    pub a: &'a str,
    /// The second factor.
    pub b: &'a str,
    /// The zero point of the first factor; empty if it is 0.
    pub a_zero_point: &'a str,
    /// The zero point of the second factor; empty if it is 0.
    pub b_zero_point: &'a str,
}

/// The values that reach an output of the graph through operators that only dequantize or move them.
pub fn ends<'a>(index: &GraphIndex<'a>) -> HashSet<&'a str> {
    let mut ends = HashSet::new();
    for output in &index.graph().output {
        let mut at = output.name.as_str();
        for _ in 0..MOVES {
            ends.insert(at);
            match index.producer(at) {
                Some(node) if moves(node) || node.op_type == "DequantizeLinear" => at = input(node, 0),
                _ => break,
            }
        }
    }
    ends
}

/// Whether `node` returns numbers of its first input, in another order, shape or selection.
pub fn moves(node: &pb::NodeProto) -> bool {
    let movers =
        ["Identity", "Reshape", "Transpose", "Gather", "Slice", "Squeeze", "Unsqueeze", "Flatten", "Expand", "Split"];
    movers.contains(&node.op_type.as_str()) && !node.input.is_empty()
}

/// The input of `node` at position `at`; empty if it has none.
pub fn input(node: &pb::NodeProto, at: usize) -> &str {
    node.input.get(at).map_or("", String::as_str)
}

/// The first output of `node`; empty if it has none.
pub fn first_output(node: &pb::NodeProto) -> String {
    node.output.first().cloned().unwrap_or_default()
}
