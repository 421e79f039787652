//! Recognises the activation of a feed-forward block or a head by its values: evaluates the operators between two linear layers at sample
//! points, and compares the results with known activations. So it does not matter how the graph writes GELU.

use super::graph::{Graph, Linear, keeps_numbers};
use crate::activation::Activation;
use crate::bert::HeadActivation;
use crate::error::Result;
use crate::onnx::{attribute, pb};
use std::collections::HashMap;

/// The most nodes of an activation.
const NODES: usize = 48;
/// The largest difference from an activation's definition. Exported graphs round their constants to FP32.
const TOLERANCE: f64 = 2e-5;
/// The same for graphs with constants of 16 bits. GELU and its tanh approximation differ by more.
const HALF_TOLERANCE: f64 = 2e-4;

impl<'a> Graph<'a> {
    /// The feed-forward activation that makes `value`, and the linear layer that it is applied to.
    pub fn activation(&self, value: &'a str) -> Result<(Activation, Linear<'a>)> {
        let known = [Activation::Gelu, Activation::GeluTanh, Activation::Relu];
        let expected = "an activation (GELU, its tanh approximation, or ReLU) on a linear layer";
        self.fitting(value, known.map(|kind| (kind, move |x| define(kind, x))), expected)
    }

    /// The activation of a head that makes `value`, and the linear layer that it is applied to.
    pub fn head_activation(&self, value: &'a str) -> Result<(HeadActivation, Linear<'a>)> {
        let known = [HeadActivation::Tanh, HeadActivation::Relu, HeadActivation::Gelu];
        let expected =
            "the first token, the mean of all tokens, or an activation (tanh, ReLU or GELU) on a linear layer";
        self.fitting(value, known.map(|kind| (kind, move |x| define_head(kind, x))), expected)
    }

    /// Finds which of the functions `known` makes `value`, and the linear layer that it is applied to.
    fn fitting<K: Copy, const N: usize>(
        &self,
        value: &'a str,
        known: [(K, impl Fn(f64) -> f64); N],
        expected: &str,
    ) -> Result<(K, Linear<'a>)> {
        let Some((root, linear)) = self.activation_root(value) else {
            return Err(self.unexpected(self.source(value), expected));
        };
        let mut worst = [0f64; N];
        for step in -16..=16 {
            let x = f64::from(step) / 4.0;
            let Some(y) = self.evaluate(value, &mut HashMap::from([(root, x)]), NODES) else {
                return Err(self.unexpected(self.source(value), expected));
            };
            for (worst, (_, function)) in worst.iter_mut().zip(&known) {
                let difference = (y - function(x)).abs();
                *worst = if difference.is_nan() { f64::INFINITY } else { worst.max(difference) };
            }
        }
        let tolerance = if self.half { HALF_TOLERANCE } else { TOLERANCE };
        match worst.iter().position(|&worst| worst < tolerance) {
            Some(at) => Ok((known[at].0, linear)),
            None => Err(self.unexpected(self.source(value), expected)),
        }
    }

    /// The output of the only linear layer behind `value`, and the layer.
    fn activation_root(&self, value: &'a str) -> Option<(&'a str, Linear<'a>)> {
        let mut found = None;
        let mut seen = Vec::new();
        let mut open = vec![value];
        while let Some(at) = open.pop() {
            if seen.contains(&at) || self.is_constant(at) {
                continue;
            }
            seen.push(at);
            if let Some(linear) = self.linear_at(at) {
                if found.is_some() {
                    return None;
                }
                found = Some((at, linear));
                continue;
            }
            if seen.len() > NODES {
                return None;
            }
            open.extend(numbers_of(self.producer(at)?).iter().filter(|i| !i.is_empty()).map(String::as_str));
        }
        found
    }

    /// Evaluates `value` from the numbers in `known`, through at most `depth` operators in a row.
    fn evaluate(&self, value: &'a str, known: &mut HashMap<&'a str, f64>, depth: usize) -> Option<f64> {
        if let Some(&number) = known.get(value) {
            return Some(number);
        }
        let number = match self.scalar(value) {
            Some(number) => number,
            None => {
                let node = self.producer(value)?;
                let depth = depth.checked_sub(1)?;
                let mut numbers = Vec::new();
                for input in numbers_of(node) {
                    numbers.push(self.evaluate(input, known, depth)?);
                }
                apply(node, &numbers)?
            }
        };
        known.insert(value, number);
        Some(number)
    }
}

/// The inputs whose numbers enter the result of `node`. The shape of a Reshape does not.
fn numbers_of(node: &pb::NodeProto) -> &[String] {
    if keeps_numbers(node) { &node.input[..node.input.len().min(1)] } else { &node.input }
}

/// The result of the elementwise operator `node` for the inputs `x`.
fn apply(node: &pb::NodeProto, x: &[f64]) -> Option<f64> {
    Some(match (node.op_type.as_str(), x) {
        ("Add", &[a, b]) => a + b,
        ("Sub", &[a, b]) => a - b,
        ("Mul", &[a, b]) => a * b,
        ("Div", &[a, b]) => a / b,
        ("Pow", &[a, b]) => a.powf(b),
        ("Neg", &[a]) => -a,
        ("Sqrt", &[a]) => a.sqrt(),
        ("Tanh", &[a]) => a.tanh(),
        ("Erf", &[a]) => erf(a),
        ("Sigmoid", &[a]) => 1.0 / (1.0 + (-a).exp()),
        ("Max", &[a, b]) => a.max(b),
        ("Relu", &[a]) => define(Activation::Relu, a),
        ("Gelu", &[a]) => match attribute(node, "approximate").map(|a| a.s.as_slice()) {
            None | Some(b"none") => define(Activation::Gelu, a),
            Some(b"tanh") => define(Activation::GeluTanh, a),
            Some(_) => return None,
        },
        (_, &[a]) if keeps_numbers(node) => a,
        _ => return None,
    })
}

/// The definition of an activation.
fn define(kind: Activation, x: f64) -> f64 {
    match kind {
        Activation::Gelu => 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2)),
        Activation::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
        Activation::Relu => x.max(0.0),
    }
}

/// The definition of a head's activation.
fn define_head(kind: HeadActivation, x: f64) -> f64 {
    match kind {
        HeadActivation::Tanh => x.tanh(),
        HeadActivation::Relu => define(Activation::Relu, x),
        HeadActivation::Gelu => define(Activation::Gelu, x),
    }
}

/// The error function to 2·10⁻⁷ (Abramowitz and Stegun 7.1.26).
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.3275911 * x.abs());
    let series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
    let sum = series.iter().fold(0.0, |sum, c| sum * t + c) * t;
    (1.0 - sum * (-x * x).exp()).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_is_close() {
        for (x, y) in [(0.0, 0.0), (0.5, 0.5204998778), (-1.0, -0.8427007929), (3.0, 0.9999779095)] {
            assert!((erf(x) - y).abs() < 2e-7, "erf({x}) = {}", erf(x));
        }
    }

    #[test]
    fn the_activations_differ_by_more_than_the_tolerance() {
        let differ = |a, b| {
            (-16..=16)
                .any(|s| (define(a, f64::from(s) / 4.0) - define(b, f64::from(s) / 4.0)).abs() > 2.0 * HALF_TOLERANCE)
        };
        assert!(differ(Activation::Gelu, Activation::GeluTanh));
        assert!(differ(Activation::Gelu, Activation::Relu));
    }
}
