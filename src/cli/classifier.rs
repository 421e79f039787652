//! The options of the commands that answer texts.

use super::load::{self, KernelChoice};
use anyhow::Result;
use bert8::model::Classifier;
use clap::Args;
use std::path::PathBuf;

/// Loads a model with its tokenizer.
#[derive(Debug, Args)]
pub struct ClassifierArgs {
    /// An ONNX file, from bert8 convert or bert8 quantize
    model: PathBuf,

    /// The model's tokenizer.json [default: the file beside the model]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,

    /// Cut inputs to this many tokens [default: the model's own limit]
    #[arg(long, value_name = "TOKENS")]
    max_length: Option<usize>,

    #[command(flatten)]
    kernel: KernelChoice,
}

impl ClassifierArgs {
    /// Loads the model and the tokenizer.
    pub fn load(&self) -> Result<Classifier> {
        let tokenizer = self.tokenizer.clone().unwrap_or_else(|| self.model.with_file_name("tokenizer.json"));
        let model = load::model(&self.model, self.kernel.kernel)?;
        Ok(Classifier::new(model, load::tokenizer(&tokenizer)?, self.max_length)?)
    }
}
