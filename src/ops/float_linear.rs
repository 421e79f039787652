//! `Bert8FloatLinear`: a linear layer in FP32, with the same bits everywhere, unlike tract's.

use super::attributes::{NodeReader, NodeWriter};
use super::fused_op::{FusedOp, Output, values};
use super::recognise;
use crate::kernels::{FloatColumns, FloatLinear, Kernel};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Input and output: FP32 rows.
pub(super) const OP: &str = "Bert8FloatLinear";

/// Writes the node that computes the rows `y` from the rows `x`.
pub(super) fn node(kernel: Kernel, x: &str, y: &str, layer: &recognise::FloatLinear) -> NodeProto {
    NodeWriter::new(OP, kernel, &[x], &[y]).tensor("weights", layer.weights).tensor("bias", layer.bias).finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<FloatLinearOp> {
    let node = NodeReader::new(node);
    let (weights, bias) = node.weights_and_bias()?;
    let outputs = bias.len();
    let inputs = weights.len() / outputs;
    let columns = FloatColumns::new(node.kernel()?, inputs, outputs, |k, n| weights[k * outputs + n]);
    Ok(FloatLinearOp(FloatLinear::new(columns, &bias)))
}

#[derive(Debug, PartialEq)]
pub(super) struct FloatLinearOp(FloatLinear);

impl FusedOp for FloatLinearOp {
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
    use crate::ops::samples;

    #[test]
    fn a_node_is_read_as_written() {
        let weights = samples::floats("w", 5, 3);
        let bias = tract_onnx::pb::TensorProto { dims: vec![3], ..samples::floats("b", 1, 3) };
        let node = node(
            Kernel::SCALAR,
            "x",
            "y",
            &recognise::FloatLinear { x: "x", weights: &weights, k: 5, n: 3, bias: &bias },
        );
        assert_eq!((node.input[0].as_str(), node.output[0].as_str()), ("x", "y"));
        let read = read(&samples::with_tensors(node, [weights.clone(), bias.clone()])).unwrap();
        let values: Vec<f32> = (0..15).map(|i| 0.5 + i as f32).collect();
        let columns = FloatColumns::new(Kernel::SCALAR, 5, 3, |k, n| values[k * 3 + n]);
        assert_eq!(read, FloatLinearOp(FloatLinear::new(columns, &values[..3])));
    }
}
