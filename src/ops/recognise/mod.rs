//! Recognises the encoder that the INT8 file writes in standard operators, from its last LayerNorm back to the
//! embeddings.

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
    pub attention: AttentionPart<'a>,
    pub projection: LinearPart<'a>,
    pub attention_norm: NormPart<'a>,
    pub up: LinearPart<'a>,
    pub activation: Activation,
    pub down: LinearPart<'a>,
    pub output_norm: NormPart<'a>,
}

impl<'a> Layer<'a> {
    fn linears(&self) -> impl Iterator<Item = &LinearPart<'a>> {
        self.attention.parts().into_iter().chain([&self.projection, &self.up, &self.down])
    }

    /// Matrix products in FP32: linear layers, and scores. The weighted sum of values always is one and does not count.
    pub fn float_products(&self) -> usize {
        let linears = self.linears().filter(|part| part.input().is_none()).count();
        linears + usize::from(self.attention.scores == Scores::Float)
    }
}

/// A whole encoder, of which the first token's row is used.
#[derive(Debug, PartialEq)]
pub(super) struct Encoder<'a> {
    pub embedding: EmbeddingPart<'a>,
    /// First to last; one at least.
    pub layers: Vec<Layer<'a>>,
    /// The value that holds the first token's row.
    pub first: &'a str,
}

/// Finds the encoder, or says where the graph, whose nodes are in order, differs from one.
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

/// `(output, x)` of a Gather of position 0 of the sequences in x.
fn first_token<'a>(index: &GraphIndex<'a>, node: &'a pb::NodeProto) -> Option<(&'a str, &'a str)> {
    let [x, position] = inputs(node)?;
    let taken = node.op_type == "Gather" && attribute_int(node, "axis", 0) == 1;
    let first = integers(index, position)?;
    let shape = &index.constant(position)?.dims;
    (taken && first == [0] && shape.is_empty() && index.producer(x)?.op_type == "LayerNormalization")
        .then_some((node.output.first()?.as_str(), x))
}

/// The layer that ends in `output_norm` of `down` and the value `middle`, and the value that it reads.
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
        .ok_or_else(|| format!("`{middle}` normalises no sum of a linear layer and a residual"))?;
    let attention = attention(index, projection.x())
        .filter(|part| part.is_over(x))
        .ok_or_else(|| format!("`{}` is no self-attention over `{x}`", projection.x()))?;
    Ok((Layer { attention, projection, attention_norm, up, activation, down, output_norm }, x))
}

/// The linear layer and the other operand of a sum, in either order.
fn linear_and_residual<'a>(index: &GraphIndex<'a>, norm: &NormPart<'a>) -> Option<(LinearPart<'a>, &'a str)> {
    let of = |x, residual| Some((linear(index, x)?, residual));
    of(norm.a, norm.b).or_else(|| of(norm.b, norm.a))
}

/// The kernels work on eight features at a time, and the parts must fit each other.
fn check_sizes(embedding: &EmbeddingPart, layers: &[Layer]) -> Result<(), String> {
    let hidden = embedding.norm.gamma.len();
    if !hidden.is_multiple_of(8) || hidden == 0 {
        return Err(format!("a hidden size of {hidden} is no multiple of 8"));
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
        table(part).ok_or_else(|| format!("the embedding table `{}` is not as expected", part.values.name))?;
    }
    for layer in layers {
        let wide = layer.up.sizes().1;
        let parts = layer.attention.parts().into_iter().chain([&layer.projection]);
        let square = parts.map(LinearPart::sizes).all(|sizes| sizes == (hidden, hidden));
        let norms = [&layer.attention_norm, &layer.output_norm].iter().all(|norm| norm.gamma.len() == hidden);
        let feed_forward = layer.up.sizes().0 == hidden && layer.down.sizes() == (wide, hidden);
        if !(square && norms && feed_forward && wide.is_multiple_of(8)) {
            let name = &layer.up.weights().name;
            return Err(format!("the sizes of the layer with `{name}` do not fit each other or are no multiples of 8"));
        }
    }
    match layers.is_empty() {
        true => Err("there is no encoder layer".to_owned()),
        false => Ok(()),
    }
}
