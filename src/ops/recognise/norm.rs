//! Recognises the LayerNorm of a sum.

use crate::onnx::pattern::*;
use crate::onnx::{GraphIndex, attribute_float, attribute_int};

/// `LayerNormalization(a + b)` over the last axis.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ops) struct NormPart<'a> {
    /// The first term.
    pub a: &'a str,
    /// The second term.
    pub b: &'a str,
    /// The factor of each feature.
    pub gamma: Vec<f32>,
    /// The offset of each feature.
    pub beta: Vec<f32>,
    /// The number added to the variance.
    pub epsilon: f32,
}

/// The LayerNorm that makes `value`.
pub(super) fn norm<'a>(index: &GraphIndex<'a>, value: &str) -> Option<NormPart<'a>> {
    let node = made_by(index, value, "LayerNormalization")?;
    let [sum, gamma, beta] = inputs(node)?;
    let [a, b] = inputs(made_by(index, sum, "Add")?)?;
    let (gamma, beta) = (floats(index, gamma)?, floats(index, beta)?);
    let epsilon = attribute_float(node, "epsilon", 1e-5);
    let last_axis = attribute_int(node, "axis", -1) == -1 && node.output.len() == 1;
    (last_axis && gamma.len() == beta.len()).then_some(NormPart { a, b, gamma, beta, epsilon })
}
