//! Matrix products.

use super::Inputs;
use super::elementwise::broadcast_shape;
use super::value::Value;
use crate::onnx::attribute_int;

type Made = Result<Option<Value>, String>;

/// The product of the inputs number `a` and `b`, which may be stacks of matrices.
pub fn matmul(inputs: &Inputs, a: usize, b: usize) -> Made {
    let (Some(left), Some(right)) = (inputs.shape(a), inputs.shape(b)) else { return Ok(None) };
    let ([.., columns], [first, ..]) = (left, right) else {
        return Err("multiplies a single number; expected matrices".to_owned());
    };
    let rows = if right.len() == 1 { *first } else { right[right.len() - 2] };
    if *columns != rows {
        return Err(format!("reads `{}` with {columns} features where {rows} belong", inputs.node.input[a]));
    }
    let stacks = [left, right].map(|shape| &shape[..shape.len().saturating_sub(2)]);
    let Some(mut shape) = broadcast_shape(stacks[0], stacks[1]) else {
        return Err(format!("multiplies {left:?} by {right:?}"));
    };
    if left.len() > 1 {
        shape.push(left[left.len() - 2]);
    }
    if right.len() > 1 {
        shape.push(right[right.len() - 1]);
    }
    Ok(Some(Value::of_shape(shape)))
}

pub fn gemm(inputs: &Inputs) -> Made {
    let (Some(a), Some(b)) = (inputs.shape(0), inputs.shape(1)) else { return Ok(None) };
    let turned = |shape: &[usize], name: &str| match (shape, attribute_int(inputs.node, name, 0)) {
        ([rows, columns], 0) => Ok([*rows, *columns]),
        ([rows, columns], _) => Ok([*columns, *rows]),
        _ => Err(format!("multiplies a tensor of the shape {shape:?}; expected a matrix")),
    };
    let ([rows, features], [inner, columns]) = (turned(a, "transA")?, turned(b, "transB")?);
    if features != inner {
        return Err(format!("reads `{}` with {features} features where {inner} belong", inputs.node.input[0]));
    }
    let shape = vec![rows, columns];
    match inputs.shape(2) {
        Some(bias) if broadcast_shape(bias, &shape).as_ref() != Some(&shape) => {
            Err(format!("adds a tensor of the shape {bias:?} to {shape:?}"))
        }
        _ => Ok(Some(Value::of_shape(shape))),
    }
}
