//! Running a fused INT8 graph: sequences laid end to end, no padding.

use super::any::{Graph, guarded, parsed, runnable};
use crate::error::{Error, Result};
use crate::ops::FUSED_INPUTS;
use crate::text::Tokens;
use std::sync::Arc;
use tract_onnx::tract_hir::internal::*;

/// A graph that [`ops::fuse`](crate::ops::fuse) has fused, on tract: one plan for every number and length of sequences.
#[derive(Debug)]
pub struct FusedEngine {
    file: String,
    plan: Arc<TypedSimplePlan>,
}

impl FusedEngine {
    /// Plans `model`; `file` is named in errors.
    ///
    /// # Errors
    /// If tract refuses the graph.
    pub fn new<'a>(model: impl Into<Graph<'a>>, file: &str) -> Result<Self> {
        guarded(file, "planning the model", || {
            let mut inference = parsed(model.into(), file)?;
            let fail = |e| Error::engine(file, "typing the model", e);
            let [tokens, sequences] = ["t", "p"].map(|name| inference.symbols.new_with_prefix(name));
            let order: Vec<String> =
                inference.inputs.iter().map(|input| inference.node(input.node).name.clone()).collect();
            if order != FUSED_INPUTS {
                return Err(Error::file(file, format!("is fused but takes {order:?}, not {FUSED_INPUTS:?}")));
            }
            for (at, length) in [&tokens, &tokens, &sequences].into_iter().enumerate() {
                let fact = InferenceFact::dt_shape(DatumType::I64, [length.to_dim()]);
                inference.set_input_fact(at, fact).map_err(fail)?;
            }
            let typed = inference.into_typed().and_then(TypedModel::into_decluttered).map_err(fail)?;
            Ok(FusedEngine { file: file.to_owned(), plan: runnable(typed, file)? })
        })
    }

    /// Runs the model on `sequences`, of at least one token each; gives the output's values, sequence after sequence.
    ///
    /// # Errors
    /// If a sequence is empty or has an id that the model lacks, or tract fails.
    pub fn run(&self, sequences: &[&Tokens]) -> Result<Vec<f32>> {
        if sequences.is_empty() || sequences.iter().any(|s| s.ids.is_empty() || s.ids.len() != s.types.len()) {
            return Err(Error::Argument("every sequence needs one token at least, and a type for each".into()));
        }
        let ids: Vec<i64> = sequences.iter().flat_map(|tokens| &tokens.ids).copied().collect();
        let types: Vec<i64> = sequences.iter().flat_map(|tokens| &tokens.types).copied().collect();
        let lengths = sequences.iter().map(|tokens| tokens.ids.len() as i64);
        let starts: Vec<i64> = lengths.scan(0, |end, length| Some(std::mem::replace(end, *end + length))).collect();
        let inputs = [ids, types, starts].map(|values| Tensor::from_shape(&[values.len()], &values).map(Tensor::into));
        guarded(&self.file, "running the model", || {
            let outputs =
                inputs.into_iter().collect::<TractResult<TVec<TValue>>>().and_then(|inputs| self.plan.run(inputs));
            outputs
                .and_then(|outputs| match &outputs[..] {
                    [logits] => Ok(logits.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()),
                    _ => bail!("expected one output, got {}", outputs.len()),
                })
                .map_err(|e| Error::engine(&self.file, "running the model", e))
        })
    }
}
