//! `Bert8FloatAttention`: self-attention in FP32 of sequences laid end to end.

use super::attributes::{NodeReader, NodeWriter};
use super::fused_op::{FUSED_INPUTS, FusedOp, Output, sequence_ends, values};
use crate::kernels::{FloatAttention, Kernel};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Inputs: FP32 rows of queries, keys and values, INT64 sequence starts. There is one query per
/// token, or one per sequence, for its first token. Output: FP32 rows of the context, one per query.
pub(super) const OP: &str = "Bert8FloatAttention";

/// Writes the node that computes `context` from queries, keys and values of `features` features in `heads` heads.
/// Scores are multiplied with `score_scale`. `fused` is [`FloatAttention::fused`].
pub(super) fn node(
    kernel: Kernel,
    [query, key, value]: [&str; 3],
    context: &str,
    features: usize,
    heads: usize,
    score_scale: f32,
    fused: bool,
) -> NodeProto {
    NodeWriter::new(OP, kernel, &[query, key, value, FUSED_INPUTS[2]], &[context])
        .count("features", features)
        .count("heads", heads)
        .float("score_scale", score_scale)
        .count("fused", usize::from(fused))
        .finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<FloatAttentionOp> {
    let node = NodeReader::new(node);
    let (features, heads) = (node.count("features")?, node.count("heads")?);
    let fits = heads > 0 && features > 0 && features.is_multiple_of(heads);
    ensure!(fits, "{features} features cannot be split into {heads} heads");
    let (kernel, score_scale, fused) = (node.kernel()?, node.float("score_scale")?, node.count("fused")? != 0);
    Ok(FloatAttentionOp(FloatAttention { kernel, heads, head_size: features / heads, score_scale, fused }))
}

#[derive(Debug, PartialEq)]
pub(super) struct FloatAttentionOp(FloatAttention);

impl FusedOp for FloatAttentionOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        let rows = (DatumType::F32, Some(self.0.features()));
        vec![rows, rows, rows, (DatumType::I64, None)]
    }

    fn outputs(&self) -> Vec<Output> {
        vec![Output { datum_type: DatumType::F32, rows_of: 0, features: self.0.features() }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let [queries, tokens, value_rows] = [0, 1, 2].map(|at| inputs[at].shape()[0]);
        let ends = sequence_ends(&inputs[3], tokens)?;
        ensure!(value_rows == tokens, "{value_rows} values for {tokens} keys");
        ensure!(queries == tokens || queries == ends.len(), "{queries} queries for {tokens} tokens");
        let parts = [values(&inputs[0])?, values(&inputs[1])?, values(&inputs[2])?];
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        let out = out.as_slice_mut()?;
        self.0.run(parts, &ends, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_as_written() {
        let kernel = Kernel::detect();
        let node = |heads| node(kernel, ["q", "k", "v"], "context", 24, heads, 0.35, heads == 4);
        assert_eq!(node(4).input, ["q", "k", "v", "sequence_starts"]);
        assert_eq!(node(4).output, ["context"]);
        let expected = FloatAttention { kernel, heads: 4, head_size: 6, score_scale: 0.35, fused: true };
        assert_eq!(read(&node(4)).unwrap(), FloatAttentionOp(expected));
        assert!(read(&node(5)).is_err() && read(&node(0)).is_err());
    }
}
