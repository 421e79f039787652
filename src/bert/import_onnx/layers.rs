//! Finds the parts of a BERT classifier by walking back from the logits: classifier, pooler, encoder layers from last
//! to first, embeddings.

use super::attention::Attention;
use super::graph::{Graph, LayerNorm, Linear};
use super::weights::Weights;
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::onnx::pattern::inputs;
use crate::onnx::{attribute, attribute_int, pb};

/// The most encoder layers to accept, far more than any BERT has.
const LAYERS: usize = 256;
/// Slices that end here or later go to the end.
const TO_THE_END: i64 = i32::MAX as i64;

/// The parts of a classifier.
pub struct Parts<'a> {
    /// The linear layer that makes the logits.
    pub classifier: Linear<'a>,
    /// The linear layer before it, on the first token.
    pub pooler: Linear<'a>,
    /// Encoder layers, first to last.
    pub layers: Vec<Layer<'a>>,
    /// The layer normalization of the embeddings' sum.
    pub embeddings: LayerNorm<'a>,
}

/// An encoder layer.
pub struct Layer<'a> {
    /// The self-attention.
    pub attention: Attention<'a>,
    projection: Linear<'a>,
    attention_norm: LayerNorm<'a>,
    up: Linear<'a>,
    activation: Activation,
    down: Linear<'a>,
    norm: LayerNorm<'a>,
}

/// Walks `graph` from its output to its embeddings.
pub fn find<'a>(graph: &Graph<'a>) -> Result<Parts<'a>> {
    let classifier = graph.linear(graph.output(), "the classifier, a linear layer")?;
    let Some(tanh) = graph.made_by(classifier.input, "Tanh").and_then(|n| n.input.first()) else {
        let expected = "the pooler's Tanh (DistilBERT, ELECTRA and DeBERTa differ here)";
        return Err(graph.unexpected(graph.source(classifier.input), expected));
    };
    let pooler = graph.linear(tanh, "the pooler, a linear layer")?;
    let mut at = first_token(graph, pooler.input)?;
    let mut layers = Vec::new();
    loop {
        let norm = layer_norm(graph, at)?;
        let Some((down, skipped)) = residual(graph, norm.input) else {
            if layers.is_empty() {
                return Err(graph.unexpected(graph.source(norm.input), "the residual sum of a feed-forward block"));
            }
            layers.reverse();
            return Ok(Parts { classifier, pooler, layers, embeddings: norm });
        };
        if layers.len() == LAYERS {
            return Err(Error::file(graph.file_name, format!("has more than {LAYERS} encoder layers")));
        }
        let (layer, input) = layer(graph, norm, down, skipped)?;
        layers.push(layer);
        at = input;
    }
}

/// The encoder layer that ends in `norm`, and its input.
fn layer<'a>(
    graph: &Graph<'a>,
    norm: LayerNorm<'a>,
    down: Linear<'a>,
    skipped: &'a str,
) -> Result<(Layer<'a>, &'a str)> {
    let (activation, up) = graph.activation(down.input)?;
    check_input(graph, up, skipped)?;
    let attention_norm = layer_norm(graph, skipped)?;
    let Some((projection, input)) = residual(graph, attention_norm.input) else {
        return Err(graph.unexpected(graph.source(attention_norm.input), "the residual sum of an attention block"));
    };
    let attention = graph.attention(projection.input)?;
    for linear in attention.linears {
        check_input(graph, linear, input)?;
    }
    Ok((Layer { attention, projection, attention_norm, up, activation, down, norm }, input))
}

/// The layer normalization behind `value`.
fn layer_norm<'a>(graph: &Graph<'a>, value: &'a str) -> Result<LayerNorm<'a>> {
    let expected = "a layer normalization over the last axis (LayerNormalization, or its parts)";
    graph.layer_norm(value).ok_or_else(|| graph.unexpected(graph.source(value), expected))
}

/// The linear layer and the residual whose sum is `value`.
fn residual<'a>(graph: &Graph<'a>, value: &'a str) -> Option<(Linear<'a>, &'a str)> {
    let [a, b] = inputs(graph.made_by(value, "Add")?)?;
    let linear = |value| graph.linear_at(graph.source(value));
    linear(a).map(|found| (found, b)).or_else(|| linear(b).map(|found| (found, a)))
}

/// Checks that `linear` reads the value that the residual connection around its block carries.
fn check_input<'a>(graph: &Graph<'a>, linear: Linear<'a>, skipped: &'a str) -> Result<()> {
    if graph.source(linear.input) == graph.source(skipped) {
        return Ok(());
    }
    let problem = format!("reads `{}`, expected `{skipped}`, the input of the residual connection", linear.input);
    Err(graph.error_at(linear.node, problem))
}

/// The value from which each row's first token is chosen to make `value`.
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
    Err(graph.error_at(node, "does not choose the first token, which the pooler should read"))
}

/// The activation, which must be the same in all layers.
pub fn activation(graph: &Graph, found: &Parts) -> Result<Activation> {
    let first = found.layers[0].activation;
    match found.layers.iter().find(|layer| layer.activation != first) {
        None => Ok(first),
        Some(layer) => {
            let problem = format!("reads the activation {:?}, but the first layer's is {first:?}", layer.activation);
            Err(graph.error_at(layer.down.node, problem))
        }
    }
}

/// The epsilon, which must be the same in all layer normalizations.
pub fn epsilon(graph: &Graph, found: &Parts) -> Result<f32> {
    let first = found.embeddings.epsilon;
    for norm in found.layers.iter().flat_map(|layer| [layer.attention_norm, layer.norm]) {
        if norm.epsilon != first {
            let problem =
                format!("has the epsilon {}, but the embeddings' is {first}; expected one for all", norm.epsilon);
            return Err(graph.error_at(norm.node, problem));
        }
    }
    // BERT's usual epsilon rounds to 0 in 16 bits.
    Ok(if graph.half && first < 1e-12 { 1e-12 } else { first as f32 })
}

/// Loads the weights of all encoder layers. Returns the number of features between the feed-forward matrices.
pub fn load<'a>(found: &Parts<'a>, weights: &mut Weights<'_, 'a>) -> Result<usize> {
    let mut intermediate = 0;
    for (at, layer) in found.layers.iter().enumerate() {
        let at = format!("encoder.layer.{at}");
        for (part, linear) in ["query", "key", "value"].iter().zip(&layer.attention.linears) {
            weights.linear(&format!("{at}.attention.self.{part}"), linear)?;
        }
        weights.linear(&format!("{at}.attention.output.dense"), &layer.projection)?;
        weights.layer_norm(&format!("{at}.attention.output.LayerNorm"), &layer.attention_norm)?;
        let size = weights.linear(&format!("{at}.intermediate.dense"), &layer.up)?;
        if intermediate == 0 {
            intermediate = size;
        }
        weights.linear(&format!("{at}.output.dense"), &layer.down)?;
        weights.layer_norm(&format!("{at}.output.LayerNorm"), &layer.norm)?;
    }
    Ok(intermediate)
}
