//! Operators that rearrange elements, choose some, or make shapes.

use super::elementwise::broadcast_shape;
use super::value::Value;
use super::{Inputs, Outputs, axis};
use crate::onnx::{attribute, attribute_int, is_permutation, pb};

type Made = Result<Option<Value>, String>;

/// The axes of a node: its attribute `axes` in old operator sets, an input in new ones. `Err` if they are unknown, `Ok(None)` if it
/// has none.
fn axes(inputs: &Inputs) -> Result<Option<Vec<i64>>, ()> {
    match attribute(inputs.node, "axes") {
        Some(axes) => Ok(Some(axes.ints.clone())),
        None if inputs.has(1) => inputs.integers(1).map(|axes| Some(axes.to_vec())).ok_or(()),
        None => Ok(None),
    }
}

/// The positions of `axes` among `rank`, each once.
fn positions(axes: &[i64], rank: usize) -> Result<Vec<usize>, String> {
    let mut positions = axes.iter().map(|&at| axis(at, rank)).collect::<Result<Vec<_>, _>>()?;
    positions.sort_unstable();
    match positions.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("has the axis {} twice", pair[0])),
        None => Ok(positions),
    }
}

/// `value` with another shape of as many elements.
fn reshaped(value: &Value, shape: Vec<usize>) -> Value {
    Value { shape, integers: value.integers.clone() }
}

pub fn constant(node: &pb::NodeProto) -> Option<Value> {
    let given = |name: &str| attribute(node, name);
    if let Some(tensor) = given("value").and_then(|value| value.t.as_ref()) {
        return Value::of_tensor(tensor);
    }
    let integer = given("value_int").map(|value| Value::of_integers(vec![], vec![value.i]));
    let integers = || given("value_ints").map(|value| Value::of_integers(vec![value.ints.len()], value.ints.clone()));
    let float = || given("value_float").map(|_| Value::of_shape(vec![]));
    let floats = || given("value_floats").map(|value| Value::of_shape(vec![value.floats.len()]));
    integer.or_else(integers).or_else(float).or_else(floats)
}

pub fn shape(inputs: &Inputs) -> Option<Value> {
    let shape = inputs.shape(0)?;
    let rank = shape.len() as i64;
    // Positions beyond the ends are those of the ends.
    let bound = |name: &str, default: i64| {
        let at = attribute_int(inputs.node, name, default);
        (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize
    };
    let sizes = shape.get(bound("start", 0)..bound("end", rank)).unwrap_or_default();
    Some(Value::of_integers(vec![sizes.len()], sizes.iter().map(|&size| size as i64).collect()))
}

pub fn gather(inputs: &Inputs) -> Made {
    let (Some(data), Some(indices)) = (inputs.get(0), inputs.get(1)) else { return Ok(None) };
    let at = axis(attribute_int(inputs.node, "axis", 0), data.shape.len())?;
    let size = data.shape[at] as i64;
    let position = |index: i64| match index {
        index if (0..size).contains(&index) => Ok(index as usize),
        index if (-size..0).contains(&index) => Ok((index + size) as usize),
        index => Err(format!("reads the index {index} of `{}`, which has {size}", inputs.node.input[0])),
    };
    let positions = match &indices.integers {
        Some(indices) => Some(indices.iter().map(|&index| position(index)).collect::<Result<Vec<_>, _>>()?),
        None => None,
    };
    let mut shape = data.shape.clone();
    shape.splice(at..=at, indices.shape.iter().copied());
    let integers = match (&data.integers, positions) {
        (Some(integers), Some(positions)) if data.shape.len() == 1 => {
            Some(positions.into_iter().map(|position| integers[position]).collect())
        }
        _ => None,
    };
    Ok(Some(Value { shape, integers }))
}

pub fn concat(inputs: &Inputs) -> Made {
    let values: Option<Vec<&Value>> = (0..inputs.values.len()).map(|at| inputs.get(at)).collect();
    let Some(values) = values.filter(|values| !values.is_empty()) else { return Ok(None) };
    let mut shape = values[0].shape.clone();
    let at = axis(attribute_int(inputs.node, "axis", 0), shape.len())?;
    for value in &values[1..] {
        let others = |shape: &[usize]| shape.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, s)| *s).collect();
        let [mine, first]: [Vec<usize>; 2] = [&value.shape, &shape].map(|shape| others(shape));
        if value.shape.len() != shape.len() || mine != first {
            return Err(format!("joins tensors of the shapes {shape:?} and {:?}", value.shape));
        }
        shape[at] = shape[at].saturating_add(value.shape[at]);
    }
    let integers: Option<Vec<&[i64]>> = values.iter().map(|value| value.integers.as_deref()).collect();
    Ok(Some(match integers.filter(|_| shape.len() == 1) {
        Some(integers) => Value::of_integers(shape, integers.concat()),
        None => Value::of_shape(shape),
    }))
}

