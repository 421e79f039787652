//! Self-attention in FP32 of sequences laid end to end.

use super::attributes::Attributes;
use super::fused_op::{FusedOp, Output, parsed, sequence_ends, values};
use crate::kernels::{FloatAttention, FloatAttentionScratch};
use std::cell::RefCell;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Inputs: FP32 rows of queries, keys and values, INT64 sequence starts. Queries are
/// those of all tokens, or of the first token of every sequence. Output: FP32 rows of the context. Attributes: `features`,
/// `heads`, `score_scale`.
pub(super) const OP: &str = "Bert8FloatAttention";

thread_local! {
    /// Shared by all layers.
    static SCRATCH: RefCell<FloatAttentionScratch> = RefCell::default();
}

pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let attributes = Attributes::new(node);
    let (features, heads) = (attributes.count("features")?, attributes.count("heads")?);
    ensure!(
        heads > 0 && features > 0 && features.is_multiple_of(heads),
        "{features} features do not fit {heads} heads"
    );
    let (kernel, score_scale) = (attributes.kernel()?, attributes.float("score_scale")?);
    parsed(Attention(FloatAttention { kernel, heads, head_size: features / heads, score_scale }))
}

#[derive(Debug)]
struct Attention(FloatAttention);

impl FusedOp for Attention {
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
        let [asking, tokens, values_] = [0, 1, 2].map(|at| inputs[at].shape()[0]);
        let ends = sequence_ends(&inputs[3], tokens)?;
        ensure!(values_ == tokens, "{values_} values for {tokens} keys");
        ensure!(asking == tokens || asking == ends.len(), "{asking} queries for {tokens} tokens");
        let parts = [values(&inputs[0])?, values(&inputs[1])?, values(&inputs[2])?];
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        let out = out.as_slice_mut()?;
        SCRATCH.with_borrow_mut(|scratch| self.0.run(parts, &ends, scratch, out));
        Ok(())
    }
}
