//! Recognises linear layers in integers and in FP32.

use crate::kernels::MAX_K;
use crate::onnx::pattern::*;
use crate::onnx::{GraphIndex, pb, raw_tensor_shape};
use pb::tensor_proto::DataType;

/// How activations are quantized to u8: `round((x · factors + offsets) / scale) + zero point`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ops) struct Quantized {
    /// A factor per feature; empty if there is no multiplication.
    pub factors: Vec<f32>,
    /// An offset per feature; empty if there is no addition.
    pub offsets: Vec<f32>,
    /// The scale.
    pub scale: f32,
    /// The zero point, in 0..=255.
    pub zero_point: i64,
}

/// A linear layer.
#[derive(Debug, PartialEq)]
pub(in crate::ops) enum LinearPart<'a> {
    /// With an integer product.
    Integer(IntegerLinear<'a>),
    /// In FP32.
    Float(FloatLinear<'a>),
}

/// `MatMulInteger(QuantizeLinear(x · factors + offsets), weights) · scale + bias`.
#[derive(Debug, PartialEq)]
pub(in crate::ops) struct IntegerLinear<'a> {
    /// The FP32 value that the layer reads, before factors and offsets.
    pub x: &'a str,
    /// How that value is quantized.
    pub input: Quantized,
    /// The initializer of the weights, INT8 `[k, n]`.
    pub weights: &'a pb::TensorProto,
    /// Inputs.
    pub k: usize,
    /// Outputs.
    pub n: usize,
    /// The scale of each output: input scale times weight scale.
    pub scale: Vec<f32>,
    /// The bias of each output.
    pub bias: Vec<f32>,
}

/// `MatMul(x, weights) + bias`.
#[derive(Debug, PartialEq)]
pub(in crate::ops) struct FloatLinear<'a> {
    /// The value that the layer reads.
    pub x: &'a str,
    /// The initializer of the weights, FP32 `[k, n]`.
    pub weights: &'a pb::TensorProto,
    /// Inputs.
    pub k: usize,
    /// Outputs.
    pub n: usize,
    /// The initializer of the bias, FP32 `[n]`.
    pub bias: &'a pb::TensorProto,
}

impl<'a> LinearPart<'a> {
    /// The FP32 value that the layer reads.
    pub fn x(&self) -> &'a str {
        match self {
            LinearPart::Integer(part) => part.x,
            LinearPart::Float(part) => part.x,
        }
    }

    /// The numbers of inputs and outputs: `(k, n)`.
    pub fn sizes(&self) -> (usize, usize) {
        match self {
            LinearPart::Integer(part) => (part.k, part.n),
            LinearPart::Float(part) => (part.k, part.n),
        }
    }

    /// The initializer of the weights.
    pub fn weights(&self) -> &'a pb::TensorProto {
        match self {
            LinearPart::Integer(part) => part.weights,
            LinearPart::Float(part) => part.weights,
        }
    }

    /// How the layer's input is quantized, if it is.
    pub fn input(&self) -> Option<&Quantized> {
        match self {
            LinearPart::Integer(part) => Some(&part.input),
            LinearPart::Float(_) => None,
        }
    }
}

/// The linear layer that makes `value`.
pub(super) fn linear<'a>(index: &GraphIndex<'a>, value: &str) -> Option<LinearPart<'a>> {
    let integer = integer(index, value).map(LinearPart::Integer);
    integer.or_else(|| float(index, value).map(LinearPart::Float))
}

/// `Add(Mul(Cast(MatMulInteger(x, W, zero point)), scale), bias)` that makes `value`.
fn integer<'a>(index: &GraphIndex<'a>, value: &str) -> Option<IntegerLinear<'a>> {
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
    let (weights, k, n) = matrix(index, weights, DataType::Int8)?;
    if scale.len() == 1 {
        scale = vec![scale[0]; n];
    }
    let (x, offsets) = by_feature(index, x, "Add", k).unwrap_or((x, Vec::new()));
    let (x, factors) = by_feature(index, x, "Mul", k).unwrap_or((x, Vec::new()));
    let finite = factors.iter().chain(&offsets).all(|r| (r / input_scale).is_finite());
    let fits = finite && k > 0 && k <= MAX_K && scale.len() == n && bias.len() == n && zero_point == input_zero;
    let input = Quantized { factors, offsets, scale: input_scale, zero_point };
    fits.then_some(IntegerLinear { x, input, weights, k, n, scale, bias })
}

/// The input of the `op` that makes `value`, and its constant operand, one value for each of `features` features. With
/// a single feature, the constant could be a scalar as well.
fn by_feature<'a>(index: &GraphIndex<'a>, value: &str, op: &str, features: usize) -> Option<(&'a str, Vec<f32>)> {
    let (x, constants) = with_constant(index, value, op)?;
    (features > 1 && constants.len() == features).then_some((x, constants))
}

/// `Add(MatMul(x, W), bias)` that makes `value`.
pub(super) fn float<'a>(index: &GraphIndex<'a>, value: &str) -> Option<FloatLinear<'a>> {
    let (product, bias) = one_constant(made_by(index, value, "Add")?, |input| initializer(index, input))?;
    let [x, weights] = inputs(made_by(index, product, "MatMul")?)?;
    let (weights, k, n) = matrix(index, weights, DataType::Float)?;
    let fits = k > 0 && bias.data_type == DataType::Float as i32 && raw_tensor_shape(bias)? == [n];
    (fits && index.constant(x).is_none()).then_some(FloatLinear { x, weights, k, n, bias })
}

/// The initializer that `value` is, if it is a matrix of element type `kind`: `(tensor, rows, columns)`.
fn matrix<'a>(index: &GraphIndex<'a>, value: &str, kind: DataType) -> Option<(&'a pb::TensorProto, usize, usize)> {
    let tensor = initializer(index, value).filter(|tensor| tensor.data_type == kind as i32)?;
    let [rows, columns] = raw_tensor_shape(tensor)?[..] else { return None };
    Some((tensor, rows, columns))
}