pub fn unsqueeze(inputs: &Inputs) -> Made {
    let (Some(value), Ok(Some(axes))) = (inputs.get(0), axes(inputs)) else { return Ok(None) };
    let positions = positions(&axes, value.shape.len() + axes.len())?;
    let mut shape = value.shape.clone();
    positions.into_iter().for_each(|at| shape.insert(at, 1));
    Ok(Some(reshaped(value, shape)))
}

pub fn squeeze(inputs: &Inputs) -> Made {
    let (Some(value), Ok(axes)) = (inputs.get(0), axes(inputs)) else { return Ok(None) };
    let mut shape = value.shape.clone();
    match axes {
        None => shape.retain(|size| *size != 1),
        Some(axes) => {
            for at in positions(&axes, shape.len())?.into_iter().rev() {
                if shape[at] != 1 {
                    return Err(format!("removes the axis {at} of a tensor of the shape {:?}", value.shape));
                }
                shape.remove(at);
            }
        }
    }
    Ok(Some(reshaped(value, shape)))
}

pub fn reshape(inputs: &Inputs) -> Made {
    let (Some(value), Some(target)) = (inputs.get(0), inputs.integers(1)) else { return Ok(None) };
    let bad = || format!("gives a tensor of the shape {:?} the shape {target:?}", value.shape);
    let copies = attribute_int(inputs.node, "allowzero", 0) == 0;
    let mut shape = Vec::new();
    for (at, &size) in target.iter().enumerate() {
        shape.push(match size {
            -1 => 1,
            0 if copies => *value.shape.get(at).ok_or_else(bad)?,
            size => usize::try_from(size).map_err(|_| bad())?,
        });
    }
    let rest = Value::of_shape(shape.clone()).checked_len().ok_or_else(bad)?;
    let mut open = (0..target.len()).filter(|at| target[*at] == -1);
    match (open.next(), open.next()) {
        (None, _) if rest == value.len() => {}
        (Some(at), None) if rest > 0 && value.len().is_multiple_of(rest) => shape[at] = value.len() / rest,
        _ => return Err(bad()),
    }
    Ok(Some(reshaped(value, shape)))
}

pub fn flatten(inputs: &Inputs) -> Made {
    let Some(value) = inputs.get(0) else { return Ok(None) };
    let at = attribute_int(inputs.node, "axis", 1);
    let rank = value.shape.len();
    let at = if at == rank as i64 { rank } else { axis(at, rank)? };
    let (rows, columns) = value.shape.split_at(at);
    Ok(Some(reshaped(value, vec![rows.iter().product(), columns.iter().product()])))
}

pub fn transpose(inputs: &Inputs) -> Made {
    let Some(value) = inputs.get(0) else { return Ok(None) };
    let shape = match attribute(inputs.node, "perm") {
        None => value.shape.iter().rev().copied().collect(),
        Some(perm) if perm.ints.len() == value.shape.len() && is_permutation(inputs.node) => {
            perm.ints.iter().map(|&at| value.shape[at as usize]).collect()
        }
        Some(perm) => {
            return Err(format!("turns a tensor of {} dimensions by the perm {:?}", value.shape.len(), perm.ints));
        }
    };
    Ok(Some(Value::of_shape(shape)))
}

