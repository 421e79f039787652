//! Recognises how a graph makes one row of the rows of a sequence.

use crate::onnx::pattern::*;
use crate::onnx::{GraphIndex, attribute_int, pb};

/// How a graph makes one row of the rows of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ops) enum PoolingPart {
    /// It takes the row of the first token.
    FirstToken,
    /// It computes the mean of the rows of all tokens.
    Mean,
}

/// The pooling that ends in `node`: its kind, its output, and the value that it reads.
pub(super) fn pooling<'a>(index: &GraphIndex<'a>, node: &'a pb::NodeProto) -> Option<(PoolingPart, &'a str, &'a str)> {
    let output = node.output.first()?.as_str();
    let (part, x) = match node.op_type.as_str() {
        "Gather" => (PoolingPart::FirstToken, first_token(index, node)?),
        "Div" => (PoolingPart::Mean, mean(index, node)?),
        _ => return None,
    };
    (index.producer(x)?.op_type == "LayerNormalization").then_some((part, output, x))
}

/// The input of a Gather of token 0.
fn first_token<'a>(index: &GraphIndex<'a>, node: &'a pb::NodeProto) -> Option<&'a str> {
    let [x, position] = inputs(node)?;
    let first = integers(index, position)?;
    let shape = &index.constant(position)?.dims;
    (attribute_int(node, "axis", 0) == 1 && first == [0] && shape.is_empty()).then_some(x)
}

/// The input `x` of the quotient `Σ x · mask / Σ mask`, both sums over tokens.
fn mean<'a>(index: &GraphIndex<'a>, node: &'a pb::NodeProto) -> Option<&'a str> {
    let [sum, count] = inputs(node)?;
    let [x, weights] = inputs(made_by(index, token_sum(index, sum)?, "Mul")?)?;
    let same = token_sum(index, count)? == weights;
    let [mask, axes] = inputs(made_by(index, weights, "Unsqueeze")?)?;
    let tokens = cast_to_float(index, mask)? == "attention_mask" && integers(index, axes)? == [-1];
    (same && tokens).then_some(x)
}

/// The input of the ReduceSum over tokens that makes `value`.
fn token_sum<'a>(index: &GraphIndex<'a>, value: &str) -> Option<&'a str> {
    let node = made_by(index, value, "ReduceSum")?;
    let [x, axes] = inputs(node)?;
    (attribute_int(node, "keepdims", 1) == 0 && integers(index, axes)? == [1]).then_some(x)
}
