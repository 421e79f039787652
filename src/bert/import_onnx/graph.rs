//! Walks a prepared graph backwards, and recognises its recurring parts: linear layers and layer normalizations.
//!
//! Exporters put Reshape, Cast, Identity and the like in many places. So most functions here look through operators
//! that keep the numbers of their input ([`keeps_numbers`]).

use crate::error::{Error, Result};
use crate::onnx::pattern::{self, inputs};
use crate::onnx::{GraphIndex, attribute_float, attribute_int, node_error, pb};
use std::collections::{BTreeSet, HashSet};

/// A prepared graph: without cycles, and each value is made once.
pub struct Graph<'a> {
    index: GraphIndex<'a>,
    /// The name of the ONNX file, for errors.
    pub file_name: &'a str,
    /// Whether scales and other single numbers, not only weights, were rounded to 16 bits.
    pub half: bool,
}

/// A linear layer: `x · W + b`.
#[derive(Clone, Copy)]
pub struct Linear<'a> {
    /// The MatMul or Gemm node.
    pub node: &'a pb::NodeProto,
    /// The value that it reads.
    pub input: &'a str,
    /// The constant matrix W.
    pub weight: &'a str,
    /// Whether W is stored as `[out, in]`, not `[in, out]`.
    pub out_first: bool,
    /// The constant bias, if any: some exporters leave out a bias of zeros.
    pub bias: Option<&'a str>,
}

/// A layer normalization over the features of each token.
#[derive(Clone, Copy)]
pub struct LayerNorm<'a> {
    /// Its last node.
    pub node: &'a pb::NodeProto,
    /// The value that it reads.
    pub input: &'a str,
    /// The constant gamma.
    pub gamma: &'a str,
    /// The constant beta.
    pub beta: &'a str,
    /// The number added to the variance.
    pub epsilon: f64,
}

impl<'a> Graph<'a> {
    /// Wraps an indexed graph. The parameters are its fields.
    pub fn new(index: GraphIndex<'a>, file_name: &'a str, half: bool) -> Self {
        Graph { index, file_name, half }
    }

    /// The graph's inputs. Inputs with a default, which is an initializer, count as constants.
    pub fn inputs(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.index.graph().input.iter().map(|i| i.name.as_str()).filter(|name| self.initializer(name).is_none())
    }

