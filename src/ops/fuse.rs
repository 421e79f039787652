//! Recognises what the INT8 file writes in standard operators and replaces it by the fused ones.
//!
//! A pattern that does not match exactly is left alone, and then runs as tract runs it.

use super::pattern::*;
use super::{attention, linear, norm, quantize};
use crate::activation::Activation;
use crate::kernels::QUERY_ZERO_POINT;
use crate::onnx::{GraphIndex, attribute_float, attribute_int, pb, raw_tensor_shape};
use pb::attribute_proto::AttributeType;
use pb::tensor_proto::DataType;
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// How many of each fused operator a graph got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Fused {
    /// Integer linear layers.
    pub linears: usize,
    /// Attentions with integer scores.
    pub attentions: usize,
    /// Residual sums with LayerNorm.
    pub norms: usize,
    /// Quantize steps.
    pub quantizes: usize,
    /// Integer products that no pattern matched.
    pub left: usize,
}

impl Fused {
    /// Whether every integer product runs in a fused operator.
    pub fn complete(&self) -> bool {
        self.linears > 0 && self.left == 0
    }
}

/// Replaces every pattern found in the graph of an INT8 `model` by fused operators; weights move from initializers into
/// the nodes. A graph without integer products stays as it is.
///
/// Fused attention takes every token for a real one, so a model in which `attentions` is not 0 must be run without
/// padding.
pub fn fuse(model: &mut pb::ModelProto) -> Fused {
    let Some(graph) = model.graph.as_mut() else { return Fused::default() };
    if !graph.node.iter().any(|node| node.op_type == "MatMulInteger") {
        return Fused::default();
    }
    let replacements: HashMap<usize, pb::NodeProto> = {
        let index = GraphIndex::new(graph);
        let nodes = graph.node.iter().enumerate();
        nodes.filter_map(|(at, node)| Some((at, replacement(&index, node.output.first()?)?))).collect()
    };
    for (at, node) in replacements {
        graph.node[at] = node;
    }
    remove_dead(graph);
    take_weights(graph);
    let count = |op: &str| graph.node.iter().filter(|node| node.op_type == op).count();
    Fused {
        linears: count(linear::OP),
        attentions: count(attention::OP),
        norms: count(norm::OP),
        quantizes: count(quantize::OP),
        left: count("MatMulInteger"),
    }
}

/// The fused node that makes `value`, if a pattern ends there.
fn replacement(index: &GraphIndex, value: &str) -> Option<pb::NodeProto> {
    match index.producer(value)?.op_type.as_str() {
        "Add" => match_linear(index, value, value, None),
        "Mul" | "Relu" => {
            let (x, activation) = match_activation(index, value)?;
            match_linear(index, x, value, Some(activation))
        }
        "QuantizeLinear" => match_quantize(index, value),
        "LayerNormalization" => match_norm(index, value),
        "Reshape" => match_attention(index, value),
        _ => None,
    }
}

/// `Add(Mul(Cast(MatMulInteger(x, W, zero point)), scale), bias)` ending in `sum`, for a node that makes `output`. The
/// node names its weights' initializer until [`take_weights`].
fn match_linear(index: &GraphIndex, sum: &str, output: &str, activation: Option<Activation>) -> Option<pb::NodeProto> {
    let (scaled, bias) = with_constant(index, sum, "Add")?;
    let (float, mut scale) = with_constant(index, scaled, "Mul")?;
    let product = made_by(index, cast_to_float(index, float)?, "MatMulInteger")?;
    let (x, weights, zero_point) = match product.input.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [x, weights, zero_point] => (x, weights, zero_point),
        [x, weights, zero_point, weight_zero] if zero_point_value(index, weight_zero)?.0 == 0 => {
            (x, weights, zero_point)
        }
        _ => return None,
    };
    let (zero_point, DataType::Uint8) = zero_point_value(index, zero_point)? else { return None };
    let tensor = index.constant(weights).filter(|t| t.data_type == DataType::Int8 as i32)?;
    let [k, n] = raw_tensor_shape(tensor)?[..] else { return None };
    if scale.len() == 1 {
        scale = vec![scale[0]; n];
    }
    // Beyond this many rows sums of products could overflow.
    (k > 0 && k <= 65_000 && scale.len() == n && bias.len() == n).then_some(())?;
    let attributes = vec![
        string("weights", weights),
        int("zero_point", zero_point),
        floats_attribute("scale", scale),
        floats_attribute("bias", bias),
        string("activation", linear::activation_name(activation)),
    ];
    Some(fused(linear::OP, &[x], output, attributes))
}

