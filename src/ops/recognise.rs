//! Recognises the encoder that the INT8 file writes in standard operators, from its last LayerNorm back to the
//! embeddings.

use super::pattern::*;
use crate::activation::Activation;
use crate::kernels::Quantizer;
use crate::onnx::{GraphIndex, attribute_float, attribute_int, pb, raw_tensor_shape};
use pb::tensor_proto::DataType;

/// How activations become u8.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantized {
    /// What the features are multiplied with before; none where they are taken as they are.
    pub factors: Vec<f32>,
    pub scale: f32,
    pub zero_point: i64,
}

/// `MatMulInteger(QuantizeLinear(x · factors), weights) · scale + bias`.
#[derive(Debug, PartialEq)]
pub(super) struct LinearPart<'a> {
    /// The FP32 value that is quantized, before factors.
    pub x: &'a str,
    pub input: Quantized,
    /// The initializer of the weights, INT8 `[k, n]`.
    pub weights: &'a pb::TensorProto,
    pub k: usize,
    pub n: usize,
    pub scale: Vec<f32>,
    pub bias: Vec<f32>,
}

/// `LayerNormalization(a + b)` over the last axis.
#[derive(Debug, PartialEq)]
pub(super) struct NormPart<'a> {
    pub a: &'a str,
    pub b: &'a str,
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
    pub epsilon: f32,
}

/// Self-attention from the split of heads to their merge.
#[derive(Debug, PartialEq)]
pub(super) struct AttentionPart<'a> {
    pub query: LinearPart<'a>,
    pub key: LinearPart<'a>,
    pub value: LinearPart<'a>,
    pub heads: usize,
    pub query_scale: f32,
    pub key_scale: f32,
    pub score_scale: f32,
}

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

/// An embedding table: FP32, or INT8 with a scale for every row.
#[derive(Debug, PartialEq)]
pub(super) struct TablePart<'a> {
    pub values: &'a pb::TensorProto,
    pub scales: Option<&'a pb::TensorProto>,
}

/// The sum of three embeddings, normalised.
#[derive(Debug, PartialEq)]
pub(super) struct EmbeddingPart<'a> {
    pub words: TablePart<'a>,
    pub types: TablePart<'a>,
    pub positions: TablePart<'a>,
    pub norm: NormPart<'a>,
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

/// Finds the encoder, or says where the graph differs from one.
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
        if layers.len() > index.graph().node.len() {
            return Err("the layers form a cycle".to_owned());
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
    let (up, activation) = activation(index, down.x)
        .and_then(|(x, activation)| Some((linear(index, x)?, activation)))
        .filter(|(up, _)| up.x == middle)
        .ok_or_else(|| format!("`{}` is no activation of a quantized linear layer of `{middle}`", down.x))?;
    let attention_norm = norm(index, middle).ok_or_else(|| format!("`{middle}` is no LayerNormalization of a sum"))?;
    let (projection, x) = linear_and_residual(index, &attention_norm)
        .ok_or_else(|| format!("`{middle}` normalises no sum of a quantized linear layer and a residual"))?;
    let attention = attention(index, projection.x)
        .filter(|part| [&part.query, &part.key, &part.value].iter().all(|l| l.x == x && l.input == part.query.input))
        .ok_or_else(|| format!("`{}` is no integer self-attention over `{x}`", projection.x))?;
    Ok((Layer { attention, projection, attention_norm, up, activation, down, output_norm }, x))
}

/// The linear layer and the other operand of a sum, in either order.
fn linear_and_residual<'a>(index: &GraphIndex<'a>, norm: &NormPart<'a>) -> Option<(LinearPart<'a>, &'a str)> {
    let of = |x, residual| Some((linear(index, x)?, residual));
    of(norm.a, norm.b).or_else(|| of(norm.b, norm.a))
}

/// `Add(Mul(Cast(MatMulInteger(x, W, zero point)), scale), bias)` ending in `value`.
fn linear<'a>(index: &GraphIndex<'a>, value: &str) -> Option<LinearPart<'a>> {
    let (scaled, bias) = with_constant(index, value, "Add")?;
    let (float, mut scale) = with_constant(index, scaled, "Mul")?;
    let product = made_by(index, cast_to_float(index, float)?, "MatMulInteger")?;
    let (quantized_x, weights, zero_point) = match product.input.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [x, weights, zero_point] => (x, weights, zero_point),
        [x, weights, zero_point, weight_zero] if zero_point_value(index, weight_zero)?.0 == 0 => {
            (x, weights, zero_point)
        }
        _ => return None,
    };
    let (zero_point, DataType::Uint8) = zero_point_value(index, zero_point)? else { return None };
    let (x, input_scale, input_zero, DataType::Uint8) = quantized(index, quantized_x)? else { return None };
    let weights = index.constant(weights).filter(|t| t.data_type == DataType::Int8 as i32)?;
    let [k, n] = raw_tensor_shape(weights)?[..] else { return None };
    if scale.len() == 1 {
        scale = vec![scale[0]; n];
    }
    let (x, factors) = smoothed(index, x, k).unwrap_or((x, Vec::new()));
    let finite = factors.iter().all(|r| (r / input_scale).is_finite());
    // Beyond this many rows sums of products could overflow.
    let fits = finite && k > 0 && k <= 65_000 && scale.len() == n && bias.len() == n && zero_point == input_zero;
    let input = Quantized { factors, scale: input_scale, zero_point };
    fits.then_some(LinearPart { x, input, weights, k, n, scale, bias })
}

