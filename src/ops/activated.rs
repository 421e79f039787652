//! `Bert8Activated`: a linear layer in integers and its activation, quantized for the next product.

use super::attributes::{NodeReader, NodeWriter};
use super::both_forms::encoded;
use super::fused_op::{FusedOp, Output, values};
use super::recognise::{IntegerLinear, Quantized};
use crate::activation::Activation;
use crate::kernels::{Kernel, Linear, Quantizer};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Input and output: rows in the kernel's encoded form.
pub(super) const OP: &str = "Bert8Activated";

/// Writes the node that computes the encoded form of the rows `y` from that of the rows `x`.
pub(super) fn node(
    kernel: Kernel,
    x: &str,
    y: &str,
    layer: &IntegerLinear,
    activation: Activation,
    output: &Quantized,
) -> NodeProto {
    NodeWriter::new(OP, kernel, &[&encoded(x)], &[&encoded(y)])
        .linear("linear", layer)
        .activation(Some(activation))
        .output(Some(output))
        .finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<ActivatedOp> {
    let node = NodeReader::new(node);
    let linear = node.linear("linear")?.layer(node.kernel()?)?;
    let output = node.output(1, linear.outputs())?.context("no output scale")?;
    let activation = node.activation()?.context("no activation")?;
    Ok(ActivatedOp { linear, activation, output })
}

#[derive(Debug, PartialEq)]
pub(super) struct ActivatedOp {
    linear: Linear,
    activation: Activation,
    output: Quantizer,
}

impl FusedOp for ActivatedOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::U8, Some(self.linear.input_bytes()))]
    }

    fn outputs(&self) -> Vec<Output> {
        let features = self.linear.outputs() * self.linear.kernel().encoded_width();
        vec![Output { datum_type: DatumType::U8, rows_of: 0, features }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        self.linear.run_quantized(values(&inputs[0])?, self.activation, &self.output, out.as_slice_mut()?);
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
        let (layer, output) = (samples::linear(&weights), samples::quantized(24));
        let (kernel, activation) = (Kernel::detect(), Activation::GeluTanh);
        let node = node(kernel, "x", "y", &layer, activation, &output);
        assert_eq!((node.input[0].as_str(), node.output[0].as_str()), ("x.encoded", "y.encoded"));
        let read = read(&samples::with_tensors(node, [weights.clone()])).unwrap();
        let (linear, output) = (samples::layer(kernel, &layer), samples::quantizer(&output, 24));
        assert_eq!(read, ActivatedOp { linear, activation, output });
    }
}
