//! Matches groups of nodes backwards from a value: what makes it, from which inputs, with which constants.
//!
//! A function returns `None` if the graph does not match. Every function looks at one node, and only Identity nodes in
//! front of constants are skipped; a caller that wants to skip more does so between two calls.

use super::{GraphIndex, attribute, attribute_int, pb, tensor_bytes_i8, tensor_f32, tensor_i64};
use pb::tensor_proto::DataType;

/// The node whose first output is `value`.
pub fn producer<'a>(index: &GraphIndex<'a>, value: &str) -> Option<&'a pb::NodeProto> {
    index.producer(value).filter(|node| node.output.first().is_some_and(|output| output == value))
}

/// The node whose first output is `value`, if it is the standard operator `op`.
pub fn made_by<'a>(index: &GraphIndex<'a>, value: &str, op: &str) -> Option<&'a pb::NodeProto> {
    producer(index, value).filter(|node| node.op_type == op && node.domain.is_empty())
}

/// The inputs of `node`, if there are exactly `N`.
pub fn inputs<const N: usize>(node: &pb::NodeProto) -> Option<[&str; N]> {
    let inputs: Vec<&str> = node.input.iter().map(String::as_str).collect();
    inputs.try_into().ok()
}

/// The two inputs of `node`, if `constant` accepts exactly one of them: the other input, and what `constant` returned.
pub fn one_constant<'a, T>(node: &'a pb::NodeProto, constant: impl Fn(&'a str) -> Option<T>) -> Option<(&'a str, T)> {
    let [a, b] = inputs(node)?;
    match (constant(a), constant(b)) {
        (None, Some(constant)) => Some((a, constant)),
        (Some(constant), None) => Some((b, constant)),
        _ => None,
    }
}

/// The inputs of the `op` that makes `value`, if one of its two inputs is a float constant as in [`floats`]: the other
/// input, and the constant's values.
pub fn with_constant<'a>(index: &GraphIndex<'a>, value: &str, op: &str) -> Option<(&'a str, Vec<f32>)> {
    one_constant(made_by(index, value, op)?, |input| floats(index, input))
}

/// The input of the one-input `op` that makes `value`.
pub fn input_of<'a>(index: &GraphIndex<'a>, value: &str, op: &str) -> Option<&'a str> {
    inputs::<1>(made_by(index, value, op)?).map(|[x]| x)
}

/// The input of the Transpose by `perm` that makes `value`.
pub fn transposed<'a>(index: &GraphIndex<'a>, value: &str, perm: &[i64]) -> Option<&'a str> {
    let node = made_by(index, value, "Transpose")?;
    (attribute(node, "perm")?.ints == perm).then(|| node.input.first().map(String::as_str))?
}

/// The input and the constant target shape of the Reshape that makes `value`.
pub fn reshaped<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(&'a str, Vec<i64>)> {
    let node = made_by(index, value, "Reshape")?;
    let [x, shape] = inputs(node)?;
    (attribute_int(node, "allowzero", 0) == 0).then_some(())?;
    Some((x, integers(index, shape)?))
}

/// The input of the Cast to FP32 that makes `value`.
pub fn cast_to_float<'a>(index: &GraphIndex<'a>, value: &str) -> Option<&'a str> {
    let node = made_by(index, value, "Cast")?;
    (attribute_int(node, "to", 0) == DataType::Float as i64).then(|| node.input.first().map(String::as_str))?
}

/// The input, scale, zero point and element type of the QuantizeLinear that makes `value`, if scale and zero point are
/// constant scalars.
pub fn quantized<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(&'a str, f32, i64, DataType)> {
    let [x, scale, zero_point] = inputs(made_by(index, value, "QuantizeLinear")?)?;
    let scale = float(index, scale).filter(|s| s.is_normal() && *s > 0.0)?;
    let (zero_point, kind) = zero_point_value(index, zero_point)?;
    Some((x, scale, zero_point, kind))
}

/// The initializer that `value` is, by its own name or through Identity nodes.
pub fn initializer<'a>(index: &GraphIndex<'a>, value: &str) -> Option<&'a pb::TensorProto> {
    // The tensor of a Constant node may have any name, even that of an initializer.
    let tensor = index.constant(value).filter(|tensor| index.producer(&tensor.name).is_none())?;
    index.initializer(&tensor.name).filter(|named| std::ptr::eq(*named, tensor))
}