/// The input of the multiplication with one factor for each of `features` features that makes `value`, and the factors. One
/// feature would not tell factors from a constant.
fn smoothed<'a>(index: &GraphIndex<'a>, value: &str, features: usize) -> Option<(&'a str, Vec<f32>)> {
    let (x, factors) = with_constant(index, value, "Mul")?;
    (features > 1 && factors.len() == features).then_some((x, factors))
}

/// The input of the activation that makes `value`, and which it is.
fn activation<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(&'a str, Activation)> {
    if let Some(x) = through(index, value, "Relu") {
        return Some((x, Activation::Relu));
    }
    let (product, half) = with_constant(index, value, "Mul")?;
    let [a, b] = inputs(made_by(index, product, "Mul")?)?;
    let ((x, sum), (inner, one)) = with_constant(index, b, "Add")
        .map(|m| ((a, b), m))
        .or_else(|| with_constant(index, a, "Add").map(|m| ((b, a), m)))?;
    (is_scalar(&half, 0.5) && is_scalar(&one, 1.0) && x != sum).then_some(())?;
    if let Some(scaled) = through(index, inner, "Erf") {
        let (input, sqrt2) = with_constant(index, scaled, "Div")?;
        return (input == x && is_scalar(&sqrt2, std::f32::consts::SQRT_2)).then_some((x, Activation::Gelu));
    }
    let (inner, slope) = with_constant(index, through(index, inner, "Tanh")?, "Mul")?;
    let [first, cubic_term] = inputs(made_by(index, inner, "Add")?)?;
    let (cube, cubic) = with_constant(index, cubic_term, "Mul")?;
    let [square, third] = inputs(made_by(index, cube, "Mul")?)?;
    let powers = inputs(made_by(index, square, "Mul")?)? == [x, x] && third == x && first == x;
    let constants = is_scalar(&cubic, 0.044715) && is_scalar(&slope, (2.0 / std::f32::consts::PI).sqrt());
    (powers && constants).then_some((x, Activation::GeluTanh))
}

fn norm<'a>(index: &GraphIndex<'a>, value: &str) -> Option<NormPart<'a>> {
    let node = made_by(index, value, "LayerNormalization")?;
    let [sum, gamma, beta] = inputs(node)?;
    let [a, b] = inputs(made_by(index, sum, "Add")?)?;
    let (gamma, beta) = (floats(index, gamma)?, floats(index, beta)?);
    let epsilon = attribute_float(node, "epsilon", 1e-5);
    let last_axis = attribute_int(node, "axis", -1) == -1 && node.output.len() == 1;
    (last_axis && gamma.len() == beta.len()).then_some(NormPart { a, b, gamma, beta, epsilon })
}

fn attention<'a>(index: &GraphIndex<'a>, value: &str) -> Option<AttentionPart<'a>> {
    let (merged, shape) = reshaped(index, value)?;
    let [0, 0, hidden] = shape[..] else { return None };
    let context = made_by(index, transposed(index, merged, &[0, 2, 1, 3])?, "MatMul")?;
    let [weights, values] = inputs(context)?;
    let softmax = made_by(index, weights, "Softmax")?;
    (attribute_int(softmax, "axis", -1) == -1).then_some(())?;
    let [a, b] = inputs(made_by(index, softmax.input.first()?, "Add")?)?;
    let scores = if is_mask(index, b) {
        a
    } else if is_mask(index, a) {
        b
    } else {
        return None;
    };
    let (float, score_scale) = with_constant(index, scores, "Mul")?;
    let [score_scale] = score_scale[..] else { return None };
    let [queries, keys, zero_point] = inputs(made_by(index, cast_to_float(index, float)?, "MatMulInteger")?)?;
    let (queries, query_scale, query_zero, DataType::Uint8) = quantized(index, queries)? else { return None };
    let keys = transposed(index, keys, &[0, 1, 3, 2])?;
    let (keys, key_scale, 0, DataType::Int8) = quantized(index, keys)? else { return None };
    let zero_point = zero_point_value(index, zero_point)?.0;
    let symmetric = i64::from(Quantizer::SYMMETRIC);
    (query_zero == symmetric && zero_point == symmetric).then_some(())?;

    let mut heads = None;
    let mut split = |value: &str| {
        let (flat, shape) = reshaped(index, transposed(index, value, &[0, 2, 1, 3])?)?;
        let [0, 0, count, size] = shape[..] else { return None };
        let same = *heads.get_or_insert(count) == count && count > 0 && count.checked_mul(size) == Some(hidden);
        same.then_some(flat).and_then(|flat| linear(index, flat)).filter(|part| i64::try_from(part.n) == Ok(hidden))
    };
    let (query, key, value) = (split(queries)?, split(keys)?, split(values)?);
    let heads = usize::try_from(heads?).ok()?;
    Some(AttentionPart { query, key, value, heads, query_scale, key_scale, score_scale })
}

