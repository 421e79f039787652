//! Embedding look-up with LayerNorm, and its result quantized for the first product.

use super::attributes::Attributes;
use super::both_forms;
use super::fused_op::{FusedOp, Output, parsed, sequence_ends, values};
use crate::kernels::Embedding;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Inputs: INT64 vectors of token ids, token types and sequence starts. Outputs: FP32
/// rows, and their encoded form where `output_scale` is given. Attributes: `words`, `types`, `positions` with `…_scales` where they are INT8, `gamma`, `beta`,
/// `epsilon`, `output_scale`, `output_zero_point`, `output_factors`, `output_offsets`.
pub(super) const OP: &str = "Bert8Embedding";

pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let attributes = Attributes::new(node);
    let norm = attributes.norm()?;
    let mut tables = Vec::with_capacity(3);
    for name in ["words", "types", "positions"] {
        tables.push(attributes.table(name, norm.features())?);
    }
    let Ok(tables) = <[_; 3]>::try_from(tables) else { bail!("three tables") };
    parsed(Embed(Embedding::new(attributes.kernel()?, tables, norm)))
}

#[derive(Debug)]
struct Embed(Embedding);

impl FusedOp for Embed {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::I64, None); 3]
    }

    fn outputs(&self) -> Vec<Output> {
        both_forms::outputs(self.0.norm(), self.0.kernel())
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let (ids, types) = (values::<i64>(&inputs[0])?, values::<i64>(&inputs[1])?);
        let ends = sequence_ends(&inputs[2], ids.len())?;
        let [words, kinds, positions] = self.0.rows();
        let inside = |ids: &[i64], rows: usize| ids.iter().all(|&id| usize::try_from(id).is_ok_and(|id| id < rows));
        ensure!(ids.len() == types.len(), "{} token types for {} tokens", types.len(), ids.len());
        ensure!(inside(ids, words), "a token id is beyond the vocabulary of {words}");
        ensure!(inside(types, kinds), "a token type is beyond the {kinds} that there are");
        let longest = ends.iter().scan(0, |start, &end| Some(end - std::mem::replace(start, end))).max();
        ensure!(longest <= Some(positions), "a sequence is longer than the {positions} positions");
        both_forms::fill(outputs, |out, quantized| self.0.run(ids, types, &ends, out, quantized))
    }
}