/// The values of a float constant of shape `[]`, `[n]`, `[1, n]` or `[1, 1, n]`. With more dimensions, the sum of the
/// constant and a `[batch, sequence, n]` value would have more dimensions than the value.
pub fn floats(index: &GraphIndex, value: &str) -> Option<Vec<f32>> {
    let (shape, values) = tensor_f32(index.constant(value)?, "").ok()?;
    (shape.len() <= 3 && shape.iter().rev().skip(1).all(|&dim| dim == 1)).then_some(values)
}

/// The value of a float constant as in [`floats`] with one element.
pub fn float(index: &GraphIndex, value: &str) -> Option<f32> {
    match floats(index, value)?[..] {
        [value] => Some(value),
        _ => None,
    }
}

/// The values of an integer constant of any shape.
pub fn integers(index: &GraphIndex, value: &str) -> Option<Vec<i64>> {
    Some(tensor_i64(index.constant(value)?, "").ok()?.1)
}

/// The value and the element type of a constant INT8 or UINT8 zero point with one element.
pub fn zero_point_value(index: &GraphIndex, value: &str) -> Option<(i64, DataType)> {
    let tensor = index.constant(value)?;
    let (_, bytes) = tensor_bytes_i8(tensor)?;
    match (bytes, DataType::try_from(tensor.data_type).ok()?) {
        ([byte], DataType::Int8) => Some((i64::from(*byte as i8), DataType::Int8)),
        ([byte], DataType::Uint8) => Some((i64::from(*byte), DataType::Uint8)),
        _ => None,
    }
}

/// Whether `values` is one number, equal to `expected` in FP32.
pub fn is_scalar(values: &[f32], expected: f32) -> bool {
    matches!(values, [value] if (value - expected).abs() <= 1e-6 * expected.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::GraphBuilder;

    fn model() -> pb::ModelProto {
        let mut g = GraphBuilder::new("test");
        let x = g.input("x", DataType::Float, &[]);
        let two = g.f32_scalar("two", 2.0);
        let deep = g.f32s("deep", &[1, 1, 1, 2], &[1.0, 2.0]);
        let (scale, zero) = (g.f32_scalar("scale", 0.5), g.u8_scalar("zero", 7));
        let alias = g.node("Identity", "alias", &[&two], &[]);
        g.node("Mul", "left", &[&alias, &x], &[]);
        g.node("Mul", "right", &[&x, &two], &[]);
        g.node("Mul", "constants", &[&two, &two], &[]);
        g.node("Add", "moved", &[&x, &deep], &[]);
        g.node("Relu", "relu", &[&x], &[]);
        let quantized = g.node("QuantizeLinear", "quantized", &[&x, &scale, &zero], &[]);
        g.output(&quantized, DataType::Uint8, &[]);
        g.finish(&[])
    }

    #[test]
    fn nodes_match_by_operator_inputs_and_constants() {
        let mut model = model();
        let graph = model.graph.as_mut().unwrap();
        graph.node.iter_mut().find(|node| node.name == "relu").unwrap().output.push("second".to_owned());
        let index = GraphIndex::new(graph);
        for value in ["left", "right"] {
            assert_eq!(with_constant(&index, value, "Mul"), Some(("x", vec![2.0])), "{value}");
        }
        assert_eq!(with_constant(&index, "left", "Add"), None);
        assert_eq!(with_constant(&index, "constants", "Mul"), None);
        assert_eq!(with_constant(&index, "moved", "Add"), None, "four dimensions");
        assert_eq!(input_of(&index, "relu", "Relu"), Some("x"));
        assert_eq!(input_of(&index, "second", "Relu"), None, "not the first output");
        assert_eq!(quantized(&index, "quantized"), Some(("x", 0.5, 7, DataType::Uint8)));
        assert_eq!(initializer(&index, "alias").map(|tensor| tensor.name.as_str()), Some("two"));
        assert!(initializer(&index, "x").is_none());
    }

    #[test]
    fn operators_of_other_domains_do_not_match() {
        let mut model = model();
        let graph = model.graph.as_mut().unwrap();
        graph.node.iter_mut().for_each(|node| node.domain = "com.example".to_owned());
        assert_eq!(input_of(&GraphIndex::new(graph), "relu", "Relu"), None);
    }
}