/// The input of the activation that makes `value`, and which it is.
fn match_activation<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(&'a str, Activation)> {
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

fn match_quantize(index: &GraphIndex, value: &str) -> Option<pb::NodeProto> {
    let (x, scale, zero_point, DataType::Uint8) = quantized(index, value)? else { return None };
    Some(fused(quantize::OP, &[x], value, vec![float_attribute("scale", scale), int("zero_point", zero_point)]))
}

/// `LayerNormalization(Add(a, b), gamma, beta)` over the last axis.
fn match_norm(index: &GraphIndex, value: &str) -> Option<pb::NodeProto> {
    let node = made_by(index, value, "LayerNormalization")?;
    let [sum, gamma, beta] = inputs(node)?;
    let [a, b] = inputs(made_by(index, sum, "Add")?)?;
    // A constant may be smaller than the other operand in any of its dimensions.
    let variable = index.constant(a).is_none() && index.constant(b).is_none();
    (attribute_int(node, "axis", -1) == -1 && node.output.len() == 1 && variable).then_some(())?;
    let attributes = vec![
        floats_attribute("gamma", floats(index, gamma)?),
        floats_attribute("beta", floats(index, beta)?),
        float_attribute("epsilon", attribute_float(node, "epsilon", 1e-5)),
    ];
    Some(fused(norm::OP, &[a, b], value, attributes))
}

/// The whole of self-attention, from the split of heads to their merge.
fn match_attention(index: &GraphIndex, value: &str) -> Option<pb::NodeProto> {
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
    let symmetric = i64::from(QUERY_ZERO_POINT);
    (query_zero == symmetric && zero_point_value(index, zero_point)?.0 == symmetric).then_some(())?;

    let mut heads = None;
    let mut split = |value: &str| {
        let (flat, shape) = reshaped(index, transposed(index, value, &[0, 2, 1, 3])?)?;
        let [0, 0, count, size] = shape[..] else { return None };
        let same = *heads.get_or_insert(count) == count && count > 0 && count.checked_mul(size) == Some(hidden);
        same.then_some(flat)
    };
    let inputs = [split(queries)?, split(keys)?, split(values)?];
    let attributes = vec![
        int("heads", heads?),
        float_attribute("query_scale", query_scale),
        float_attribute("key_scale", key_scale),
        float_attribute("score_scale", score_scale),
    ];
    Some(fused(attention::OP, &inputs, value, attributes))
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

/// Drops the nodes and initializers that no output depends on.
fn remove_dead(graph: &mut pb::GraphProto) {
    let mut live: HashSet<String> = graph.output.iter().map(|o| o.name.clone()).collect();
    // Nodes stand in topological order, so one pass backwards sees every reader before its maker.
    for node in graph.node.iter().rev() {
        if node.output.iter().any(|o| live.contains(o)) {
            live.extend(node.input.iter().cloned());
            if node.op_type == linear::OP {
                live.extend(weights_of(node).map(str::to_owned));
            }
        }
    }
    graph.node.retain(|node| node.output.iter().any(|o| live.contains(o)));
    graph.initializer.retain(|tensor| live.contains(&tensor.name));
}

/// The initializer that a fused linear layer names.
fn weights_of(node: &pb::NodeProto) -> Option<&str> {
    let attribute = node.attribute.iter().find(|a| a.name == "weights")?;
    std::str::from_utf8(&attribute.s).ok()
}

/// Moves the weights of fused linear layers from initializers into their nodes.
fn take_weights(graph: &mut pb::GraphProto) {
    let read: HashSet<&str> = graph.node.iter().flat_map(|n| n.input.iter().map(String::as_str)).collect();
    let mut uses: HashMap<String, usize> = HashMap::new();
    for name in graph.node.iter().filter(|n| n.op_type == linear::OP).filter_map(weights_of) {
        *uses.entry(name.to_owned()).or_insert(usize::from(read.contains(name))) += 1;
    }
    let mut tensors = HashMap::new();
    graph.initializer.retain_mut(|tensor| match uses.get(&tensor.name) {
        Some(_) => {
            tensors.insert(tensor.name.clone(), std::mem::take(tensor));
            false
        }
        None => true,
    });
    for node in graph.node.iter_mut().filter(|n| n.op_type == linear::OP) {
        let Some(name) = weights_of(node).map(str::to_owned) else { continue };
        let left = uses.entry(name.clone()).or_default();
        *left = left.saturating_sub(1);
        let tensor = if *left == 0 { tensors.remove(&name) } else { tensors.get(&name).cloned() };
        if let Some(attribute) = node.attribute.iter_mut().find(|a| a.name == "weights") {
            attribute.t = tensor;
            attribute.r#type = AttributeType::Tensor as i32;
        }
    }
    graph.initializer.extend(tensors.into_values());
}

fn fused(op: &str, inputs: &[&str], output: &str, attribute: Vec<pb::AttributeProto>) -> pb::NodeProto {
    pb::NodeProto {
        op_type: op.to_owned(),
        name: output.to_owned(),
        input: inputs.iter().map(|&i| i.to_owned()).collect(),
        output: vec![output.to_owned()],
        attribute,
        ..Default::default()
    }
}

fn int(name: &str, i: i64) -> pb::AttributeProto {
    pb::AttributeProto { name: name.to_owned(), i, r#type: AttributeType::Int as i32, ..Default::default() }
}

fn float_attribute(name: &str, f: f32) -> pb::AttributeProto {
    pb::AttributeProto { name: name.to_owned(), f, r#type: AttributeType::Float as i32, ..Default::default() }
}

fn floats_attribute(name: &str, floats: Vec<f32>) -> pb::AttributeProto {
    pb::AttributeProto { name: name.to_owned(), floats, r#type: AttributeType::Floats as i32, ..Default::default() }
}

fn string(name: &str, s: &str) -> pb::AttributeProto {
    pb::AttributeProto {
        name: name.to_owned(),
        s: s.as_bytes().to_vec(),
        r#type: AttributeType::String as i32,
        ..Default::default()
    }
}
