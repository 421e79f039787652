//! Finds the parts of a BERT classifier by walking back from the logits: classifier, head, encoder layers from last to
//! first, embeddings.

use super::attention::Attention;
use super::graph::{Graph, LayerNorm, Linear};
use super::pooling::{self, Pooler};
use super::weights::Weights;
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::onnx::pattern::inputs;

/// The most encoder layers to accept, far more than any BERT has.
const LAYERS: usize = 256;

/// The parts of a classifier.
pub struct Parts<'a> {
    /// The linear layer that makes the logits.
    pub classifier: Linear<'a>,
    /// What lies between the last encoder layer and the classifier.
    pub pooler: Pooler<'a>,
    /// Encoder layers, first to last.
    pub layers: Vec<Layer<'a>>,
    /// The layer normalization of the embeddings' sum.
    pub embeddings: LayerNorm<'a>,
    /// The linear layer between the embeddings and the first encoder layer, if any.
    pub project: Option<Linear<'a>>,
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
    let output = graph.output();
    let classifier = graph.linear(output, &format!("the classifier behind the output `{output}`, a linear layer"))?;
    let pooler = pooling::find(graph, classifier.input)?;
    let mut at = pooler.rows.tokens;
    let mut layers = Vec::new();
    loop {
        let project = projection(graph, at).filter(|_| !layers.is_empty());
        let norm = layer_norm(graph, project.map_or(at, |linear| linear.input))?;
        let Some((down, skipped)) = residual(graph, norm.input) else {
            if layers.is_empty() {
                return Err(graph.unexpected(graph.source(norm.input), "the residual sum of a feed-forward block"));
            }
            layers.reverse();
            return Ok(Parts { classifier, pooler, layers, embeddings: norm, project });
        };
        if let Some(linear) = project {
            return Err(
                graph.error_at(linear.node, "stands between two encoder layers; is this a BERT sequence classifier?")
            );
        }
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

/// The linear layer that makes `value` from a layer normalization, as ELECTRA's embeddings do.
fn projection<'a>(graph: &Graph<'a>, value: &'a str) -> Option<Linear<'a>> {
    let linear = graph.linear_at(graph.source(value))?;
    graph.layer_norm(linear.input).map(|_| linear)
}

/// The linear layer and the residual whose sum is `value`.
fn residual<'a>(graph: &Graph<'a>, value: &'a str) -> Option<(Linear<'a>, &'a str)> {
    let [a, b] = inputs(graph.made_by(value, "Add")?)?;
    match [a, b].map(|value| graph.linear_at(graph.source(value))) {
        // A projection of the embeddings is a linear layer, too. The block's own layer depends on the residual.
        [Some(_), Some(last)] if graph.any_behind(b, |value| value == graph.source(a)) => Some((last, a)),
        [Some(last), _] => Some((last, b)),
        [None, Some(last)] => Some((last, a)),
        [None, None] => None,
    }
}

/// Checks that `linear` reads the value that the residual connection around its block carries.
fn check_input<'a>(graph: &Graph<'a>, linear: Linear<'a>, skipped: &'a str) -> Result<()> {
    if graph.source(linear.input) == graph.source(skipped) {
        return Ok(());
    }
    let problem = format!("reads `{}`, expected `{skipped}`, the input of the residual connection", linear.input);
    Err(graph.error_at(linear.node, problem))
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
