//! The engine behind a model.

use super::info::Precision;
use crate::engine::{Engine, FusedEngine, TokenInputs};
use crate::error::{Error, Result};
use crate::text::Tokens;

/// The most tokens of a batch. Large batches reuse loaded weights more often; small ones keep activations in the caches.
const BATCH_TOKENS: usize = 512;

/// The number of inputs of a progress step: enough to fill a batch even if the inputs are short.
const STEP_INPUTS: usize = 32;

/// The same for an encoder in FP32, which takes several times as long.
const FP32_STEP_INPUTS: usize = 8;

/// A graph on the engine that can run it.
#[derive(Debug)]
pub(super) enum Runner {
    /// A graph with fused operators, which runs several inputs at a time.
    Fused(FusedEngine),
    /// A graph as its file has it, which runs one input at a time.
    AsWritten(Engine),
}

impl Runner {
    /// How many of the first `inputs` run together: at least one.
    pub fn batch_len(&self, inputs: &[&Tokens]) -> usize {
        let mut tokens = 0;
        let fits = |input: &&&Tokens| {
            tokens += input.ids.len();
            tokens <= BATCH_TOKENS
        };
        match self {
            Runner::Fused(_) => inputs.iter().take_while(fits).count().max(1),
            Runner::AsWritten(_) => 1,
        }
    }

    /// How many inputs to run between two progress reports without loss of speed.
    pub fn step_inputs(&self, precision: Precision) -> usize {
        match (self, precision) {
            (Runner::Fused(_), Precision::Int8) => STEP_INPUTS,
            (Runner::Fused(_), Precision::Fp32) => FP32_STEP_INPUTS,
            (Runner::AsWritten(_), _) => 1,
        }
    }

    /// Returns the output's values for `inputs`, input by input.
    ///
    /// # Errors
    /// If the engine fails, or an unfused graph gets several inputs.
    pub fn run(&self, inputs: &[&Tokens]) -> Result<Vec<f32>> {
        match self {
            Runner::Fused(engine) => engine.run(inputs),
            Runner::AsWritten(engine) => {
                let [input] = inputs else {
                    return Err(Error::Argument("an unfused graph runs one input at a time".into()));
                };
                let mask = vec![1; input.ids.len()];
                let mut outputs =
                    engine.run(&TokenInputs { batch: 1, ids: &input.ids, mask: &mask, types: &input.types })?;
                // A classifier has one output. The caller refuses an empty result.
                Ok(if outputs.len() == 1 { outputs.remove(0) } else { Vec::new() })
            }
        }
    }
}
