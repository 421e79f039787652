//! The engine behind a model.

use crate::engine::{Engine, FusedEngine, TokenInputs};
use crate::error::{Error, Result};
use crate::text::Tokens;

/// The most tokens of a batch. Large batches reuse loaded weights more often; small ones keep activations in the caches.
const BATCH_TOKENS: usize = 512;

/// The number of pairs of a progress step: enough to fill a batch even if the pairs are short.
const STEP_PAIRS: usize = 32;

/// A graph on the engine that can run it.
#[derive(Debug)]
pub(super) enum Runner {
    /// A graph with fused operators, which runs several pairs at a time.
    Fused(FusedEngine),
    /// A graph as its file has it, which runs one pair at a time.
    AsWritten(Engine),
}

impl Runner {
    /// How many of the first `pairs` run together: at least one.
    pub fn batch_len(&self, pairs: &[&Tokens]) -> usize {
        let mut tokens = 0;
        let fits = |pair: &&&Tokens| {
            tokens += pair.ids.len();
            tokens <= BATCH_TOKENS
        };
        match self {
            Runner::Fused(_) => pairs.iter().take_while(fits).count().max(1),
            Runner::AsWritten(_) => 1,
        }
    }

    /// How many pairs to run between two progress reports without loss of speed.
    pub fn step_pairs(&self) -> usize {
        match self {
            Runner::Fused(_) => STEP_PAIRS,
            Runner::AsWritten(_) => 1,
        }
    }

    /// Returns the output's values for `pairs`, pair by pair.
    ///
    /// # Errors
    /// If the engine fails, or an unfused graph gets several pairs.
    pub fn run(&self, pairs: &[&Tokens]) -> Result<Vec<f32>> {
        match self {
            Runner::Fused(engine) => engine.run(pairs),
            Runner::AsWritten(engine) => {
                let [pair] = pairs else {
                    return Err(Error::Argument("an unfused graph runs one pair at a time".into()));
                };
                let mask = vec![1; pair.ids.len()];
                let mut outputs =
                    engine.run(&TokenInputs { batch: 1, ids: &pair.ids, mask: &mask, types: &pair.types })?;
                // A classifier has one output. The caller refuses an empty result.
                Ok(if outputs.len() == 1 { outputs.remove(0) } else { Vec::new() })
            }
        }
    }
}