    /// The graph's nodes, each after the nodes that it reads.
    pub fn nodes(&self) -> &'a [pb::NodeProto] {
        &self.index.graph().node
    }

    /// The graph's output.
    pub fn output(&self) -> &'a str {
        self.index.graph().output.first().map_or("", |o| &o.name)
    }

    /// The initializer called `value`, if any.
    pub fn initializer(&self, value: &str) -> Option<&'a pb::TensorProto> {
        self.index.initializer(value)
    }

    /// The node whose first output is `value`.
    pub fn producer(&self, value: &str) -> Option<&'a pb::NodeProto> {
        pattern::producer(&self.index, value)
    }

    /// The value behind `value`, through any number of operators that keep its numbers.
    pub fn source(&self, value: &'a str) -> &'a str {
        let mut at = value;
        while let Some(node) = self.producer(at)
            && keeps_numbers(node)
            && let Some(input) = node.input.first()
        {
            at = input;
        }
        at
    }

    /// The node behind `value`, if it is an `op`. Looks through operators that keep the numbers.
    pub fn made_by(&self, value: &'a str, op: &str) -> Option<&'a pb::NodeProto> {
        pattern::made_by(&self.index, self.source(value), op)
    }

    /// The error for a graph in which something else than `expected` makes `value`.
    pub fn unexpected(&self, value: &str, expected: &str) -> Error {
        let problem = format!("stands where {expected} was expected; is this a BERT sequence classifier?");
        match self.index.producer(value) {
            Some(node) => self.error_at(node, problem),
            None => Error::file(self.file_name, format!("has the value `{value}`, which {problem}")),
        }
    }

    /// An error at `node`.
    pub fn error_at(&self, node: &pb::NodeProto, problem: impl Into<String>) -> Error {
        node_error(self.file_name, node, problem)
    }

    /// The two inputs of `node` as `(other, constant)`, if exactly one is constant.
    pub fn with_constant(&self, node: &'a pb::NodeProto) -> Option<(&'a str, &'a str)> {
        pattern::one_constant(node, |value| self.is_constant(value).then_some(value))
    }

    /// The linear layer whose last node makes `value`.
    pub fn linear_at(&self, value: &str) -> Option<Linear<'a>> {
        let node = self.producer(value)?;
        match node.op_type.as_str() {
            "Gemm" => {
                let (input, weight, bias) = match node.input.as_slice() {
                    [input, weight] => (input, weight, None),
                    [input, weight, bias] => (input, weight, Some(bias.as_str()).filter(|bias| !bias.is_empty())),
                    _ => return None,
                };
                let constant = |value: &str| self.is_constant(value);
                let known = constant(weight) && bias.is_none_or(constant) && attribute_int(node, "transA", 0) == 0;
                let out_first = attribute_int(node, "transB", 0) == 1;
                known.then_some(Linear { node, input, weight, out_first, bias })
            }
            "Add" => {
                let (product, bias) = self.with_constant(node)?;
                let linear = self.linear_at(self.source(product)).filter(|linear| linear.node.op_type == "MatMul")?;
                linear.bias.is_none().then_some(Linear { bias: Some(bias), ..linear })
            }
            "MatMul" => {
                let [input, weight] = inputs(node)?;
                self.is_constant(weight).then_some(Linear { node, input, weight, out_first: false, bias: None })
            }
            _ => None,
        }
    }

    /// The linear layer behind `value`.
    ///
    /// # Errors
    /// If there is none; `what` says what was expected.
    pub fn linear(&self, value: &'a str, what: &str) -> Result<Linear<'a>> {
        let value = self.source(value);
        self.linear_at(value).ok_or_else(|| {
            let form = "MatMul and Add, or Gemm, with constant weights";
            self.unexpected(value, &format!("{what} ({form})"))
        })
    }

    /// The layer normalization behind `value`: one LayerNormalization, or ReduceMean, Sub, Pow, Sqrt, Div, Mul and Add.
    pub fn layer_norm(&self, value: &'a str) -> Option<LayerNorm<'a>> {
        let node = self.producer(self.source(value))?;
        if node.op_type == "LayerNormalization" {
            let [input, gamma, beta] = node.input.as_slice() else { return None };
            let last = [-1, 2].contains(&attribute_int(node, "axis", -1));
            let epsilon = f64::from(attribute_float(node, "epsilon", 1e-5));
            return last.then_some(LayerNorm { node, input, gamma, beta, epsilon });
        }
        let add = (node.op_type == "Add").then_some(node)?;
        let (scaled, beta) = self.with_constant(add)?;
        let (normal, gamma) = self.with_constant(self.made_by(scaled, "Mul")?)?;
        let normal = self.producer(self.source(normal))?;
        let [centred, deviation] = inputs(normal)?;
        let deviation = match normal.op_type.as_str() {
            "Div" => deviation,
            "Mul" => self.made_by(deviation, "Reciprocal")?.input.first()?,
            _ => return None,
        };
        let shifted = match self.made_by(deviation, "Sqrt") {
            Some(sqrt) => sqrt.input.first()?,
            None => self.power(deviation, 0.5)?,
        };
        let (variance, epsilon) = self.with_constant(self.made_by(shifted, "Add")?)?;
        let square = self.made_by(variance, "ReduceMean")?.input.first()?;
        let squared = match self.power(square, 2.0) {
            Some(base) => base,
            None => match inputs(self.made_by(square, "Mul")?)? {
                [a, b] if self.source(a) == self.source(b) => a,
                _ => return None,
            },
        };
        let input = self.minus_mean(centred)?;
        let same = self.source(self.minus_mean(squared)?) == self.source(input);
        let epsilon = self.scalar(epsilon)?;
        same.then_some(LayerNorm { node, input, gamma, beta, epsilon })
    }

    /// The graph inputs on whose numbers `value` depends. Inputs of which only the shape matters do not count.
    pub fn inputs_behind(&self, value: &'a str) -> BTreeSet<&'a str> {
        let known: HashSet<&str> = self.inputs().collect();
        let mut found = BTreeSet::new();
        self.any_behind(value, |at| {
            found.extend(known.get(at));
            false
        });
        found
    }

    /// Whether `test` holds for `value`, or for a value on whose numbers it depends.
    pub fn any_behind(&self, value: &'a str, mut test: impl FnMut(&'a str) -> bool) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![value];
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            if test(at) {
                return true;
            }
            if let Some(node) = self.index.producer(at)
                && !["Shape", "Size"].contains(&node.op_type.as_str())
            {
                open.extend(node.input.iter().map(String::as_str));
            }
        }
        false
    }

    /// The base, if `value` is a power with this constant exponent.
    fn power(&self, value: &'a str, exponent: f64) -> Option<&'a str> {
        let [base, power] = inputs(self.made_by(value, "Pow")?)?;
        (self.scalar(power)? == exponent).then_some(base)
    }

    /// x, if `value` is `x - ReduceMean(x)`.
    fn minus_mean(&self, value: &'a str) -> Option<&'a str> {
        let [x, mean] = inputs(self.made_by(value, "Sub")?)?;
        let of = self.made_by(mean, "ReduceMean")?.input.first()?;
        (self.source(of) == self.source(x)).then_some(x)
    }
}

/// Whether `node` returns the numbers of its first input in the same order, in another shape or type.
pub fn keeps_numbers(node: &pb::NodeProto) -> bool {
    ["Identity", "Dropout", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"].contains(&node.op_type.as_str())
}
