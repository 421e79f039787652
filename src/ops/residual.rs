//! `Bert8ResidualNorm`: a linear layer in integers, the residual and the LayerNorm, also quantized for the next
//! product.

use super::attributes::NodeReader;
use super::both_forms::{self, encoded};
use super::fused_op::{FusedOp, Output, values};
use super::recognise::{IntegerLinear, NormPart, Quantized};
use crate::kernels::{Kernel, ResidualNorm};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Inputs: rows in the kernel's encoded form, FP32 residual rows. Outputs: FP32 rows, and the same
/// in the encoded form if they are quantized.
pub(super) const OP: &str = "Bert8ResidualNorm";

/// Writes the node that computes the rows `y` from the encoded form of the rows `x` and from `residual`. The rows of
/// `x` are `heads` heads, each padded (1: no heads).
pub(super) fn node(
    kernel: Kernel,
    [x, residual]: [&str; 2],
    y: &str,
    layer: &IntegerLinear,
    heads: usize,
    norm: &NormPart,
    output: Option<&Quantized>,
) -> NodeProto {
    both_forms::node(OP, kernel, &[&encoded(x), residual], y, output.is_some())
        .linear("linear", layer)
        .count("heads", heads)
        .norm(norm, output)
        .finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<ResidualNormOp> {
    let node = NodeReader::new(node);
    let linear = node.linear("linear")?.with_input_heads(node.kernel()?, node.count("heads")?)?;
    let norm = node.norm()?;
    let (features, outputs) = (norm.features(), linear.outputs());
    ensure!(features == outputs, "the norm is over {features} features, but the layer has {outputs} outputs");
    Ok(ResidualNormOp(ResidualNorm::new(linear, norm)))
}

#[derive(Debug, PartialEq)]
pub(super) struct ResidualNormOp(ResidualNorm);

impl FusedOp for ResidualNormOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        let linear = self.0.linear();
        vec![(DatumType::U8, Some(linear.input_bytes())), (DatumType::F32, Some(linear.outputs()))]
    }

    fn outputs(&self) -> Vec<Output> {
        both_forms::outputs(self.0.norm(), self.0.linear().kernel())
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let (a, residual) = (values(&inputs[0])?, values(&inputs[1])?);
        ensure!(inputs[0].shape()[0] == inputs[1].shape()[0], "the residual has another number of rows");
        both_forms::fill(outputs, |rows, encoded| self.0.run(a, residual, rows, encoded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::samples;

    #[test]
    fn a_node_is_read_as_written() {
        let weights = samples::weights("w", 32, 16);
        let (kernel, layer, norm) = (Kernel::detect(), samples::linear(&weights), samples::norm(16));
        for output in [None, Some(samples::quantized(16))] {
            let node = node(kernel, ["x", "r"], "y", &layer, 4, &norm, output.as_ref());
            assert_eq!(node.input, ["x.encoded", "r"]);
            assert_eq!(node.output, ["y", "y.encoded"][..1 + usize::from(output.is_some())]);
            let read = read(&samples::with_tensors(node, [weights.clone()])).unwrap();
            let norm = samples::layer_norm(&norm, output.as_ref());
            assert_eq!(read, ResidualNormOp(ResidualNorm::new(samples::layer(kernel, &layer), norm)));
        }
    }
}
