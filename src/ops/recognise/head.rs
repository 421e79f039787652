//! Recognises the linear layers of a head.

use super::activation::activation;
use super::linear::{FloatLinear, float};
use crate::activation::{Activation, HeadActivation};
use crate::onnx::GraphIndex;
use crate::onnx::pattern::*;
use std::collections::{HashMap, HashSet};

/// A linear layer of a head, with an activation function, if any.
#[derive(Debug, PartialEq)]
pub(in crate::ops) struct DensePart<'a> {
    /// The linear layer.
    pub linear: FloatLinear<'a>,
    /// The activation function.
    pub activation: Option<HeadActivation>,
}

/// The linear layers that follow the row `pooled` one after the other, by the values that they make.
pub(in crate::ops) fn head<'a>(index: &GraphIndex<'a>, pooled: &'a str) -> HashMap<&'a str, DensePart<'a>> {
    let (mut rows, mut parts) = (HashSet::from([pooled]), HashMap::new());
    for value in index.graph().node.iter().flat_map(|node| &node.output) {
        if let Some(part) = dense(index, value).filter(|part| rows.contains(part.linear.x)) {
            rows.insert(value.as_str());
            parts.insert(value.as_str(), part);
        }
    }
    parts
}

/// The linear layer, with or without an activation, that makes `value`.
fn dense<'a>(index: &GraphIndex<'a>, value: &str) -> Option<DensePart<'a>> {
    if let Some(linear) = float(index, value) {
        return Some(DensePart { linear, activation: None });
    }
    let (sum, activation) = match input_of(index, value, "Tanh") {
        Some(x) => (x, HeadActivation::Tanh),
        None => match activation(index, value)? {
            (x, Activation::Relu) => (x, HeadActivation::Relu),
            (x, Activation::Gelu) => (x, HeadActivation::Gelu),
            (_, Activation::GeluTanh) => return None,
        },
    };
    Some(DensePart { linear: float(index, sum)?, activation: Some(activation) })
}
