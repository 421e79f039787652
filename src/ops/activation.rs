//! `Bert8Activation`: an activation of FP32 rows.

use super::attributes::{NodeReader, NodeWriter};
use super::fused_op::{FusedOp, Output, values};
use crate::activation::Activation;
use crate::kernels::{Kernel, LANES};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Input and output: FP32 rows.
pub(super) const OP: &str = "Bert8Activation";

/// Writes the node that computes the rows `y` from the rows `x` of `features` features.
pub(super) fn node(kernel: Kernel, x: &str, y: &str, features: usize, activation: Activation) -> NodeProto {
    NodeWriter::new(OP, kernel, &[x], &[y]).count("features", features).activation(Some(activation)).finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<ActivationOp> {
    let node = NodeReader::new(node);
    let (kernel, features) = (node.kernel()?, node.count("features")?);
    ensure!(features.is_multiple_of(LANES), "{features} features, expected a multiple of {LANES}");
    Ok(ActivationOp { kernel, features, activation: node.activation()?.context("no activation")? })
}

#[derive(Debug, PartialEq)]
pub(super) struct ActivationOp {
    kernel: Kernel,
    features: usize,
    activation: Activation,
}

impl FusedOp for ActivationOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::F32, Some(self.features))]
    }

    fn outputs(&self) -> Vec<Output> {
        vec![Output { datum_type: DatumType::F32, rows_of: 0, features: self.features }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        self.kernel.activate(self.activation, values(&inputs[0])?, out.as_slice_mut()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_as_written() {
        let (kernel, activation) = (Kernel::detect(), Activation::Gelu);
        let node = |features| node(kernel, "x", "y", features, activation);
        assert_eq!((node(24).input[0].as_str(), node(24).output[0].as_str()), ("x", "y"));
        assert_eq!(read(&node(24)).unwrap(), ActivationOp { kernel, features: 24, activation });
        assert!(read(&node(20)).is_err());
    }
}
