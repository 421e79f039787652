//! The options of the commands that answer texts.

use super::load::{self, KernelChoice};
use super::threads::Threads;
use anyhow::Result;
use bert8::model::Classifier;
use clap::Args;
use std::path::PathBuf;

/// Loads a model with its tokenizer.
#[derive(Debug, Args)]
pub struct ClassifierArgs {
    /// An ONNX file, from bert8 convert or bert8 quantize
    model: PathBuf,

    /// The model's tokenizer.json, or BERT's vocab.txt [default: the one beside the model]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,

    /// Cut inputs to this many tokens [default: the model's own limit]
    #[arg(long, value_name = "TOKENS")]
    max_length: Option<usize>,

    #[command(flatten)]
    kernel: KernelChoice,

    #[command(flatten)]
    threads: Threads,
}

impl ClassifierArgs {
    /// Loads the model and the tokenizer.
    pub fn load(&self) -> Result<Classifier> {
        let model = load::model(&self.model, self.kernel.kernel, &self.threads.pool()?)?;
        let tokenizer = load::tokenizer(&self.model, self.tokenizer.as_deref())?;
        Ok(Classifier::new(model, tokenizer, self.max_length)?)
    }
}
