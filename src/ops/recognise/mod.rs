//! Recognises an encoder in the standard operators of an INT8 file, from its last LayerNorm back to the embeddings.
//!
//! Each part of a layer has a file with what is known about the part (`…Part`) and a function that matches it.

mod activation;
mod attention;
mod embedding;
mod head;
mod linear;
mod norm;
mod pooling;

pub(super) use attention::{AttentionPart, Scores};
pub(super) use embedding::{EmbeddingPart, TablePart};
pub(super) use head::{DensePart, head};
pub(super) use linear::{FloatLinear, IntegerLinear, LinearPart, Quantized};
pub(super) use norm::NormPart;
pub(super) use pooling::PoolingPart;

use crate::activation::Activation;
use crate::kernels::LANES;
use crate::onnx::{GraphIndex, pb, raw_tensor_shape};
use activation::activation;
use attention::attention;
use embedding::embedding;
use linear::linear;
use norm::norm;
use pb::tensor_proto::DataType;
use pooling::pooling;

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

/// An encoder with the pooling of its output.
#[derive(Debug, PartialEq)]
pub(super) struct Encoder<'a> {
    /// The embeddings.
    pub embedding: EmbeddingPart<'a>,
    /// The linear layer from the embeddings to the first encoder layer, if any.
    pub embedding_projection: Option<LinearPart<'a>>,
    /// First to last; at least one.
    pub layers: Vec<Layer<'a>>,
    /// How the rows of a sequence become one.
    pub pooling: PoolingPart,
    /// The value that holds that row.
    pub pooled: &'a str,
}

impl Encoder<'_> {
    /// Whether a linear layer is in integers.
    pub fn has_integers(&self) -> bool {
        self.layers.iter().flat_map(Layer::linears).any(|part| part.input().is_some())
    }
}

/// Finds the encoder of a graph whose nodes are in order, or the reason why there is none.
pub(super) fn encoder<'a>(index: &GraphIndex<'a>) -> Result<Encoder<'a>, String> {
    let (pooling, pooled, mut x) = index
        .graph()
        .node
        .iter()
        .find_map(|node| pooling(index, node))
        .ok_or("nothing takes the first token or the mean of a LayerNormalization")?;
    let mut layers = Vec::new();
    let mut embedding_projection = None;
    let embedding = loop {
        if let Some(projection) = linear(index, x).filter(|_| !layers.is_empty() && embedding_projection.is_none()) {
            x = projection.x();
            embedding_projection = Some(projection);
            let norm = norm(index, x).ok_or_else(|| format!("`{x}` is no LayerNormalization of a sum"))?;
            break embedding(index, norm)?;
        }
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
    check_sizes(&embedding, embedding_projection.as_ref(), &layers)?;
    Ok(Encoder { embedding, embedding_projection, layers, pooling, pooled })
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
fn check_sizes(embedding: &EmbeddingPart, projection: Option<&LinearPart>, layers: &[Layer]) -> Result<(), String> {
    let features = embedding.norm.gamma.len();
    let (inputs, hidden) = projection.map_or((features, features), LinearPart::sizes);
    for (what, size) in [("embedding", features), ("hidden", hidden)] {
        if !size.is_multiple_of(LANES) || size == 0 {
            return Err(format!("the {what} size {size} is no multiple of {LANES}"));
        }
    }
    if inputs != features {
        return Err(format!("the embeddings have {features} features, but their projection reads {inputs}"));
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
        (fits && columns == features && rows > 0).then_some(())
    };
    for part in [&embedding.words, &embedding.positions].into_iter().chain(&embedding.types) {
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
