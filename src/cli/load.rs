//! Loads models and tokenizers from the paths on the command line.

use anyhow::{Context, Result, bail};
use bert8::bert::{Bert, ImportOptions, import_folder, import_onnx_file};
use bert8::kernels::Kernel;
use bert8::model::Model;
use bert8::onnx::external_files;
use bert8::text::TextTokenizer;
use clap::Args;
use std::path::{Path, PathBuf};

/// A model to import.
#[derive(Debug, Args)]
pub struct Source {
    /// A Hugging Face folder (config.json, model.safetensors, tokenizer.json) or an ONNX export of a BERT classifier
    pub model: PathBuf,

    /// Number of attention heads, if the graph of an ONNX export does not tell
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    heads: Option<u16>,

    /// Accept an INT8 ONNX file of another tool (onnxruntime's dynamic, QDQ and QOperator formats): dequantize its weights to
    /// FP32 and go on from there. The accuracy that its first quantization lost does not come back; prefer the FP32 model
    #[arg(long)]
    requantize: bool,
}

impl Source {
    /// Imports the model.
    pub fn bert(&self) -> Result<Bert> {
        if self.model.is_dir() {
            return Ok(import_folder(&self.model)?);
        }
        let options = ImportOptions { heads: self.heads.map(usize::from), labels: None, requantize: self.requantize };
        Ok(import_onnx_file(&self.model, &options)?)
    }

    /// Returns the files that the model is read from, or its folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.model.clone()];
        if self.model.is_file() {
            files.extend(external_files(&self.model));
            // It may name the labels.
            files.push(self.model.with_file_name("config.json"));
        }
        files
    }

    /// Returns the path of the model's tokenizer: `given`, or the tokenizer.json in or beside the model.
    pub fn tokenizer_path(&self, given: Option<&Path>) -> PathBuf {
        let folder = if self.model.is_dir() { Some(self.model.as_path()) } else { self.model.parent() };
        given.map_or_else(|| folder.unwrap_or(Path::new(".")).join("tokenizer.json"), Path::to_owned)
    }
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The option that chooses a kernel.
#[derive(Debug, Args)]
pub struct KernelChoice {
    /// Kernel for INT8 matrix products: auto for the fastest, or one that this processor supports (scalar, avx2, avx-vnni,
    /// avx512-vnni)
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub kernel: Kernel,
}

/// Loads an ONNX file to run.
pub fn model(path: &Path, kernel: Kernel) -> Result<Model> {
    if path.is_dir() {
        bail!("{} is a folder; convert it to an ONNX file first: bert8 convert {0} -o model.onnx", path.display());
    }
    Ok(Model::builder().kernel(kernel).load_file(path)?)
}

/// Loads a tokenizer.json.
pub fn tokenizer(path: &Path) -> Result<TextTokenizer> {
    Ok(TextTokenizer::from_file(path)?)
}
