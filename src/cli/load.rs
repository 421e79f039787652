//! Loads models and tokenizers from the paths on the command line.

use anyhow::{Context, Result, anyhow, bail};
use bert8::files::{self, Disk};
use bert8::kernels::{Kernel, ThreadPool};
use bert8::model::Model;
use bert8::text::TextTokenizer;
use bert8::text::dataset::{BadRows, Dataset};
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns the path of a model's tokenizer: `given`, or where [`files::tokenizer_path`] finds it.
pub fn tokenizer_path(model: &Path, given: Option<&Path>) -> PathBuf {
    given.map_or_else(|| files::tokenizer_path(&Disk, model), Path::to_owned)
}

/// Loads the tokenizer of `model` from [`tokenizer_path`].
pub fn tokenizer(model: &Path, given: Option<&Path>) -> Result<TextTokenizer> {
    Ok(TextTokenizer::from_file(existing_tokenizer(model, given)?)?)
}

/// Returns [`tokenizer_path`], which must exist unless it was given.
pub fn existing_tokenizer(model: &Path, given: Option<&Path>) -> Result<PathBuf> {
    let path = tokenizer_path(model, given);
    if given.is_some() || path.exists() {
        return Ok(path);
    }
    if let Some(error) = files::other_tokenizer(&Disk, &path) {
        return Err(error.into());
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

/// Returns the ONNX file that `model` is, or that the folder `model` holds: see [`files::model_file`].
pub fn onnx_file(model: &Path) -> Option<PathBuf> {
    files::model_file(&Disk, model)
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
