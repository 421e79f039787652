//! Models that run: ONNX files on tract, with fused operators if the graph matches. [`Classifier`] adds a tokenizer.

mod accuracy;
mod classification;
mod classifier;
mod classifier_builder;
mod encoder_width;
mod info;
mod loading;
mod logits_output;
mod runner;
mod table_rows;

pub use accuracy::{Accuracy, MeasuredMetric};
#[cfg(target_arch = "wasm32")]
pub(crate) use classification::ranking;
pub use classification::{AppliedLabel, Classification, RankedText, Repeat, Timing};
pub use classifier::Classifier;
pub use classifier_builder::ClassifierBuilder;
pub use info::{ModelInfo, Precision};
pub use loading::ModelBuilder;

use crate::clock::now_ms;
use crate::error::{Error, Result};
use crate::kernels::{Kernel, ThreadPool};
use crate::ops::Fused;
use crate::task::{Problem, Texts};
use crate::text::Tokens;
use runner::Runner;
use std::sync::Arc;
use table_rows::TableRows;

/// A sequence classifier that maps token ids to logits.
///
/// Most callers want a [`Classifier`], which takes texts.
#[derive(Debug)]
pub struct Model {
    runner: Runner,
    info: ModelInfo,
    fused: Fused,
    kernel: Kernel,
    rows: TableRows,
    file_name: String,
    pool: Option<Arc<ThreadPool>>,
}

impl Model {
    /// The model's sizes and labels.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Returns the model with another meaning of its logits, or another number of texts, where they are given. A file without
    /// bert8's metadata does not tell them.
    ///
    /// # Errors
    /// If `problem` does not fit the number of labels.
    pub fn with_task(mut self, problem: Option<Problem>, texts: Option<Texts>) -> Result<Self> {
        self.info.problem = problem.unwrap_or(self.info.problem);
        self.info.texts = texts.or(self.info.texts);
        match self.info.problem.fault(self.info.labels.len()) {
            None => Ok(self),
            Some(problem) => Err(Error::Config { file: "the task".to_owned(), field: "problem_type", problem }),
        }
    }

    /// What was fused, and why the rest was not.
    pub fn fused(&self) -> &Fused {
        &self.fused
    }

    /// The name of what computes the matrix products: `tract` for FP32, the kernel's name for INT8, or `unfused` for an
    /// INT8 graph that was not recognised and runs on tract as written.
    pub fn kernel(&self) -> &'static str {
        match self.info.precision {
            Precision::Fp32 => "tract",
            Precision::Int8 if self.fused.complete() => self.kernel.name(),
            Precision::Int8 => "unfused",
        }
    }

    /// The number of threads that run the model, the calling one included.
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, |pool| pool.threads())
    }

    /// Returns the logits of a tokenized input, by class id.
    ///
    /// # Errors
    /// If there are too many tokens, if the model lacks a token's id or type, or if the model does not return one finite
    /// logit per class.
    pub fn logits(&self, tokens: &Tokens) -> Result<Vec<f32>> {
        let logits = self.logits_of(&[tokens])?;
        Ok(logits.into_iter().next().unwrap_or_default())
    }

    /// Returns the logits of many tokenized inputs, each by class id. A fused model runs several inputs at a time, laid end
    /// to end without padding.
    ///
    /// # Errors
    /// As [`Model::logits`].
    pub fn logits_of(&self, inputs: &[&Tokens]) -> Result<Vec<Vec<f32>>> {
        let mut all = Vec::with_capacity(inputs.len());
        self.run_batches(inputs, |batch| all.extend(batch.logits))?;
        Ok(all)
    }

    /// See [`Classifier::step_inputs`].
    fn step_inputs(&self) -> usize {
        self.runner.step_inputs(self.info.precision)
    }

    /// Runs `inputs` in batches, in order, and calls `each` after every batch.
    ///
    /// # Errors
    /// As [`Model::logits`].
    fn run_batches(&self, inputs: &[&Tokens], mut each: impl FnMut(Batch)) -> Result<()> {
        for tokens in inputs {
            self.check_tokens(tokens)?;
        }
        let mut rest = inputs;
        while !rest.is_empty() {
            let (inputs, after) = rest.split_at(self.runner.batch_len(rest));
            let start = now_ms();
            let logits = ThreadPool::install(self.pool.as_ref(), || self.runner.run(inputs))?;
            let ms = now_ms() - start;
            self.check_logits(&logits, inputs.len())?;
            let logits = logits.chunks_exact(self.info.labels.len()).map(<[f32]>::to_vec).collect();
            each(Batch { tokens: inputs.iter().map(|tokens| tokens.ids.len()).sum(), logits, ms });
            rest = after;
        }
        Ok(())
    }

    fn check_tokens(&self, tokens: &Tokens) -> Result<()> {
        let (count, limit) = (tokens.ids.len(), self.info.max_positions);
        if count > limit {
            let problem = format!("{count} tokens are more than the {limit} positions of {}", self.file_name);
            return Err(Error::Argument(problem));
        }
        self.rows.check(tokens, &self.file_name)
    }

    /// Checks that the model returned one finite logit per class for each of `inputs` inputs.
    fn check_logits(&self, logits: &[f32], inputs: usize) -> Result<()> {
        let classes = self.info.labels.len();
        if logits.len() == classes * inputs && logits.iter().all(|logit| logit.is_finite()) {
            return Ok(());
        }
        let shown = &logits[..logits.len().min(classes.max(1))];
        let problem = format!("returned {shown:?} for {classes} classes; it is damaged or not a sequence classifier");
        Err(Error::file(&self.file_name, problem))
    }
}

/// The result of inputs that ran together.
struct Batch {
    /// The tokens of all inputs.
    tokens: usize,
    /// The logits of each input, by class id.
    logits: Vec<Vec<f32>>,
    /// How long the batch took, in milliseconds.
    ms: f64,
}
