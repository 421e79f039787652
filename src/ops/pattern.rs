//! Matching pieces of an ONNX graph backwards from a value.

use crate::onnx::{GraphIndex, attribute, attribute_int, pb, tensor_f32, tensor_i64};
use pb::tensor_proto::DataType;

/// The node that makes `value`, if it is an `op`.
pub(super) fn made_by<'a>(index: &GraphIndex<'a>, value: &str, op: &str) -> Option<&'a pb::NodeProto> {
    index.producer(value).filter(|node| node.op_type == op && node.domain.is_empty())
}

/// The inputs of `node` if there are exactly `N`.
pub(super) fn inputs<const N: usize>(node: &pb::NodeProto) -> Option<[&str; N]> {
    let inputs: Vec<&str> = node.input.iter().map(String::as_str).collect();
    inputs.try_into().ok()
}

/// The two inputs of the `op` that makes `value`, if the second of them, in either order, is a float constant:
/// `(variable input, constant)`.
pub(super) fn with_constant<'a>(index: &GraphIndex<'a>, value: &str, op: &str) -> Option<(&'a str, Vec<f32>)> {
    let [a, b] = inputs(made_by(index, value, op)?)?;
    match (floats(index, a), floats(index, b)) {
        (None, Some(constant)) => Some((a, constant)),
        (Some(constant), None) => Some((b, constant)),
        _ => None,
    }
}

/// The input of the one-input `op` that makes `value`.
pub(super) fn through<'a>(index: &GraphIndex<'a>, value: &str, op: &str) -> Option<&'a str> {
    inputs::<1>(made_by(index, value, op)?).map(|[x]| x)
}

/// The input of the Transpose by `perm` that makes `value`.
pub(super) fn transposed<'a>(index: &GraphIndex<'a>, value: &str, perm: &[i64]) -> Option<&'a str> {
    let node = made_by(index, value, "Transpose")?;
    (attribute(node, "perm")?.ints == perm).then(|| node.input.first().map(String::as_str))?
}

/// The input and the constant target shape of the Reshape that makes `value`.
pub(super) fn reshaped<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(&'a str, Vec<i64>)> {
    let node = made_by(index, value, "Reshape")?;
    let [x, shape] = inputs(node)?;
    (attribute_int(node, "allowzero", 0) == 0).then_some(())?;
    Some((x, integers(index, shape)?))
}

/// The input of the Cast to FP32 that makes `value`.
pub(super) fn cast_to_float<'a>(index: &GraphIndex<'a>, value: &str) -> Option<&'a str> {
    let node = made_by(index, value, "Cast")?;
    (attribute_int(node, "to", 0) == DataType::Float as i64).then(|| node.input.first().map(String::as_str))?
}

/// The values of a float constant that is one row: a scalar, `[n]`, `[1, n]` or `[1, 1, n]`. More dimensions would give what it is
/// added to more than it has.
pub(super) fn floats(index: &GraphIndex, value: &str) -> Option<Vec<f32>> {
    let (shape, values) = tensor_f32(index.constant(value)?, "").ok()?;
    (shape.len() <= 3 && shape.iter().rev().skip(1).all(|&dim| dim == 1)).then_some(values)
}

/// The initializer that `value` is, by its own name or behind Identity nodes.
pub(super) fn initializer<'a>(index: &GraphIndex<'a>, value: &str) -> Option<&'a pb::TensorProto> {
    // The tensor of a Constant node may have any name.
    let tensor = index.constant(value).filter(|tensor| index.producer(&tensor.name).is_none())?;
    index.constant(&tensor.name).filter(|named| std::ptr::eq(*named, tensor))
}

/// The values of an integer constant.
pub(super) fn integers(index: &GraphIndex, value: &str) -> Option<Vec<i64>> {
    Some(tensor_i64(index.constant(value)?, "").ok()?.1)
}

/// The value of a one-element float constant.
pub(super) fn float(index: &GraphIndex, value: &str) -> Option<f32> {
    match floats(index, value)?[..] {
        [value] => Some(value),
        _ => None,
    }
}

/// Whether `values` is one number equal to `expected` in FP32.
pub(super) fn is_scalar(values: &[f32], expected: f32) -> bool {
    matches!(values, [value] if (value - expected).abs() <= 1e-6 * expected.abs())
}

/// A QuantizeLinear with constant scale and zero point: `(input, scale, zero point, element type)`.
pub(super) fn quantized<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(&'a str, f32, i64, DataType)> {
    let [x, scale, zero_point] = inputs(made_by(index, value, "QuantizeLinear")?)?;
    let scale = float(index, scale).filter(|s| s.is_normal() && *s > 0.0)?;
    let (zero_point, kind) = zero_point_value(index, zero_point)?;
    Some((x, scale, zero_point, kind))
}

/// A constant 8-bit zero point and its element type.
pub(super) fn zero_point_value(index: &GraphIndex, value: &str) -> Option<(i64, DataType)> {
    let tensor = index.constant(value)?;
    let (_, bytes) = crate::onnx::tensor_bytes_i8(tensor)?;
    match (bytes, DataType::try_from(tensor.data_type).ok()?) {
        ([byte], DataType::Int8) => Some((i64::from(*byte as i8), DataType::Int8)),
        ([byte], DataType::Uint8) => Some((i64::from(*byte), DataType::Uint8)),
        _ => None,
    }
}
