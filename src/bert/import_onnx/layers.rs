//! The skeleton of a BERT classifier, found by walking back from the logits: classifier, pooler, encoder layers from last
//! to first, embeddings.

use super::attention::Attention;
use super::graph::{Graph, LayerNorm, Linear, two};
use super::weights::Weights;
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::onnx::{attribute, attribute_int, pb};

/// More encoder layers than any BERT has.
const LAYERS: usize = 256;
/// Slice ends from here on mean "to the end".
const TO_THE_END: i64 = i32::MAX as i64;

/// Where the parts of a classifier are in a graph.
pub struct Skeleton<'a> {
    /// The layer that makes the logits.
    pub classifier: Linear<'a>,
    /// The layer before it, applied to the first token.
    pub pooler: Linear<'a>,
    /// Encoder layers, first to last.
    pub layers: Vec<Layer<'a>>,
    /// The normalization of the embeddings' sum.
    pub embeddings: LayerNorm<'a>,
}

/// An encoder layer.
pub struct Layer<'a> {
    /// Query, key, value and scale.
    pub attention: Attention<'a>,
    output: Linear<'a>,
    attention_norm: LayerNorm<'a>,
    intermediate: Linear<'a>,
    activation: Activation,
    narrow: Linear<'a>,
    norm: LayerNorm<'a>,
}

/// Walks `graph` from its output to its embeddings.
pub fn find<'a>(graph: &Graph<'a>) -> Result<Skeleton<'a>> {
    let classifier = graph.linear(graph.output(), "the classifier, a dense layer")?;
    let Some(tanh) = graph.made_by(classifier.input, "Tanh").and_then(|n| n.input.first()) else {
        let expected = "the pooler's Tanh (DistilBERT, ELECTRA and DeBERTa differ here)";
        return Err(graph.unexpected(graph.source(classifier.input), expected));
    };
    let pooler = graph.linear(tanh, "the pooler, a dense layer")?;
    let mut at = first_token(graph, pooler.input)?;
    let mut layers = Vec::new();
    loop {
        let norm = layer_norm(graph, at)?;
        let Some((narrow, skipped)) = residual(graph, norm.input) else {
            if layers.is_empty() {
                return Err(graph.unexpected(graph.source(norm.input), "the residual sum of a feed-forward block"));
            }
            layers.reverse();
            return Ok(Skeleton { classifier, pooler, layers, embeddings: norm });
        };
        if layers.len() == LAYERS {
            return Err(Error::file(graph.file, format!("has more than {LAYERS} encoder layers")));
        }
        let (layer, input) = layer(graph, norm, narrow, skipped)?;
        layers.push(layer);
        at = input;
    }
}

/// The encoder layer that ends in `norm`, and its input.
fn layer<'a>(
    graph: &Graph<'a>,
    norm: LayerNorm<'a>,
    narrow: Linear<'a>,
    skipped: &'a str,
) -> Result<(Layer<'a>, &'a str)> {
    let (activation, intermediate) = graph.activation(narrow.input)?;
    same(graph, intermediate, skipped)?;
    let attention_norm = layer_norm(graph, skipped)?;
    let Some((output, input)) = residual(graph, attention_norm.input) else {
        return Err(graph.unexpected(graph.source(attention_norm.input), "the residual sum of an attention block"));
    };
    let attention = graph.attention(output.input)?;
    for linear in attention.linears {
        same(graph, linear, input)?;
    }
    Ok((Layer { attention, output, attention_norm, intermediate, activation, narrow, norm }, input))
}

fn layer_norm<'a>(graph: &Graph<'a>, value: &'a str) -> Result<LayerNorm<'a>> {
    let expected = "a layer normalization over the last axis (LayerNormalization, or its parts)";
    graph.layer_norm(value).ok_or_else(|| graph.unexpected(graph.source(value), expected))
}

/// The dense layer and the value around it that add up to `value`.
fn residual<'a>(graph: &Graph<'a>, value: &'a str) -> Option<(Linear<'a>, &'a str)> {
    let [a, b] = two(graph.made_by(value, "Add")?)?;
    let dense = |value| graph.linear_at(graph.source(value));
    dense(a).map(|linear| (linear, b)).or_else(|| dense(b).map(|linear| (linear, a)))
}

/// Checks that `linear` reads what the residual connection around its block skips.
fn same<'a>(graph: &Graph<'a>, linear: Linear<'a>, skipped: &'a str) -> Result<()> {
    if graph.source(linear.input) == graph.source(skipped) {
        return Ok(());
    }
    let problem = format!("reads `{}`, expected `{skipped}`, the value the residual connection skips", linear.input);
    Err(graph.error_at(linear.node, problem))
}

/// Goes back from `value` over the choice of each row's first token.
fn first_token<'a>(graph: &Graph<'a>, value: &'a str) -> Result<&'a str> {
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
                    return Err(graph.error_at(node, "does not choose the first token, which the pooler should read"));
                }
                chosen = true;
            }
            "Slice" => chosen |= is_first_token(graph, node)?,
            _ => break,
        }
        at = graph.source(input);
    }
    if chosen { Ok(at) } else { Err(graph.unexpected(at, "the choice of the first token (Gather or Slice on axis 1)")) }
}

/// Whether a Slice keeps the first token; `false` if it keeps everything.
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
    Err(graph.error_at(node, "does not choose the first token, which the pooler should read"))
}

/// The one activation of all layers.
pub fn activation(graph: &Graph, found: &Skeleton) -> Result<Activation> {
    let first = found.layers[0].activation;
    match found.layers.iter().find(|layer| layer.activation != first) {
        None => Ok(first),
        Some(layer) => {
            let problem = format!("reads the activation {:?}, but the first layer's is {first:?}", layer.activation);
            Err(graph.error_at(layer.narrow.node, problem))
        }
    }
}

/// The one epsilon of all layer normalizations.
pub fn epsilon(graph: &Graph, found: &Skeleton) -> Result<f32> {
    let first = found.embeddings.epsilon;
    for norm in found.layers.iter().flat_map(|layer| [layer.attention_norm, layer.norm]) {
        if norm.epsilon != first {
            let problem =
                format!("has the epsilon {}, but the embeddings' is {first}; expected one for all", norm.epsilon);
            return Err(graph.error_at(norm.node, problem));
        }
    }
    // In 16 bits, BERT's usual epsilon is nothing.
    Ok(if graph.half && first < 1e-12 { 1e-12 } else { first as f32 })
}

/// Loads every encoder layer's weights; gives the size between the feed-forward matrices.
pub fn load<'a>(found: &Skeleton<'a>, weights: &mut Weights<'_, 'a>) -> Result<usize> {
    let mut intermediate = 0;
    for (at, layer) in found.layers.iter().enumerate() {
        let at = format!("encoder.layer.{at}");
        for (part, linear) in ["query", "key", "value"].iter().zip(&layer.attention.linears) {
            weights.linear(&format!("{at}.attention.self.{part}"), linear)?;
        }
        weights.linear(&format!("{at}.attention.output.dense"), &layer.output)?;
        weights.layer_norm(&format!("{at}.attention.output.LayerNorm"), &layer.attention_norm)?;
        let size = weights.linear(&format!("{at}.intermediate.dense"), &layer.intermediate)?;
        if intermediate == 0 {
            intermediate = size;
        }
        weights.linear(&format!("{at}.output.dense"), &layer.narrow)?;
        weights.layer_norm(&format!("{at}.output.LayerNorm"), &layer.norm)?;
    }
    Ok(intermediate)
}
