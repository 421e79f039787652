//! Recognises the activation between the two feed-forward layers, in the operators that bert8 writes.

use crate::activation::Activation;
use crate::onnx::GraphIndex;
use crate::onnx::pattern::*;

/// The input and the kind of the activation that makes `value`.
pub(super) fn activation<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(&'a str, Activation)> {
    if let Some(x) = input_of(index, value, "Relu") {
        return Some((x, Activation::Relu));
    }
    let (product, half) = with_constant(index, value, "Mul")?;
    let [a, b] = inputs(made_by(index, product, "Mul")?)?;
    let ((x, sum), (inner, one)) = with_constant(index, b, "Add")
        .map(|m| ((a, b), m))
        .or_else(|| with_constant(index, a, "Add").map(|m| ((b, a), m)))?;
    (is_scalar(&half, 0.5) && is_scalar(&one, 1.0) && x != sum).then_some(())?;
    if let Some(scaled) = input_of(index, inner, "Erf") {
        let [input, sqrt2] = inputs(made_by(index, scaled, "Div")?)?;
        let sqrt2 = floats(index, sqrt2)?;
        return (input == x && is_scalar(&sqrt2, std::f32::consts::SQRT_2)).then_some((x, Activation::Gelu));
    }
    let (inner, slope) = with_constant(index, input_of(index, inner, "Tanh")?, "Mul")?;
    let [first, cubic_term] = inputs(made_by(index, inner, "Add")?)?;
    let (cube, cubic) = with_constant(index, cubic_term, "Mul")?;
    let [square, third] = inputs(made_by(index, cube, "Mul")?)?;
    let powers = inputs(made_by(index, square, "Mul")?)? == [x, x] && third == x && first == x;
    let constants = is_scalar(&cubic, 0.044715) && is_scalar(&slope, (2.0 / std::f32::consts::PI).sqrt());
    (powers && constants).then_some((x, Activation::GeluTanh))
}
