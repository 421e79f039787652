//! `Bert8SumNorm`: the residual and the LayerNorm after a linear layer in FP32, also quantized for the next product.

use super::attributes::NodeReader;
use super::both_forms;
use super::fused_op::{FusedOp, Output, values};
use super::recognise::{NormPart, Quantized};
use crate::kernels::{Kernel, SumNorm};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Inputs: FP32 rows, FP32 residual rows. Outputs: FP32 rows, and the same in the kernel's encoded
/// form if they are quantized.
pub(super) const OP: &str = "Bert8SumNorm";

/// Writes the node that computes the rows `y` from the rows `x` and from `residual`.
pub(super) fn node(
    kernel: Kernel,
    [x, residual]: [&str; 2],
    y: &str,
    norm: &NormPart,
    output: Option<&Quantized>,
) -> NodeProto {
    both_forms::node(OP, kernel, &[x, residual], y, output.is_some()).norm(norm, output).finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<SumNormOp> {
    let node = NodeReader::new(node);
    Ok(SumNormOp(SumNorm::new(node.kernel()?, node.norm()?)))
}

#[derive(Debug, PartialEq)]
pub(super) struct SumNormOp(SumNorm);

impl FusedOp for SumNormOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::F32, Some(self.0.norm().features())); 2]
    }

    fn outputs(&self) -> Vec<Output> {
        both_forms::outputs(self.0.norm(), self.0.kernel())
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        ensure!(inputs[0].shape()[0] == inputs[1].shape()[0], "the residual has another number of rows");
        let (a, residual) = (values(&inputs[0])?, values(&inputs[1])?);
        both_forms::fill(outputs, |rows, encoded| self.0.run(a, residual, rows, encoded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::samples;

    #[test]
    fn a_node_is_read_as_written() {
        let (kernel, norm) = (Kernel::detect(), samples::norm(16));
        for output in [None, Some(samples::quantized(16))] {
            let node = node(kernel, ["x", "r"], "y", &norm, output.as_ref());
            assert_eq!(node.input, ["x", "r"]);
            assert_eq!(node.output, ["y", "y.encoded"][..1 + usize::from(output.is_some())]);
            let norm = samples::layer_norm(&norm, output.as_ref());
            assert_eq!(read(&node).unwrap(), SumNormOp(SumNorm::new(kernel, norm)));
        }
    }
}
