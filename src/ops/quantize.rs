//! `Bert8Quantize`: quantizes FP32 rows for the next product, after an activation, if any.

use super::attributes::{NodeReader, NodeWriter};
use super::both_forms::encoded;
use super::fused_op::{FusedOp, Output, values};
use super::recognise::Quantized;
use crate::activation::Activation;
use crate::kernels::{Kernel, LANES, Quantizer};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Input: FP32 rows. Output: rows in the kernel's encoded form.
pub(super) const OP: &str = "Bert8Quantize";

/// Writes the node that computes the encoded form of the rows `y` from the rows `x` of `features` features.
pub(super) fn node(
    kernel: Kernel,
    x: &str,
    y: &str,
    features: usize,
    activation: Option<Activation>,
    output: &Quantized,
) -> NodeProto {
    NodeWriter::new(OP, kernel, &[x], &[&encoded(y)])
        .count("features", features)
        .activation(activation)
        .output(Some(output))
        .finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<QuantizeOp> {
    let node = NodeReader::new(node);
    let (kernel, features) = (node.kernel()?, node.count("features")?);
    ensure!(features.is_multiple_of(LANES), "{features} features, expected a multiple of {LANES}");
    let output = node.output(1, features)?.context("no output scale")?;
    Ok(QuantizeOp { kernel, activation: node.activation()?, output })
}

#[derive(Debug, PartialEq)]
pub(super) struct QuantizeOp {
    kernel: Kernel,
    activation: Option<Activation>,
    output: Quantizer,
}

impl FusedOp for QuantizeOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::F32, Some(self.output.features()))]
    }

    fn outputs(&self) -> Vec<Output> {
        let features = self.output.features() * self.kernel.encoded_width();
        vec![Output { datum_type: DatumType::U8, rows_of: 0, features }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        self.kernel.quantize(self.activation, &self.output, values(&inputs[0])?, out.as_slice_mut()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::samples;

    #[test]
    fn a_node_is_read_as_written() {
        let (kernel, output) = (Kernel::detect(), samples::quantized(24));
        for activation in [None, Some(Activation::Gelu)] {
            let node = |features| node(kernel, "x", "y", features, activation, &output);
            assert_eq!((node(24).input[0].as_str(), node(24).output[0].as_str()), ("x", "y.encoded"));
            let expected = QuantizeOp { kernel, activation, output: samples::quantizer(&output, 24) };
            assert_eq!(read(&node(24)).unwrap(), expected);
            assert!(read(&node(20)).is_err() && read(&node(16)).is_err());
        }
    }
}
