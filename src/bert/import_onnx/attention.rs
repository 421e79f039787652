//! Recognises self-attention: walks from the merged heads back to query, key and value.

use super::graph::{Graph, Linear, keeps_numbers};
use crate::error::Result;
use crate::onnx::pattern::inputs;
use crate::onnx::{attribute, pb};

/// The most operators between a linear layer and a product of attention.
const DEPTH: usize = 14;
/// The most operators that scale and mask the scores.
const SCORES: usize = 8;

/// The self-attention of one layer.
pub struct Attention<'a> {
    /// The Softmax node.
    pub softmax: &'a pb::NodeProto,
    /// The linear layers of query, key and value.
    pub linears: [Linear<'a>; 3],
    /// The factors of the scores.
    pub factors: Vec<Factor<'a>>,
    /// The Reshape nodes after the linear layers of query, key and value, which split heads.
    pub reshapes: Vec<&'a pb::NodeProto>,
}

/// A number that scales the attention scores.
#[derive(Clone, Copy)]
pub struct Factor<'a> {
    /// The value that holds the number.
    pub value: &'a str,
    /// Whether the scores are divided by the number, not multiplied.
    pub divides: bool,
}

/// The scores `q · kᵀ`, scaled and masked.
struct Scores<'a> {
    query: Operand<'a>,
    key: Operand<'a>,
    factors: Vec<Factor<'a>>,
    masks: Vec<&'a str>,
}

/// An operand of a product of attention: the output of a linear layer, split into heads and perhaps scaled.
struct Operand<'a> {
    linear: Linear<'a>,
    factors: Vec<Factor<'a>>,
    /// In the order of the graph.
    reshapes: Vec<&'a pb::NodeProto>,
}