pub fn reduce(inputs: &Inputs) -> Made {
    let (Some(mut shape), Ok(axes)) = (inputs.shape(0).map(<[usize]>::to_vec), axes(inputs)) else { return Ok(None) };
    let keeps = attribute_int(inputs.node, "keepdims", 1) != 0;
    let all = axes.as_ref().is_none_or(Vec::is_empty);
    if all && attribute_int(inputs.node, "noop_with_empty_axes", 0) != 0 {
        return Ok(Some(Value::of_shape(shape)));
    }
    let positions = if all { (0..shape.len()).collect() } else { positions(&axes.unwrap_or_default(), shape.len())? };
    for at in positions.into_iter().rev() {
        if keeps {
            shape[at] = 1;
        } else {
            shape.remove(at);
        }
    }
    Ok(Some(Value::of_shape(shape)))
}

/// The sizes that an input states, or what is wrong.
fn sizes(sizes: &[i64]) -> Result<Vec<usize>, String> {
    let sizes_or_none: Option<Vec<usize>> = sizes.iter().map(|&size| usize::try_from(size).ok()).collect();
    sizes_or_none.ok_or_else(|| format!("would make a tensor of the shape {sizes:?}"))
}

pub fn constant_of_shape(inputs: &Inputs) -> Made {
    let Some(shape) = inputs.integers(0) else { return Ok(None) };
    let value = Value::of_shape(sizes(shape)?);
    let fill = attribute(inputs.node, "value").and_then(|value| Value::of_tensor(value.t.as_ref()?)?.integers);
    Ok(Some(match (fill.as_deref(), value.checked_len()) {
        (Some([fill]), Some(len)) if len <= 64 => Value::of_integers(value.shape, vec![*fill; len]),
        _ => value,
    }))
}

pub fn expand(inputs: &Inputs) -> Made {
    let (Some(value), Some(target)) = (inputs.get(0), inputs.integers(1)) else { return Ok(None) };
    let target = sizes(target)?;
    let shape = broadcast_shape(&value.shape, &target);
    let shape = shape.ok_or_else(|| format!("stretches a tensor of the shape {:?} to {target:?}", value.shape))?;
    Ok(Some(Value::of_shape(shape)))
}

pub fn tile(inputs: &Inputs) -> Made {
    let (Some(shape), Some(repeats)) = (inputs.shape(0), inputs.integers(1)) else { return Ok(None) };
    let repeats = sizes(repeats)?;
    if repeats.len() != shape.len() {
        return Err(format!("repeats a tensor of {} dimensions along {}", shape.len(), repeats.len()));
    }
    Ok(Some(Value::of_shape(shape.iter().zip(repeats).map(|(size, count)| size.saturating_mul(count)).collect())))
}

pub fn range(inputs: &Inputs) -> Made {
    let one = |at: usize| match inputs.integers(at) {
        Some([number]) => Some(i128::from(*number)),
        _ => None,
    };
    let (Some(start), Some(limit), Some(step)) = (one(0), one(1), one(2)) else { return Ok(None) };
    if step == 0 {
        return Err("counts in steps of 0".to_owned());
    }
    let count = (limit - start + step - step.signum()) / step;
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    if count > 1 << 12 {
        return Ok(Some(Value::of_shape(vec![count])));
    }
    let numbers = (0..count).map(|at| (start + step * at as i128) as i64).collect();
    Ok(Some(Value::of_integers(vec![count], numbers)))
}

