//! Linear layers of heads: `weights`, `bias` and, if any, `head_activation`.

use super::{NodeReader, NodeWriter};
use crate::activation::HeadActivation;
use crate::kernels::Dense;
use crate::ops::recognise::DensePart;
use tract_onnx::tract_hir::internal::*;

/// The names of activations of heads in fused nodes.
const ACTIVATIONS: [(HeadActivation, &str); 3] =
    [(HeadActivation::Tanh, "tanh"), (HeadActivation::Relu, "relu"), (HeadActivation::Gelu, "gelu")];

impl NodeWriter {
    /// Adds a linear layer of a head.
    pub fn dense(self, part: &DensePart) -> Self {
        let writer = self.tensor("weights", part.linear.weights).tensor("bias", part.linear.bias);
        match ACTIVATIONS.iter().find(|(known, _)| Some(*known) == part.activation) {
            Some((_, name)) => writer.string("head_activation", name),
            None => writer,
        }
    }
}

impl NodeReader<'_> {
    /// The weights `[inputs, outputs]` and the bias `[outputs]` of a linear layer in FP32.
    pub fn weights_and_bias(&self) -> TractResult<(Vec<f32>, Vec<f32>)> {
        let ((shape, weights), (_, bias)) = (self.float_tensor("weights")?, self.float_tensor("bias")?);
        let fits = shape.len() == 2 && !weights.is_empty() && shape[1] == bias.len();
        ensure!(fits, "weights of shape {shape:?} do not fit a bias of {} values", bias.len());
        Ok((weights, bias))
    }

    /// A linear layer of a head.
    pub fn dense(&self) -> TractResult<Dense> {
        let (weights, bias) = self.weights_and_bias()?;
        let name = self.0.get_attr_opt::<&str>("head_activation")?;
        let known = |name| ACTIVATIONS.iter().find(|(_, known)| *known == name);
        let activation = name.map(|name| known(name).with_context(|| format!("unknown activation {name}")));
        Ok(Dense::new(self.kernel()?, &weights, &bias, activation.transpose()?.map(|(activation, _)| *activation)))
    }
}
