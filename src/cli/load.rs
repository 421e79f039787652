//! Loads models and tokenizers from the paths on the command line.

use anyhow::{Context, Result, anyhow, bail};
use bert8::kernels::{Kernel, ThreadPool};
use bert8::model::Model;
use bert8::text::TextTokenizer;
use bert8::text::dataset::{BadRows, Dataset};
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns the path of a model's tokenizer: `given`, or the tokenizer.json or vocab.txt in or beside the model, or above a
/// folder called `onnx`. If there is none, returns the path beside the model.
pub fn tokenizer_path(model: &Path, given: Option<&Path>) -> PathBuf {
    if let Some(path) = given {
        return path.to_owned();
    }
    let file = onnx_file(model).unwrap_or_else(|| model.join("model.safetensors"));
    let paths: Vec<PathBuf> = TOKENIZER_FILES.into_iter().flat_map(|name| beside(&file, name)).collect();
    paths.iter().find(|path| path.exists()).unwrap_or(&paths[0]).clone()
}

/// The names of tokenizer files, the preferred one first.
const TOKENIZER_FILES: [&str; 2] = ["tokenizer.json", "vocab.txt"];

/// Loads the tokenizer of `model` from [`tokenizer_path`].
pub fn tokenizer(model: &Path, given: Option<&Path>) -> Result<TextTokenizer> {
    Ok(TextTokenizer::from_file(existing_tokenizer(model, given)?)?)
}

/// Files that transformers makes a tokenizer.json from, and bert8 does not.
const OTHER_TOKENIZERS: [&str; 4] = ["vocab.json", "sentencepiece.bpe.model", "sentencepiece.model", "spiece.model"];

/// Returns [`tokenizer_path`], which must exist unless it was given.
pub fn existing_tokenizer(model: &Path, given: Option<&Path>) -> Result<PathBuf> {
    let path = tokenizer_path(model, given);
    if given.is_some() || path.exists() {
        return Ok(path);
    }
    if let Some(name) = OTHER_TOKENIZERS.into_iter().find(|name| path.with_file_name(name).exists()) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        bail!(
            "{} has {name}, but no tokenizer.json; make one with Python: from transformers import AutoTokenizer as T; \
             T.from_pretrained({folder:?}).save_pretrained({folder:?})",
            folder.display()
        );
    }
    bail!("no tokenizer.json in or beside the model ({}); name one with --tokenizer FILE", path.display());
}

/// Reads a file of texts. Says on standard error which rows are left out.
pub fn dataset(path: &Path, skip_bad_rows: bool) -> Result<Dataset> {
    let bad_rows = if skip_bad_rows { BadRows::Skip } else { BadRows::Refuse };
    let data = Dataset::read(path, bad_rows).map_err(|error| match Dataset::read(path, BadRows::Skip) {
        Ok(_) => anyhow!("{}; --skip-bad-rows leaves out such rows", error.with_sources()),
        Err(_) => error.into(),
    })?;
    report_skipped(&data, 0);
    Ok(data)
}

/// Says which rows were left out, after the first `known`.
pub fn report_skipped(data: &Dataset, known: usize) {
    const SHOWN: usize = 10;
    let skipped = &data.skipped[known..];
    if skipped.is_empty() {
        return;
    }
    eprintln!("left out {} of {} rows of {}:", skipped.len(), data.examples.len() + skipped.len(), data.file_name);
    for error in skipped.iter().take(SHOWN) {
        eprintln!("  {}", error.with_sources());
    }
    if skipped.len() > SHOWN {
        eprintln!("  and {} more", skipped.len() - SHOWN);
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
pub fn beside(model: &Path, name: &str) -> Vec<PathBuf> {
    // A path may not show its folder.
    let full = std::path::absolute(model).unwrap_or_else(|_| model.to_owned());
    let folder = full.parent().filter(|folder| folder.file_name().is_some_and(|folder| folder == "onnx"));
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

/// Loads an ONNX file to run on the threads of `pool`.
pub fn model(path: &Path, kernel: Kernel, pool: &Arc<ThreadPool>) -> Result<Model> {
    let Some(file) = onnx_file(path) else {
        bail!("{} is a folder; convert it to an ONNX file first: bert8 convert {0} -o model.onnx", path.display());
    };
    Ok(Model::builder().kernel(kernel).thread_pool(pool.clone()).load_file(file)?)
}