impl<'a> Graph<'a> {
    /// The self-attention that makes `context`, the input of the projection.
    pub fn attention(&self, context: &'a str) -> Result<Attention<'a>> {
        let at = self.through_transposes(context);
        let Some([weights, values]) = self.producer(at).filter(|n| n.op_type == "MatMul").and_then(inputs) else {
            return Err(self.unexpected(at, "the product of attention weights and values (MatMul)"));
        };
        let softmax = self.softmax(weights)?;
        let Some(value) = self.operand(values).filter(|value| value.factors.is_empty()) else {
            return Err(self.unexpected(values, "a value split into heads (a linear layer, Reshape, Transpose)"));
        };
        let input = softmax.input.first().map_or("", String::as_str);
        let Some(scores) = self.scores(input, SCORES) else {
            return Err(
                self.unexpected(input, "scaled attention scores with a mask (MatMul of query and key, Mul, Add)")
            );
        };
        let masks: Vec<_> = scores.masks.iter().map(|mask| (*mask, self.inputs_behind(mask))).collect();
        if let Some((mask, _)) = masks.iter().find(|(_, inputs)| inputs.len() > 1) {
            return Err(self.unexpected(mask, "a mask made of the input attention_mask alone"));
        }
        let Operand { linear: query, factors, reshapes } = scores.query;
        Ok(Attention {
            softmax,
            linears: [query, scores.key.linear, value.linear],
            factors: [scores.factors, factors, scores.key.factors].concat(),
            reshapes: [reshapes, scores.key.reshapes, value.reshapes].concat(),
        })
    }

    /// The number that `value` holds. The graph may compute it from the last dimension of a query, which is
    /// `head_size`.
    pub fn factor(&self, value: &'a str, head_size: f64, depth: usize) -> Option<f64> {
        if let Some(number) = self.scalar(value) {
            return Some(number);
        }
        let depth = depth.checked_sub(1)?;
        let node = self.producer(value)?;
        let input = |at: usize| node.input.get(at).and_then(|i| self.factor(i, head_size, depth));
        match node.op_type.as_str() {
            "Sqrt" => Some(input(0)?.sqrt()),
            "Reciprocal" => Some(1.0 / input(0)?),
            "Div" => Some(input(0)? / input(1)?),
            "Mul" => Some(input(0)? * input(1)?),
            "Pow" => Some(input(0)?.powf(input(1)?)),
            "Gather" | "Slice" => {
                self.made_by(node.input.first()?, "Shape")?;
                [-1.0, 3.0].contains(&self.scalar(node.input.get(1)?)?).then_some(head_size)
            }
            _ if keeps_numbers(node) => input(0),
            _ => None,
        }
    }

    /// The value behind `value`, through Transpose and operators that keep the numbers.
    fn through_transposes(&self, value: &'a str) -> &'a str {
        let mut at = self.source(value);
        while let Some(node) = self.producer(at).filter(|n| n.op_type == "Transpose")
            && let Some(input) = node.input.first()
        {
            at = self.source(input);
        }
        at
    }

    /// The Softmax behind the attention weights. Some exporters replace its NaNs by 0.
    fn softmax(&self, weights: &'a str) -> Result<&'a pb::NodeProto> {
        let mut at = self.source(weights);
        if let Some(node) = self.producer(at).filter(|n| n.op_type == "Where")
            && let [condition, zero, kept] = node.input.as_slice()
            && let Some([tested]) = self.made_by(condition, "IsNaN").map(|n| n.input.as_slice())
            && self.source(tested) == self.source(kept)
            && self.scalar(zero) == Some(0.0)
        {
            at = self.source(kept);
        }
        let last = |node: &pb::NodeProto| attribute(node, "axis").is_none_or(|a| [-1, 3].contains(&a.i));
        match self.producer(at).filter(|n| n.op_type == "Softmax" && last(n)) {
            Some(node) => Ok(node),
            None => Err(self.unexpected(at, "the softmax of attention scores over the last axis")),
        }
    }

    /// The scores that `value` is.
    fn scores(&self, value: &'a str, depth: usize) -> Option<Scores<'a>> {
        let depth = depth.checked_sub(1)?;
        let node = self.producer(value)?;
        let scaled = |tensor, value, divides| {
            let mut scores = self.scores(tensor, depth)?;
            scores.factors.push(Factor { value, divides });
            Some(scores)
        };
        let masked = |tensor, mask| {
            let mut scores = self.scores(tensor, depth)?;
            scores.masks.push(mask);
            Some(scores)
        };
        match node.op_type.as_str() {
            "MatMul" => {
                let [query, key] = inputs(node)?;
                let (query, key) = (self.operand(query)?, self.operand(key)?);
                Some(Scores { query, key, factors: Vec::new(), masks: Vec::new() })
            }
            "Mul" => {
                let [a, b] = inputs(node)?;
                scaled(a, b, false).or_else(|| scaled(b, a, false))
            }
            "Div" => {
                let [a, b] = inputs(node)?;
                scaled(a, b, true)
            }
            "Add" => {
                let [a, b] = inputs(node)?;
                masked(a, b).or_else(|| masked(b, a))
            }
            "Where" => {
                let [mask, a, b] = node.input.as_slice() else { return None };
                masked(a, mask).or_else(|| masked(b, mask))
            }
            _ if keeps_numbers(node) => self.scores(node.input.first()?, depth),
            _ => None,
        }
    }

    /// The operand that `value` is.
    fn operand(&self, value: &'a str) -> Option<Operand<'a>> {
        let (mut factors, mut reshapes) = (Vec::new(), Vec::new());
        let mut at = value;
        for _ in 0..DEPTH {
            if let Some(linear) = self.linear_at(at) {
                reshapes.reverse();
                return Some(Operand { linear, factors, reshapes });
            }
            let node = self.producer(at)?;
            let is_factor = |value| self.factor(value, 1.0, DEPTH).is_some();
            match (node.op_type.as_str(), node.input.as_slice()) {
                ("Mul", [x, factor]) | ("Mul", [factor, x]) if is_factor(factor) => {
                    factors.push(Factor { value: factor, divides: false });
                    at = x;
                }
                ("Div", [x, factor]) if is_factor(factor) => {
                    factors.push(Factor { value: factor, divides: true });
                    at = x;
                }
                (op, [x, ..]) if op == "Transpose" || keeps_numbers(node) => {
                    if op == "Reshape" {
                        reshapes.push(node);
                    }
                    at = x;
                }
                _ => return None,
            }
        }
        None
    }
}