pub fn slice(inputs: &Inputs) -> Made {
    let Some(value) = inputs.get(0) else { return Ok(None) };
    let given = |name: &str, at: usize| match attribute(inputs.node, name) {
        Some(list) => Some(list.ints.clone()),
        None => inputs.integers(at).map(<[i64]>::to_vec),
    };
    let (Some(starts), Some(ends)) = (given("starts", 1), given("ends", 2)) else { return Ok(None) };
    let default = |at: usize, list: Vec<i64>| if inputs.has(at) { None } else { Some(list) };
    let axes = given("axes", 3).or_else(|| default(3, (0..starts.len() as i64).collect()));
    let steps = given("steps", 4).or_else(|| default(4, vec![1; starts.len()]));
    let (Some(axes), Some(steps)) = (axes, steps) else { return Ok(None) };
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err("has starts, ends, axes and steps of different numbers".to_owned());
    }
    positions(&axes, value.shape.len())?;
    let mut shape = value.shape.clone();
    let mut last = None;
    for (((start, end), at), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let at = axis(at, shape.len())?;
        let chosen = Chosen::new(shape[at], start, end, step)?;
        shape[at] = chosen.count;
        last = Some(chosen);
    }
    let integers = match (&value.integers, last) {
        (Some(integers), Some(chosen)) if shape.len() == 1 => Some(chosen.positions().map(|at| integers[at]).collect()),
        _ => None,
    };
    Ok(Some(Value { shape, integers }))
}

/// The elements that a slice chooses on one axis.
struct Chosen {
    first: i64,
    step: i64,
    count: usize,
}

impl Chosen {
    /// The elements of `size` from `start` to before `end`. Positions beyond the ends are those of the ends.
    fn new(size: usize, start: i64, end: i64, step: i64) -> Result<Self, String> {
        let len = size as i64;
        let bound = |at: i64, low: i64, high: i64| (if at < 0 { at.saturating_add(len) } else { at }).clamp(low, high);
        let (first, span) = match step {
            0 => return Err("has a step of 0".to_owned()),
            1.. => (bound(start, 0, len), bound(end, 0, len) - bound(start, 0, len)),
            _ if len == 0 => (0, 0),
            _ => (bound(start, 0, len - 1), bound(start, 0, len - 1) - bound(end, -1, len - 1)),
        };
        let count = span.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as usize;
        Ok(Chosen { first, step, count })
    }

    fn positions(&self) -> impl Iterator<Item = usize> {
        (0..self.count as i64).map(|at| (self.first + at * self.step) as usize)
    }
}

pub fn split(inputs: &Inputs) -> Outputs {
    let Some(shape) = inputs.shape(0) else { return Ok(vec![]) };
    let at = axis(attribute_int(inputs.node, "axis", 0), shape.len())?;
    let count = inputs.node.output.len();
    let given = match attribute(inputs.node, "split") {
        Some(list) => Some(list.ints.clone()),
        None if inputs.has(1) => match inputs.integers(1) {
            Some(list) => Some(list.to_vec()),
            None => return Ok(vec![]),
        },
        None => None,
    };
    let parts = match given {
        Some(list) => sizes(&list)?,
        None => {
            let each = shape[at].div_ceil(count.max(1));
            (0..count).map(|part| each.min(shape[at].saturating_sub(part * each))).collect()
        }
    };
    if parts.len() != count || parts.iter().fold(0usize, |sum, size| sum.saturating_add(*size)) != shape[at] {
        return Err(format!("splits {} elements into {parts:?}", shape[at]));
    }
    let part = |size: usize| {
        let mut shape = shape.to_vec();
        shape[at] = size;
        Some(Value::of_shape(shape))
    };
    Ok(parts.into_iter().map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_choose_what_python_chooses() {
        for (size, start, end, step, expected) in [
            (5, 1, 3, 1, vec![1, 2]),
            (5, -2, i64::MAX, 1, vec![3, 4]),
            (5, 0, 5, 2, vec![0, 2, 4]),
            (5, 4, i64::MIN, -2, vec![4, 2, 0]),
            (5, i64::MAX, -6, -1, vec![4, 3, 2, 1, 0]),
            (5, 3, 1, 1, vec![]),
            (0, -1, i64::MIN, -1, vec![]),
            (5, 1, 5, i64::MAX, vec![1]),
            (5, 3, i64::MIN, i64::MIN, vec![3]),
        ] {
            let chosen: Vec<usize> = Chosen::new(size, start, end, step).unwrap().positions().collect();
            assert_eq!(chosen, expected, "{size} {start} {end} {step}");
        }
        assert!(Chosen::new(5, 0, 5, 0).is_err());
    }
}
