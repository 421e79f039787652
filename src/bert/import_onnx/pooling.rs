//! Finds the head of a classifier: how the rows of the last encoder layer become the row that the classifier reads.

use super::graph::{Graph, Linear};
use crate::bert::{HeadActivation, Pooling};
use crate::error::Result;
use crate::onnx::pattern::inputs;
use crate::onnx::{attribute, attribute_int, pb};

/// Slices that end here or later go to the end.
const TO_THE_END: i64 = i32::MAX as i64;

/// The parts between the encoder and the classifier.
pub struct Pooler<'a> {
    /// How the rows of a sequence become one.
    pub rows: Rows<'a>,
    /// The linear layer on that row, and the activation function after it, if any.
    pub dense: Option<(HeadActivation, Linear<'a>)>,
}

/// How the rows of a sequence become one.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// The kind.
    pub pooling: Pooling,
    /// The value that holds the rows of all tokens.
    pub tokens: &'a str,
    /// Whether padding counts like any other token.
    pub counts_padding: bool,
}

/// The head that makes `value`, the input of the classifier.
pub fn find<'a>(graph: &Graph<'a>, value: &'a str) -> Result<Pooler<'a>> {
    if let Some(rows) = rows(graph, value)? {
        return Ok(Pooler { rows, dense: None });
    }
    let (function, dense) = graph.head_activation(value)?;
    match rows(graph, dense.input)? {
        Some(rows) => Ok(Pooler { rows, dense: Some((function, dense)) }),
        None => {
            let expected = "the choice of the first token (Gather or Slice on axis 1) or the mean of all tokens";
            Err(graph.unexpected(graph.source(dense.input), expected))
        }
    }
}

/// How `value` is made from the rows of all tokens; `None` if it is not.
fn rows<'a>(graph: &Graph<'a>, value: &'a str) -> Result<Option<Rows<'a>>> {
    if let Some(tokens) = first_token(graph, value)? {
        return Ok(Some(Rows { pooling: Pooling::FirstToken, tokens, counts_padding: false }));
    }
    Ok(mean(graph, value))
}

/// The value from which each row's first token is chosen to make `value`. `None` if nothing is chosen.
fn first_token<'a>(graph: &Graph<'a>, value: &'a str) -> Result<Option<&'a str>> {
    let mut chosen = false;
    let mut at = graph.source(value);
    while let Some(node) = graph.producer(at)
        && let Some(input) = node.input.first()
    {
        match node.op_type.as_str() {
            "Gather" => {
                let first = attribute_int(node, "axis", 0) == 1
                    && node.input.get(1).and_then(|index| graph.scalar(index)) == Some(0.0);
                if !first {
                    return Err(graph.error_at(node, "does not choose the first token, which the head should read"));
                }
                chosen = true;
            }
            "Slice" => chosen |= is_first_token(graph, node)?,
            _ => break,
        }
        at = graph.source(input);
    }
    Ok(chosen.then_some(at))
}

/// Whether the Slice `node` keeps the first token only. Returns `false` if it keeps all tokens.
///
/// # Errors
/// If it does anything else.
fn is_first_token<'a>(graph: &Graph<'a>, node: &'a pb::NodeProto) -> Result<bool> {
    let part = |at: usize, name: &str| match node.input.get(at) {
        Some(value) => graph.ints(value),
        None => attribute(node, name).map(|a| a.ints.clone()),
    };
    let (starts, ends) = (part(1, "starts"), part(2, "ends"));
    let axes = part(3, "axes").or_else(|| starts.as_ref().map(|s| (0..s.len() as i64).collect()));
    if let (Some(starts), Some(ends), Some(axes)) = (starts, ends, axes) {
        let ranges = || axes.iter().zip(starts.iter().zip(&ends));
        let whole = |(start, end): (&i64, &i64)| *start == 0 && *end >= TO_THE_END;
        if ranges().all(|(&axis, range)| whole(range) || (axis == 1 && range == (&0, &1))) {
            return Ok(ranges().any(|(_, range)| !whole(range)));
        }
    }
    Err(graph.error_at(node, "does not choose the first token, which the head should read"))
}

/// Matches a mean over tokens: `sum(x · mask) / sum(mask)`, masked by a product, a choice or a matrix product, or the mean
/// of all rows with padding.
fn mean<'a>(graph: &Graph<'a>, value: &'a str) -> Option<Rows<'a>> {
    let rows = |tokens, counts_padding| Rows { pooling: Pooling::Mean, tokens, counts_padding };
    let node = graph.producer(graph.source(value))?;
    let (sum, count) = match (node.op_type.as_str(), node.input.as_slice()) {
        ("ReduceMean", [tokens, ..]) => return over_tokens(graph, node).then(|| rows(graph.source(tokens), true)),
        ("Div", [sum, count]) => (sum, count),
        ("Mul", [a, b]) => match (graph.made_by(a, "Reciprocal"), graph.made_by(b, "Reciprocal")) {
            (None, Some(inverse)) => (a, inverse.input.first()?),
            (Some(inverse), None) => (b, inverse.input.first()?),
            _ => return None,
        },
        _ => return None,
    };
    let terms = match graph.made_by(sum, "ReduceSum") {
        Some(reduced) if over_tokens(graph, reduced) => masked(graph, reduced.input.first()?)?,
        Some(_) => return None,
        None => inputs(graph.made_by(sum, "MatMul")?)?,
    };
    let tokens = terms.map(|value| graph.source(value));
    let tokens = tokens.into_iter().find(|tokens| graph.layer_norm(tokens).is_some())?;
    let depends = graph.any_behind(count, |value| value == tokens);
    (!depends).then(|| rows(tokens, false))
}

/// The factors of a product with a mask, or the values between which a mask chooses, one of them 0.
fn masked<'a>(graph: &Graph<'a>, value: &'a str) -> Option<[&'a str; 2]> {
    if let Some(product) = graph.made_by(value, "Mul") {
        return inputs(product);
    }
    let [_, a, b] = inputs(graph.made_by(value, "Where")?)?;
    [a, b].iter().any(|value| graph.scalar(value) == Some(0.0)).then_some([a, b])
}

/// Whether `node` reduces the axis of tokens, and no other.
fn over_tokens<'a>(graph: &Graph<'a>, node: &'a pb::NodeProto) -> bool {
    graph.axes(node, 3).is_ok_and(|axes| axes.as_deref() == Some(&[1]))
}
