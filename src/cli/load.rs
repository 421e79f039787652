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
        if self.model.is_dir() {
            return Ok(import_folder(&self.model)?);
        }
        let options = ImportOptions {
            heads: self.heads.map(usize::from),
            labels: None,
            output: self.logits.clone(),
            requantize: self.requantize,
        };
        Ok(import_onnx_file(&self.model, &options)?)
    }

    /// Returns the files that the model is read from, or its folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.model.clone()];
        if let Some(file) = onnx_file(&self.model) {
            files.extend(external_files(&file));
            // They may name the labels.
            files.extend(beside(&file, "config.json"));
            files.push(file);
        }
        files
    }

    /// Returns the path of the model's tokenizer: `given`, or the tokenizer.json in or beside the model, or above a folder
    /// called `onnx`.
    pub fn tokenizer_path(&self, given: Option<&Path>) -> PathBuf {
        let file = onnx_file(&self.model).unwrap_or_else(|| self.model.join("model.safetensors"));
        let [first, rest @ ..] = &beside(&file, "tokenizer.json")[..] else { return file };
        let found = rest.iter().find(|path| !first.exists() && path.exists()).unwrap_or(first);
        given.map_or_else(|| found.clone(), Path::to_owned)
    }
}

/// The ONNX file that `model` is, or that the folder `model` holds instead of safetensors: `model.onnx`, or `onnx/model.onnx`
/// as transformers.js has it.
pub fn onnx_file(model: &Path) -> Option<PathBuf> {
    let holds = |name: &str| model.join(name).exists();
    match model.is_dir() {
        false => Some(model.to_owned()),
        true if holds("model.safetensors") || holds("model.safetensors.index.json") => None,
        true => ["model.onnx", "onnx/model.onnx"].map(|name| model.join(name)).into_iter().find(|path| path.is_file()),
    }
}

/// Where a file called `name` that belongs to the ONNX file `model` may be: beside it or, if its folder is called `onnx`,
/// above that.
fn beside(model: &Path, name: &str) -> Vec<PathBuf> {
    let folder = model.parent().filter(|folder| folder.file_name().is_some_and(|folder| folder == "onnx"));
    std::iter::once(model.with_file_name(name)).chain(folder.map(|folder| folder.with_file_name(name))).collect()
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
    let Some(file) = onnx_file(path) else {
        bail!("{} is a folder; convert it to an ONNX file first: bert8 convert {0} -o model.onnx", path.display());
    };
    Ok(Model::builder().kernel(kernel).load_file(file)?)
}

/// Loads a tokenizer.json.
pub fn tokenizer(path: &Path) -> Result<TextTokenizer> {
    Ok(TextTokenizer::from_file(path)?)
}
