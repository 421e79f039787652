//! `Bert8Mean`: the mean of the rows of each sequence.

use super::attributes::{NodeReader, NodeWriter};
use super::fused_op::{FUSED_INPUTS, FusedOp, Output, sequence_ends, values};
use crate::kernels::{Kernel, sequence_means};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Inputs: FP32 rows, and an INT64 vector of sequence starts. Output: one FP32 row for each sequence.
pub(super) const OP: &str = "Bert8Mean";

/// Writes the node that computes the rows `y` from the rows `x` of `features` features.
pub(super) fn node(kernel: Kernel, x: &str, y: &str, features: usize) -> NodeProto {
    NodeWriter::new(OP, kernel, &[x, FUSED_INPUTS[2]], &[y]).count("features", features).finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<MeanOp> {
    Ok(MeanOp { features: NodeReader::new(node).count("features")? })
}

#[derive(Debug, PartialEq)]
pub(super) struct MeanOp {
    features: usize,
}

impl FusedOp for MeanOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::F32, Some(self.features)), (DatumType::I64, None)]
    }

    fn outputs(&self) -> Vec<Output> {
        vec![Output { datum_type: DatumType::F32, rows_of: 1, features: self.features }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let rows = values::<f32>(&inputs[0])?;
        let ends = sequence_ends(&inputs[1], rows.len() / self.features.max(1))?;
        sequence_means(rows, &ends, self.features, outputs[0].try_as_plain_ram_mut()?.as_slice_mut()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_as_written() {
        let node = node(Kernel::SCALAR, "x", "y", 24);
        assert_eq!(
            (&node.input[..], &node.output[..]),
            (&["x".to_owned(), FUSED_INPUTS[2].to_owned()][..], &["y".to_owned()][..])
        );
        assert_eq!(read(&node).unwrap(), MeanOp { features: 24 });
    }
}
