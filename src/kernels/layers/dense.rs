//! A linear layer in FP32 for a row of each sequence, such as the layers of a head.

use super::activate::Activate;
use super::math::{Exp, tanh};
use crate::activation::{Activation, HeadActivation};
use crate::kernels::isa::{Dot, Kernel, LANES, Lanes, Task};

/// Panels whose sums are computed together. Additions to one sum wait for each other; those to others do not.
const PANELS: usize = 4;

/// A linear layer in FP32 with an optional activation: `activation(x · weights + bias)`.
///
/// Every output is the sum of its products in the order of the inputs, plus the bias. So the results are the same bits on every
/// kernel. Layers that read all tokens are better multiplied in tiles.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    kernel: Kernel,
    inputs: usize,
    outputs: usize,
    /// For each panel of 8 outputs, the weights of every input. Outputs are padded with zeros.
    weights: Vec<[f32; LANES]>,
    bias: Vec<[f32; LANES]>,
    activation: Option<HeadActivation>,
}

impl Dense {
    /// Returns the layer of `weights`, `[inputs, outputs]` row by row, with one `bias` for each output.
    ///
    /// # Panics
    /// If there are no weights, or not a whole row of them for every input.
    pub fn new(kernel: Kernel, weights: &[f32], bias: &[f32], activation: Option<HeadActivation>) -> Self {
        let outputs = bias.len();
        assert!(outputs > 0 && !weights.is_empty(), "a linear layer has inputs and outputs");
        assert!(weights.len().is_multiple_of(outputs), "every input has one weight for each output");
        let panel = |row: &[f32], first: usize| -> [f32; LANES] {
            std::array::from_fn(|lane| row.get(first + lane).copied().unwrap_or(0.0))
        };
        let firsts = || (0..outputs).step_by(LANES);
        Dense {
            kernel,
            inputs: weights.len() / outputs,
            outputs,
            weights: firsts().flat_map(|first| weights.chunks(outputs).map(move |row| panel(row, first))).collect(),
            bias: firsts().map(|first| panel(bias, first)).collect(),
            activation,
        }
    }

    /// Returns the number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Returns the number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Computes the rows `out`, `[rows, outputs]`, from the rows `x`, `[rows, inputs]`.
    ///
    /// # Panics
    /// If the slices are not as many whole rows.
    pub fn run(&self, x: &[f32], out: &mut [f32]) {
        struct Rows<'a>(&'a Dense, &'a [f32], &'a mut [f32]);
        impl Task for Rows<'_> {
            type Output = ();
            #[inline(always)]
            fn run<D: Dot>(self, dot: D) {
                let Rows(layer, x, out) = self;
                for (x, out) in x.chunks_exact(layer.inputs).zip(out.chunks_exact_mut(layer.outputs)) {
                    layer.row(dot.lanes(), x, out);
                }
            }
        }
        let fits = x.len().is_multiple_of(self.inputs) && out.len() == x.len() / self.inputs * self.outputs;
        assert!(fits, "one row of outputs for each row of inputs");
        self.kernel.run(Rows(self, x, out));
    }

    /// Computes one row.
    #[inline(always)]
    fn row<L: Lanes>(&self, l: L, x: &[f32], out: &mut [f32]) {
        let weights = self.weights.chunks(PANELS * self.inputs);
        let outputs = out.chunks_mut(PANELS * LANES);
        for ((weights, bias), out) in weights.zip(self.bias.chunks(PANELS)).zip(outputs) {
            let sums = match bias.len() {
                PANELS => self.sums::<L, PANELS>(l, x, weights),
                _ => {
                    let mut sums = [l.splat(0.0); PANELS];
                    for (sum, weights) in sums.iter_mut().zip(weights.chunks(self.inputs)) {
                        [*sum] = self.sums::<L, 1>(l, x, weights);
                    }
                    sums
                }
            };
            for ((sum, bias), out) in sums.into_iter().zip(bias).zip(out.chunks_mut(LANES)) {
                let y = self.activate(l, l.add(sum, l.load(bias)));
                out.copy_from_slice(&l.to_array(y)[..out.len()]);
            }
        }
    }

    /// Returns the sums of products of `N` panels.
    #[inline(always)]
    fn sums<L: Lanes, const N: usize>(&self, l: L, x: &[f32], weights: &[[f32; LANES]]) -> [L::F32; N] {
        let panels: [&[[f32; LANES]]; N] = std::array::from_fn(|at| &weights[at * self.inputs..][..self.inputs]);
        let mut sums = [l.splat(0.0); N];
        for (input, &x) in x.iter().enumerate() {
            let x = l.splat(x);
            for (sum, panel) in sums.iter_mut().zip(panels) {
                *sum = l.mul_add(x, l.load(&panel[input]), *sum);
            }
        }
        sums
    }

    #[inline(always)]
    fn activate<L: Lanes>(&self, l: L, x: L::F32) -> L::F32 {
        match self.activation {
            None => x,
            Some(HeadActivation::Tanh) => tanh(l, x, Exp::new()),
            Some(HeadActivation::Relu) => Activate::new(Activation::Relu).apply(l, x),
            Some(HeadActivation::Gelu) => Activate::new(Activation::Gelu).apply(l, x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::activate::tests::erf;
    use super::*;

    fn values(count: usize, step: f32) -> Vec<f32> {
        // Sums stay within ±4, where the test's error function is accurate.
        (0..count).map(|i| 0.5 * (i as f32 * step).sin()).collect()
    }

    #[test]
    fn results_follow_the_formula_and_are_the_same_bits_on_every_kernel() {
        for (inputs, outputs) in [(1, 1), (24, 2), (5, 8), (17, 33), (64, 64), (3, 41)] {
            let (weights, bias, x) = (values(inputs * outputs, 0.37), values(outputs, 1.3), values(3 * inputs, 0.71));
            for activation in [None, Some(HeadActivation::Tanh), Some(HeadActivation::Relu), Some(HeadActivation::Gelu)]
            {
                let run = |kernel| {
                    let mut out = vec![f32::NAN; 3 * outputs];
                    Dense::new(kernel, &weights, &bias, activation).run(&x, &mut out);
                    out
                };
                let expected = run(Kernel::SCALAR);
                for kernel in Kernel::all() {
                    let bits = |out: Vec<f32>| out.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                    assert_eq!(bits(run(kernel)), bits(expected.clone()), "{}", kernel.name());
                }
                for (at, &y) in expected.iter().enumerate() {
                    let (row, output) = (at / outputs, at % outputs);
                    let sum = (0..inputs)
                        .map(|k| f64::from(x[row * inputs + k]) * f64::from(weights[k * outputs + output]))
                        .sum::<f64>()
                        + f64::from(bias[output]);
                    let exact = match activation {
                        None => sum,
                        Some(HeadActivation::Tanh) => sum.tanh(),
                        Some(HeadActivation::Relu) => sum.max(0.0),
                        Some(HeadActivation::Gelu) => sum * 0.5 * (1.0 + erf(sum / std::f64::consts::SQRT_2)),
                    };
                    // 64 f32 terms of at most 1, and GELU's own bound.
                    assert!((f64::from(y) - exact).abs() < 2e-5, "{inputs} × {outputs}: {y}, not {exact}");
                }
            }
        }
    }
}
