//! Runs a fused graph on sequences that are laid end to end, without padding.

use super::any::{Graph, guarded, parsed, runnable};
use super::tract_threads::TractThreads;
use crate::error::{Error, Result};
use crate::ops::FUSED_INPUTS;
use crate::text::Tokens;
use std::sync::Arc;
use tract_onnx::tract_hir::internal::*;

/// A graph that [`ops::fuse`](crate::ops::fuse) has fused, on tract. One plan serves any number of sequences of any
/// length.
#[derive(Debug)]
pub struct FusedEngine {
    file_name: String,
    plan: Arc<TypedSimplePlan>,
    labels: usize,
    threads: TractThreads,
}

impl FusedEngine {
    /// Plans `model`. `file_name` is for errors.
    ///
    /// # Errors
    /// If tract refuses the graph, its inputs are not [`FUSED_INPUTS`], or it does not return one row for each sequence.
    pub fn new<'a>(model: impl Into<Graph<'a>>, file_name: &str) -> Result<Self> {
        guarded(file_name, "planning the model", || {
            let mut inference = parsed(model.into(), file_name)?;
            let fail = |e| Error::engine(file_name, "typing the model", e);
            let [tokens, sequences] = ["t", "p"].map(|name| inference.symbols.new_with_prefix(name));
            let order: Vec<String> =
                inference.inputs.iter().map(|input| inference.node(input.node).name.clone()).collect();
            if order != FUSED_INPUTS {
                return Err(Error::file(file_name, format!("is fused but takes {order:?}, not {FUSED_INPUTS:?}")));
            }
            for (at, length) in [&tokens, &tokens, &sequences].into_iter().enumerate() {
                let fact = InferenceFact::dt_shape(DatumType::I64, [length.to_dim()]);
                inference.set_input_fact(at, fact).map_err(fail)?;
            }
            let typed = inference.into_typed().and_then(TypedModel::into_decluttered).map_err(fail)?;
            let shape = typed.output_fact(0).map_err(fail)?.shape.to_tvec();
            let labels = match &shape[..] {
                [rows, labels] if *rows == sequences.to_dim() => labels.to_usize().ok(),
                _ => None,
            };
            let Some(labels) = labels else {
                let shape: Vec<String> = shape.iter().map(|size| size.to_string()).collect();
                let problem = format!(
                    "is not a sequence classifier: its output `logits` has the shape [{}] for {sequences} texts, expected \
                     [{sequences}, labels]",
                    shape.join(", ")
                );
                return Err(Error::file(file_name, problem));
            };
            let (plan, threads) = (runnable(typed, file_name)?, TractThreads::default());
            Ok(FusedEngine { file_name: file_name.to_owned(), plan, labels, threads })
        })
    }

    /// Has tract run FP32 products on `threads` threads; the results do not depend on it. By default they run on the calling
    /// one.
    pub fn with_threads(self, threads: usize) -> Self {
        FusedEngine { threads: TractThreads::new(threads), ..self }
    }

    /// The number of values that the model returns for a sequence.
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// Runs the model on `sequences` of at least one token each. Returns the output's values, sequence after sequence.
    ///
    /// # Errors
    /// If a sequence is empty, has an id that the model lacks or not one type per id, or tract fails.
    pub fn run(&self, sequences: &[&Tokens]) -> Result<Vec<f32>> {
        if sequences.is_empty() || sequences.iter().any(|s| s.ids.is_empty() || s.ids.len() != s.types.len()) {
            return Err(Error::Argument("every sequence needs one token at least, and a type for each".into()));
        }
        let ids: Vec<i64> = sequences.iter().flat_map(|tokens| &tokens.ids).copied().collect();
        let types: Vec<i64> = sequences.iter().flat_map(|tokens| &tokens.types).copied().collect();
        let lengths = sequences.iter().map(|tokens| tokens.ids.len() as i64);
        let starts: Vec<i64> = lengths.scan(0, |end, length| Some(std::mem::replace(end, *end + length))).collect();
        let inputs = [ids, types, starts].map(|values| Tensor::from_shape(&[values.len()], &values).map(Tensor::into));
        guarded(&self.file_name, "running the model", || {
            let inputs = inputs.into_iter().collect::<TractResult<TVec<TValue>>>();
            let outputs = inputs.and_then(|inputs| self.threads.install(|| self.plan.run(inputs)));
            outputs
                .and_then(|outputs| match &outputs[..] {
                    [logits] => Ok(logits.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()),
                    _ => bail!("expected one output, got {}", outputs.len()),
                })
                .map_err(|e| Error::engine(&self.file_name, "running the model", e))
        })
    }
}
