//! `Bert8Dense`: a linear layer in FP32 over one row of each sequence, with an optional activation.

use super::attributes::{NodeReader, NodeWriter};
use super::fused_op::{FusedOp, Output, values};
use super::recognise::DensePart;
use crate::kernels::{Dense, Kernel};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Input and output: FP32 rows.
pub(super) const OP: &str = "Bert8Dense";

/// Writes the node that computes the rows `y`.
pub(super) fn node(kernel: Kernel, y: &str, part: &DensePart) -> NodeProto {
    NodeWriter::new(OP, kernel, &[part.linear.x], &[y]).dense(part).finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<DenseOp> {
    Ok(DenseOp(NodeReader::new(node).dense()?))
}

#[derive(Debug, PartialEq)]
pub(super) struct DenseOp(Dense);

impl FusedOp for DenseOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::F32, Some(self.0.inputs()))]
    }

    fn outputs(&self) -> Vec<Output> {
        vec![Output { datum_type: DatumType::F32, rows_of: 0, features: self.0.outputs() }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        self.0.run(values(&inputs[0])?, outputs[0].try_as_plain_ram_mut()?.as_slice_mut()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::HeadActivation;
    use crate::ops::recognise::FloatLinear;
    use crate::ops::samples;

    #[test]
    fn a_node_is_read_as_written() {
        let weights = samples::floats("w", 5, 3);
        let bias = tract_onnx::pb::TensorProto { dims: vec![3], ..samples::floats("b", 1, 3) };
        for activation in [None, Some(HeadActivation::Tanh), Some(HeadActivation::Relu), Some(HeadActivation::Gelu)] {
            let linear = FloatLinear { x: "x", weights: &weights, k: 5, n: 3, bias: &bias };
            let node = node(Kernel::SCALAR, "y", &DensePart { linear, activation });
            assert_eq!((node.input[0].as_str(), node.output[0].as_str()), ("x", "y"));
            let read = read(&samples::with_tensors(node, [weights.clone(), bias.clone()])).unwrap();
            let values: Vec<f32> = (0..15).map(|i| 0.5 + i as f32).collect();
            assert_eq!(read, DenseOp(Dense::new(Kernel::SCALAR, &values, &values[..3], activation)));
        }
    }
}
