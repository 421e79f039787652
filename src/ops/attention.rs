//! Multi-head self-attention of unpadded sequences.

use super::row_op::{RowOp, parsed, values};
use crate::kernels::{Activations, AttentionParams, Kernel, attention};
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Inputs: FP32 queries, keys, values `[batch, sequence, hidden]`. Attributes:
/// `heads`, `query_scale`, `key_scale`, `score_scale`.
pub(super) const OP: &str = "Bert8Attention";

pub(super) fn parse(_ctx: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let params = AttentionParams {
        heads: node.get_attr("heads")?,
        query_scale: node.get_attr("query_scale")?,
        key_scale: node.get_attr("key_scale")?,
        score_scale: node.get_attr("score_scale")?,
    };
    ensure!(params.heads > 0, "no heads");
    parsed(Attention { params, kernel: Kernel::detect() })
}

#[derive(Debug)]
struct Attention {
    params: AttentionParams,
    kernel: Kernel,
}

impl RowOp for Attention {
    fn name(&self) -> &'static str {
        OP
    }

    fn input_types(&self) -> Vec<DatumType> {
        vec![DatumType::F32; 3]
    }

    fn output(&self) -> (DatumType, Option<usize>) {
        (DatumType::F32, None)
    }

    fn run(&self, inputs: &[TValue], output: &mut Tensor) -> TractResult<()> {
        let &[_, sequence, hidden] = inputs[0].shape() else { bail!("expected [batch, sequence, hidden]") };
        ensure!(hidden.is_multiple_of(self.params.heads), "{} heads do not divide {hidden}", self.params.heads);
        ensure!(inputs.iter().all(|i| i.shape() == inputs[0].shape()), "queries, keys and values differ in shape");
        let size = (sequence * hidden).max(1);
        let [query, key, value] = [values::<f32>(&inputs[0])?, values(&inputs[1])?, values(&inputs[2])?];
        let mut out = output.try_as_plain_ram_mut()?;
        let out = out.as_slice_mut::<f32>()?.chunks_exact_mut(size);
        let sequences = query.chunks_exact(size).zip(key.chunks_exact(size)).zip(value.chunks_exact(size));
        let mut scratch = Activations::default();
        for (((query, key), value), out) in sequences.zip(out) {
            attention(self.kernel, &self.params, hidden, query, key, value, &mut scratch, out)?;
        }
        Ok(())
    }
}
