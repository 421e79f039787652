//! `Bert8Linear`: a linear layer in integers whose output stays in FP32.

use super::attributes::{NodeReader, NodeWriter};
use super::both_forms::encoded;
use super::fused_op::{FusedOp, Output, values};
use super::recognise::IntegerLinear;
use crate::activation::Activation;
use crate::kernels::{Kernel, Linear};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Input: rows in the kernel's encoded form. Output: FP32 rows.
pub(super) const OP: &str = "Bert8Linear";

/// Writes the node that computes the rows `y` from the encoded form of the rows `x`, with an activation, if any.
pub(super) fn node(
    kernel: Kernel,
    x: &str,
    y: &str,
    layer: &IntegerLinear,
    activation: Option<Activation>,
) -> NodeProto {
    NodeWriter::new(OP, kernel, &[&encoded(x)], &[y]).linear("linear", layer).activation(activation).finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<LinearOp> {
    let node = NodeReader::new(node);
    Ok(LinearOp { linear: node.linear("linear")?.layer(node.kernel()?)?, activation: node.activation()? })
}

#[derive(Debug, PartialEq)]
pub(super) struct LinearOp {
    linear: Linear,
    activation: Option<Activation>,
}

impl FusedOp for LinearOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::U8, Some(self.linear.input_bytes()))]
    }

    fn outputs(&self) -> Vec<Output> {
        vec![Output { datum_type: DatumType::F32, rows_of: 0, features: self.linear.outputs() }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        self.linear.run(values(&inputs[0])?, self.activation, out.as_slice_mut()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::samples;

    #[test]
    fn a_node_is_read_as_written() {
        let weights = samples::weights("w", 16, 24);
        let layer = samples::linear(&weights);
        for activation in [None, Some(Activation::Relu)] {
            let kernel = Kernel::detect();
            let node = node(kernel, "x", "y", &layer, activation);
            assert_eq!((node.input[0].as_str(), node.output[0].as_str()), ("x.encoded", "y"));
            let read = read(&samples::with_tensors(node, [weights.clone()])).unwrap();
            assert_eq!(read, LinearOp { linear: samples::layer(kernel, &layer), activation });
        }
    }
}
