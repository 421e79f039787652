//! The options of the commands that answer texts.

use super::load::{self, KernelChoice};
use super::task_choice::TaskChoice;
use super::threads::Threads;
use anyhow::Result;
use bert8::model::Classifier;
use clap::Args;
use std::path::PathBuf;

/// Loads a model with its tokenizer.
#[derive(Debug, Args)]
pub struct ClassifierArgs {
    /// An ONNX file, from bert8 convert or bert8 quantize
    pub model: PathBuf,

    /// The model's tokenizer.json, or BERT's vocab.txt [default: the one beside the model]
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,

    /// Cut inputs to this many tokens [default: the model's own limit]
    #[arg(long, value_name = "TOKENS")]
    max_length: Option<usize>,

    #[command(flatten)]
    task: TaskChoice,

    #[command(flatten)]
    pub kernel: KernelChoice,

    #[command(flatten)]
    pub threads: Threads,
}

impl ClassifierArgs {
    /// Loads the model and the tokenizer.
    pub fn load(&self) -> Result<Classifier> {
        let model = load::model(&self.model, self.kernel.kernel, &self.threads.pool()?)?;
        let model = self.task.apply_to(model)?;
        let tokenizer = load::tokenizer(&self.model, self.tokenizer.as_deref())?;
        Ok(Classifier::new(model, tokenizer, self.max_length)?)
    }
}

/// Loads a model that may decide by a threshold, with its tokenizer.
#[derive(Debug, Args)]
pub struct DecisionArgs {
    #[command(flatten)]
    pub classifier: ClassifierArgs,

    /// The smallest probability at which a label of a multi-label model applies, 0 to 1 [default: 0.5]
    #[arg(long, value_name = "PROBABILITY")]
    threshold: Option<f32>,
}

impl DecisionArgs {
    /// Loads the model and the tokenizer.
    pub fn load(&self) -> Result<Classifier> {
        let classifier = self.classifier.load()?;
        match self.threshold {
            Some(threshold) => Ok(classifier.with_threshold(threshold)?),
            None => Ok(classifier),
        }
    }
}
