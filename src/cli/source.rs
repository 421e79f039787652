//! The model that a command imports.

use super::load::onnx_file;
use anyhow::Result;
use bert8::bert::{Bert, ImportOptions, import_folder, import_model};
use bert8::files::{Disk, beside};
use bert8::onnx::external_files;
use clap::Args;
use std::path::{Path, PathBuf};

/// A model to import.
#[derive(Debug, Args)]
pub struct Source {
    /// A Hugging Face folder (config.json, model.safetensors, tokenizer.json), an ONNX export of a BERT classifier, or a folder
    /// with one (model.onnx or onnx/model.onnx)
    pub model: PathBuf,

    /// Number of attention heads, if the graph of an ONNX export does not tell
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    heads: Option<u16>,

    /// The output that holds the logits, if an ONNX export has several
    #[arg(long, value_name = "NAME")]
    logits: Option<String>,
    /// Accept an INT8 ONNX file of another tool (onnxruntime's dynamic, QDQ and QOperator formats): dequantize its weights to
    /// FP32 and go on from there. The accuracy that its first quantization lost does not come back; prefer the FP32 model
    #[arg(long)]
    requantize: bool,
}

impl Source {
    /// Imports the model.
    pub fn bert(&self) -> Result<Bert> {
        let options = ImportOptions {
            heads: self.heads.map(usize::from),
            labels: None,
            output: self.logits.clone(),
            requantize: self.requantize,
        };
        Ok(noted(import_model(&Disk, &self.model, &options)?))
    }

    /// Returns the files that the model is read from, or may be read from another time.
    pub fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.model).into_iter().flatten();
        let mut files: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|p| is_input(p)).collect();
        if let Some(file) = onnx_file(&self.model) {
            files.extend(external_files(&file));
            // They may name the labels.
            files.extend(beside(&file, "config.json"));
            files.push(file);
        }
        files
    }
}

/// Whether a file in a model's folder belongs to the model, by its name.
fn is_input(path: &Path) -> bool {
    let names = ["config.json", "model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"];
    let named = path.file_name().is_some_and(|name| names.iter().any(|known| name == *known));
    named || path.extension().is_some_and(|ending| ending == "safetensors")
}

/// Imports a Hugging Face folder. Says on standard error what the importer notes.
pub fn folder(path: &Path) -> Result<Bert> {
    Ok(noted(import_folder(path)?))
}

/// Says on standard error what the importer notes.
fn noted(bert: Bert) -> Bert {
    bert.notes().iter().for_each(|note| eprintln!("note: {note}"));
    bert
}