/// Whether `value` is `(1 − attention_mask) · constant`: zero for every real token.
fn is_mask(index: &GraphIndex, value: &str) -> bool {
    let mask = || {
        let (inverse, _) = with_constant(index, value, "Mul")?;
        let [one, wide] = inputs(made_by(index, inverse, "Sub")?)?;
        let float = made_by(index, wide, "Unsqueeze")?.input.first()?;
        is_scalar(&floats(index, one)?, 1.0).then(|| cast_to_float(index, float))?
    };
    mask() == Some("attention_mask")
}

/// `norm` of `(words + types) + positions`.
fn embedding<'a>(index: &GraphIndex<'a>, norm: NormPart<'a>) -> Result<EmbeddingPart<'a>, String> {
    let parts = || {
        let [words, types] = inputs(made_by(index, norm.a, "Add")?)?;
        let (words, ids) = table(index, words)?;
        let (types, type_ids) = table(index, types)?;
        let (positions, count) = table(index, norm.b)?;
        (ids == "input_ids" && type_ids == "token_type_ids" && counts_tokens(index, count)?)
            .then_some([words, types, positions])
    };
    let problem = || format!("`{}` + `{}` is neither a residual sum nor the sum of three embeddings", norm.a, norm.b);
    let [words, types, positions] = parts().ok_or_else(problem)?;
    Ok(EmbeddingPart { words, types, positions, norm })
}

/// The table that `value` is looked up in, and the ids: `Gather(table, ids)`, or `Cast(Gather(table, ids)) ·
/// Gather(scales, ids)`.
fn table<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(TablePart<'a>, &'a str)> {
    let gather = |value: &str| {
        let node = made_by(index, value, "Gather")?;
        let [table, ids] = inputs(node)?;
        (attribute_int(node, "axis", 0) == 0).then_some((index.constant(table)?, ids))
    };
    if let Some((values, ids)) = gather(value) {
        return Some((TablePart { values, scales: None }, ids));
    }
    let [picked, scale] = inputs(made_by(index, value, "Mul")?)?;
    let (values, ids) = gather(cast_to_float(index, picked)?)?;
    let (scales, scale_ids) = gather(scale)?;
    (ids == scale_ids).then_some((TablePart { values, scales: Some(scales) }, ids))
}

/// Whether `value` is `Range(0, number of tokens in a row, 1)`.
fn counts_tokens(index: &GraphIndex, value: &str) -> Option<bool> {
    let [start, length, step] = inputs(made_by(index, value, "Range")?)?;
    let [shape, axis] = inputs(made_by(index, length, "Gather")?)?;
    let tokens = through(index, shape, "Shape")? == "input_ids";
    let is = |value: &str, expected: i64| integers(index, value).as_deref() == Some(&[expected]);
    Some(tokens && is(start, 0) && is(axis, 1) && is(step, 1))
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
        let AttentionPart { query, key, value, .. } = &layer.attention;
        let wide = layer.up.n;
        let square = [query, key, value, &layer.projection].iter().all(|part| part.k == hidden && part.n == hidden);
        let norms = [&layer.attention_norm, &layer.output_norm].iter().all(|norm| norm.gamma.len() == hidden);
        let feed_forward = layer.up.k == hidden && layer.down.k == wide && layer.down.n == hidden;
        if !(square && norms && feed_forward && wide.is_multiple_of(8)) {
            let name = &layer.up.weights.name;
            return Err(format!("the sizes of the layer with `{name}` do not fit each other or are no multiples of 8"));
        }
    }
    match layers.is_empty() {
        true => Err("there is no encoder layer".to_owned()),
        false => Ok(()),
    }
}
