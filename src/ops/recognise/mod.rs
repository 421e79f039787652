//! Recognises an encoder in the standard operators of an INT8 file, from its last LayerNorm back to the embeddings.
//!
//! Each part of a layer has a file with what is known about the part (`…Part`) and a function that matches it.

mod activation;
mod attention;
mod embedding;
mod linear;
mod norm;

pub(super) use attention::{AttentionPart, Scores};
pub(super) use embedding::{EmbeddingPart, TablePart};
pub(super) use linear::{IntegerLinear, LinearPart, Quantized};
pub(super) use norm::NormPart;

use crate::activation::Activation;
use crate::kernels::LANES;
use crate::onnx::pattern::*;
use crate::onnx::{GraphIndex, attribute_int, pb, raw_tensor_shape};
use activation::activation;
use attention::attention;
use embedding::embedding;
use linear::linear;
use norm::norm;
use pb::tensor_proto::DataType;

/// An encoder layer.
#[derive(Debug, PartialEq)]
pub(super) struct Layer<'a> {
    /// Self-attention.
    pub attention: AttentionPart<'a>,
    /// The linear layer after attention.
    pub projection: LinearPart<'a>,
    /// The LayerNorm of the projection plus the layer's input.
    pub attention_norm: NormPart<'a>,
    /// The first linear layer of the feed-forward block.
    pub up: LinearPart<'a>,
    /// The activation after it.
    pub activation: Activation,
    /// The second linear layer of the feed-forward block.
    pub down: LinearPart<'a>,
    /// The LayerNorm of that plus the block's input.
    pub output_norm: NormPart<'a>,
}

impl<'a> Layer<'a> {
    fn linears(&self) -> impl Iterator<Item = &LinearPart<'a>> {
        self.attention.parts().into_iter().chain([&self.projection, &self.up, &self.down])
    }

    /// The number of linear layers and scores in FP32. The weighted sum of values is always in FP32 and does not count.
    pub fn float_products(&self) -> usize {
        let linears = self.linears().filter(|part| part.input().is_none()).count();
        linears + usize::from(self.attention.scores == Scores::Float)
    }
}

/// An encoder whose output is read at the first token only.
#[derive(Debug, PartialEq)]
pub(super) struct Encoder<'a> {
    /// The embeddings.
    pub embedding: EmbeddingPart<'a>,
    /// First to last; at least one.
    pub layers: Vec<Layer<'a>>,
    /// The value that holds the first token's row.
    pub first: &'a str,
}

/// Finds the encoder of a graph whose nodes are in order, or the reason why there is none.
pub(super) fn encoder<'a>(index: &GraphIndex<'a>) -> Result<Encoder<'a>, String> {
    let (first, mut x) = index
        .graph()
        .node
        .iter()
        .find_map(|node| first_token(index, node))
        .ok_or("no Gather takes the first token of a LayerNormalization")?;
    let mut layers = Vec::new();
    let embedding = loop {
        let norm = norm(index, x).ok_or_else(|| format!("`{x}` is no LayerNormalization of a sum"))?;
        match linear_and_residual(index, &norm) {
            Some((down, residual)) => {
                let (layer, input) = layer(index, norm, down, residual)?;
                layers.push(layer);
                x = input;
            }
            None => break embedding(index, norm)?,
        }
    };
    layers.reverse();
    check_sizes(&embedding, &layers)?;
    Ok(Encoder { embedding, layers, first })
}

/// The output and the input of `node`, if it is a Gather of token 0 from a LayerNormalization.
fn first_token<'a>(index: &GraphIndex<'a>, node: &'a pb::NodeProto) -> Option<(&'a str, &'a str)> {
    let [x, position] = inputs(node)?;
    let taken = node.op_type == "Gather" && attribute_int(node, "axis", 0) == 1;
    let first = integers(index, position)?;
    let shape = &index.constant(position)?.dims;
    (taken && first == [0] && shape.is_empty() && index.producer(x)?.op_type == "LayerNormalization")
        .then_some((node.output.first()?.as_str(), x))
}

/// The layer that ends in `output_norm`, the LayerNorm of `down` plus the value `middle`. Also returns the layer's
/// input.
fn layer<'a>(
    index: &GraphIndex<'a>,
    output_norm: NormPart<'a>,
    down: LinearPart<'a>,
    middle: &'a str,
) -> Result<(Layer<'a>, &'a str), String> {
    let (up, activation) = activation(index, down.x())
        .and_then(|(x, activation)| Some((linear(index, x)?, activation)))
        .filter(|(up, _)| up.x() == middle)
        .ok_or_else(|| format!("`{}` is no activation of a linear layer of `{middle}`", down.x()))?;
    let attention_norm = norm(index, middle).ok_or_else(|| format!("`{middle}` is no LayerNormalization of a sum"))?;
    let (projection, x) = linear_and_residual(index, &attention_norm)
        .ok_or_else(|| format!("`{middle}` does not normalise the sum of a linear layer and a residual"))?;
    let attention = attention(index, projection.x())
        .filter(|part| part.is_over(x))
        .ok_or_else(|| format!("`{}` is no self-attention over `{x}`", projection.x()))?;
    Ok((Layer { attention, projection, attention_norm, up, activation, down, output_norm }, x))
}

/// The linear layer and the residual whose sum `norm` normalises, in either order.
fn linear_and_residual<'a>(index: &GraphIndex<'a>, norm: &NormPart<'a>) -> Option<(LinearPart<'a>, &'a str)> {
    let of = |x, residual| Some((linear(index, x)?, residual));
    of(norm.a, norm.b).or_else(|| of(norm.b, norm.a))
}

/// Checks that the sizes of all parts fit each other, and are multiples of the kernels' [`LANES`].
fn check_sizes(embedding: &EmbeddingPart, layers: &[Layer]) -> Result<(), String> {
    let hidden = embedding.norm.gamma.len();
    if !hidden.is_multiple_of(LANES) || hidden == 0 {
        return Err(format!("the hidden size {hidden} is no multiple of {LANES}"));
    }
    let table = |part: &TablePart| {
        let shape = raw_tensor_shape(part.values)?;
        let [rows, columns] = shape[..] else { return None };
        let kind = |tensor: &pb::TensorProto, kind: DataType| tensor.data_type == kind as i32;
        let fits = match part.scales {
            None => kind(part.values, DataType::Float),
            Some(scales) => {
                let one_each = raw_tensor_shape(scales)? == [rows, 1];
                kind(part.values, DataType::Int8) && kind(scales, DataType::Float) && one_each
            }
        };
        (fits && columns == hidden && rows > 0).then_some(())
    };
    for part in [&embedding.words, &embedding.types, &embedding.positions] {
        table(part).ok_or_else(|| {
            format!("the embedding table `{}` has another type or shape than expected", part.values.name)
        })?;
    }
    for layer in layers {
        let wide = layer.up.sizes().1;
        let parts = layer.attention.parts().into_iter().chain([&layer.projection]);
        let square = parts.map(LinearPart::sizes).all(|sizes| sizes == (hidden, hidden));
        let norms = [&layer.attention_norm, &layer.output_norm].iter().all(|norm| norm.gamma.len() == hidden);
        let feed_forward = layer.up.sizes().0 == hidden && layer.down.sizes() == (wide, hidden);
        if !(square && norms && feed_forward && wide.is_multiple_of(LANES)) {
            let name = &layer.up.weights().name;
            return Err(format!("the sizes of the layer with `{name}` differ or are no multiples of {LANES}"));
        }
    }
    match layers.is_empty() {
        true => Err("there is no encoder layer".to_owned()),
        false => Ok(()),
    }
}
