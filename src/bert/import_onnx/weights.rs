//! Collects the weights by their Hugging Face names.

use super::constants::matrix;
use super::graph::{Graph, LayerNorm, Linear};
use crate::bert::transpose;
use crate::error::{Error, Result};
use crate::onnx::attribute_float;
use std::collections::BTreeMap;

/// Layers may share weights, which are then loaded several times. This limits how many values per byte of the file may
/// be loaded.
const UNFOLDING: usize = 16;

/// The weights found so far.
pub struct Weights<'g, 'a> {
    graph: &'g Graph<'a>,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    budget: usize,
}

impl<'g, 'a> Weights<'g, 'a> {
    /// An empty collection, for a file of `file_size` bytes.
    pub fn new(graph: &'g Graph<'a>, file_size: usize) -> Self {
        Weights { graph, tensors: BTreeMap::new(), budget: file_size.saturating_mul(UNFOLDING) }
    }

    /// The shape and the values of each weight, by name.
    pub fn finish(self) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
        self.tensors
    }

    /// The values of the weight `name` found so far; `None` if there is no such weight.
    pub fn values(&self, name: &str) -> Option<&[f32]> {
        self.tensors.get(name).map(|(_, values)| values.as_slice())
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// If far more values have been loaded than the file has.
    pub fn add(&mut self, name: &str, shape: Vec<usize>, values: Vec<f32>) -> Result<()> {
        self.budget = self.budget.checked_sub(values.len()).ok_or_else(|| {
            Error::file(self.graph.file_name, "uses the same weights in too many layers; is the file damaged?")
        })?;
        self.tensors.insert(name.to_owned(), (shape, values));
        Ok(())
    }

    /// Adds `{name}.weight` as `[out, in]`, and `{name}.bias`. Returns the number of outputs.
    pub fn linear(&mut self, name: &str, linear: &Linear<'a>) -> Result<usize> {
        for factor in ["alpha", "beta"] {
            let value = attribute_float(linear.node, factor, 1.0);
            if value != 1.0 {
                return Err(self.graph.error_at(linear.node, format!("has {factor} {value}, expected 1")));
            }
        }
        let (shape, values) = self.graph.floats(linear.weight)?;
        let [rows, cols] = matrix(&shape, linear.weight, self.graph.file_name)?;
        let (shape, values) =
            if linear.out_first { (vec![rows, cols], values) } else { (vec![cols, rows], transpose(&values, rows)) };
        let out = shape[0];
        self.add(&format!("{name}.weight"), shape, values)?;
        let bias = format!("{name}.bias");
        match linear.bias {
            Some(value) => self.vector(&bias, value)?,
            None => self.add(&bias, vec![out], vec![0.0; out])?,
        }
        Ok(out)
    }

    /// Adds `{name}.weight` and `{name}.bias`.
    pub fn layer_norm(&mut self, name: &str, norm: &LayerNorm<'a>) -> Result<()> {
        self.vector(&format!("{name}.weight"), norm.gamma)?;
        self.vector(&format!("{name}.bias"), norm.beta)
    }

    /// Adds the constant `value`, without leading dimensions of 1.
    fn vector(&mut self, name: &str, value: &'a str) -> Result<()> {
        let (mut shape, values) = self.graph.floats(value)?;
        while shape.len() > 1 && shape[0] == 1 {
            shape.remove(0);
        }
        self.add(name, shape, values)
    }
}
