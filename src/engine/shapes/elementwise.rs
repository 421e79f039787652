//! Operators that work element by element, and normalisations.

use super::value::Value;
use super::{Inputs, axis};
use crate::onnx::{attribute_int, pb};
use pb::tensor_proto::DataType;

type Made = Result<Option<Value>, String>;

/// An operator whose output has the shape of its first input.
pub fn unary(inputs: &Inputs) -> Made {
    let Some(value) = inputs.get(0) else { return Ok(None) };
    let map = |f: fn(i64) -> i64| value.integers.as_ref().map(|all| all.iter().map(|&x| f(x)).collect());
    let integers = match inputs.node.op_type.as_str() {
        "Identity" => value.integers.clone(),
        "Cast" if is_integer(attribute_int(inputs.node, "to", 0)) => value.integers.clone(),
        "Neg" => map(i64::wrapping_neg),
        "Abs" => map(i64::wrapping_abs),
        "Not" => map(|x| i64::from(x == 0)),
        _ => None,
    };
    Ok(Some(Value { shape: value.shape.clone(), integers }))
}

/// Whether a cast to the element type `to` keeps integers.
fn is_integer(to: i64) -> bool {
    [DataType::Int64, DataType::Int32].iter().any(|kind| *kind as i64 == to)
}

pub fn softmax(inputs: &Inputs) -> Made {
    let Some(shape) = inputs.shape(0) else { return Ok(None) };
    axis(attribute_int(inputs.node, "axis", -1), shape.len())?;
    Ok(Some(Value::of_shape(shape.to_vec())))
}

pub fn layer_normalization(inputs: &Inputs) -> Made {
    let Some(shape) = inputs.shape(0) else { return Ok(None) };
    let first = axis(attribute_int(inputs.node, "axis", -1), shape.len())?;
    for at in 1..inputs.node.input.len().min(3) {
        let Some(parameter) = inputs.shape(at) else { continue };
        if broadcast_shape(parameter, &shape[first..]).as_deref() != Some(&shape[first..]) {
            return Err(mismatch(inputs, at, parameter, &shape[first..]));
        }
    }
    Ok(Some(Value::of_shape(shape.to_vec())))
}

/// Says that input number `at` has another shape than `expected`.
fn mismatch(inputs: &Inputs, at: usize, found: &[usize], expected: &[usize]) -> String {
    let name = &inputs.node.input[at];
    match (found, expected) {
        ([found], [.., expected]) => format!("reads `{name}` with {found} features where {expected} belong"),
        _ => format!("reads `{name}` of shape {found:?} where {expected:?} belongs"),
    }
}

/// An operator that stretches sizes of 1.
pub fn broadcast(inputs: &Inputs) -> Made {
    let mut shape: Vec<usize> = Vec::new();
    let mut known = true;
    // The largest first, so that an error names the smaller one.
    let mut order: Vec<usize> = (0..inputs.values.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(inputs.get(*at).map_or(0, Value::len)));
    for at in order {
        match inputs.shape(at) {
            Some(next) => {
                shape = broadcast_shape(&shape, next).ok_or_else(|| mismatch(inputs, at, next, &shape))?;
            }
            None => known = false,
        }
    }
    let integers = integers(inputs, &shape);
    Ok(known.then_some(Value { shape, integers }))
}

/// The integers of an arithmetic operator on integers.
fn integers(inputs: &Inputs, shape: &[usize]) -> Option<Vec<i64>> {
    let len: usize = shape.iter().product();
    let operands: Vec<&[i64]> = (0..inputs.values.len()).map(|at| inputs.integers(at)).collect::<Option<_>>()?;
    // Of two vectors with more than one element, the elements correspond; other stretching does not occur in sizes.
    operands.iter().all(|operand| operand.len() == 1 || operand.len() == len).then_some(())?;
    let element = |operand: &[i64], at: usize| operand[at.min(operand.len() - 1)];
    let pairwise = |f: fn(i64, i64) -> Option<i64>| match operands[..] {
        [a, b] => (0..len).map(|at| f(element(a, at), element(b, at))).collect(),
        _ => None,
    };
    match inputs.node.op_type.as_str() {
        "Add" => pairwise(i64::checked_add),
        "Sub" => pairwise(i64::checked_sub),
        "Mul" => pairwise(i64::checked_mul),
        "Div" => pairwise(i64::checked_div),
        "Equal" => pairwise(|a, b| Some(i64::from(a == b))),
        "Max" => pairwise(|a, b| Some(a.max(b))),
        "Min" => pairwise(|a, b| Some(a.min(b))),
        "Where" => match operands[..] {
            [condition, yes, no] => {
                Some((0..len).map(|at| element(if element(condition, at) != 0 { yes } else { no }, at)).collect())
            }
            _ => None,
        },
        _ => None,
    }
}

/// The shape of two values of which one or both are stretched, or `None` if they do not fit.
pub fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], at: usize| (at + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    (0..rank)
        .map(|at| match (size(a, at), size(b, at)) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        })
        .collect()
}

/// QuantizeLinear and DequantizeLinear: a scale for all, or one for each position on an axis.
pub fn per_axis(inputs: &Inputs) -> Made {
    let Some(shape) = inputs.shape(0) else { return Ok(None) };
    for at in 1..inputs.node.input.len().min(3) {
        if let Some([size]) = inputs.shape(at)
            && *size != 1
        {
            let axis = axis(attribute_int(inputs.node, "axis", 1), shape.len())?;
            if *size != shape[axis] {
                return Err(mismatch(inputs, at, &[*size], &shape[..=axis]));
            }
        }
    }
    Ok(Some(Value::of_shape(shape.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_one_are_stretched() {
        for (a, b, expected) in [
            (vec![2, 3], vec![3], Some(vec![2, 3])),
            (vec![2, 1], vec![1, 4], Some(vec![2, 4])),
            (vec![], vec![5], Some(vec![5])),
            (vec![2, 3], vec![2], None),
            (vec![0], vec![1], Some(vec![0])),
        ] {
            assert_eq!(broadcast_shape(&a, &b), expected, "{a:?} and {b:?}");
            assert_eq!(broadcast_shape(&b, &a), expected, "{b:?} and {a:?}");
        }
    }
}
