//! `bert8 manifest`

use super::load;
use super::output::Output;
use anyhow::{Context, Result, bail};
use bert8::Classifier;
use bert8::integrity::Integrity;
use bert8::manifest::{ListedFile, Manifest};
use clap::Args as ClapArgs;
use std::fs;
use std::path::{Path, PathBuf};

/// Write a folder's manifest.json, which a browser loads the model by
///
/// It lists the model's ONNX file and the tokenizer.json with their sizes and hashes, and the task, labels and accuracy of the
/// model. A page then needs only the folder's URL: load("https://example.com/models/paraphrase/"). Write it again after
/// every change of the files.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The folder with the ONNX file and the tokenizer.json
    folder: PathBuf,

    /// The name of the ONNX file, if the folder has several
    #[arg(long, value_name = "NAME")]
    model: Option<String>,

    /// The name of the tokenizer.json
    #[arg(long, value_name = "NAME", default_value = "tokenizer.json")]
    tokenizer: String,
}

/// The file that is written.
const NAME: &str = "manifest.json";

pub fn run(args: &Args) -> Result<()> {
    if !args.folder.is_dir() {
        bail!("{} is not a folder; name the folder with the ONNX file and the tokenizer.json", args.folder.display());
    }
    let model = match &args.model {
        Some(name) => name.clone(),
        None => only_model(&args.folder)?,
    };
    let [model_path, tokenizer_path] = [&model, &args.tokenizer].map(|name| args.folder.join(name));
    if !tokenizer_path.is_file() {
        bail!(
            "{} does not exist; a browser needs a tokenizer.json: see bert8 tokenizer, or name another with --tokenizer",
            tokenizer_path.display()
        );
    }
    let path = args.folder.join(NAME);
    let output = Output::new(&path, &[&model_path, &tokenizer_path])?;
    let [model_bytes, tokenizer_bytes] = [load::read(&model_path)?, load::read(&tokenizer_path)?];
    let [listed_model, listed_tokenizer] =
        [(&model, &model_bytes), (&args.tokenizer, &tokenizer_bytes)].map(|(name, bytes)| ListedFile {
            file: url(name),
            bytes: bytes.len() as u64,
            integrity: Integrity::of(bytes),
        });
    // Files that do not load together are refused here.
    let classifier = Classifier::builder()
        .model_bytes(model_bytes)
        .model_name(model_path.display().to_string())
        .tokenizer_bytes(tokenizer_bytes)
        .tokenizer_name(tokenizer_path.display().to_string())
        .build()?;
    let manifest = Manifest::new(listed_model, listed_tokenizer, classifier.model().info());
    output.write((serde_json::to_string_pretty(&manifest)? + "\n").as_bytes())?;
    eprintln!("wrote {} for {model} and {}", path.display(), args.tokenizer);
    Ok(())
}

/// Returns the name of the only ONNX file in `folder`.
fn only_model(folder: &Path) -> Result<String> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".onnx") && folder.join(name).is_file())
        .collect();
    names.sort();
    match names.as_slice() {
        [name] => Ok(name.clone()),
        [] => bail!("{} has no ONNX file; quantize or convert a model into it first", folder.display()),
        names => {
            bail!("{} has {} ONNX files ({}); choose one with --model", folder.display(), names.len(), names.join(", "))
        }
    }
}

/// Returns the relative URL of a file with this name: every byte is escaped that means something else in a URL.
fn url(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn names_become_urls() {
        assert_eq!(url("onnx/model.int8.onnx"), "onnx/model.int8.onnx");
        assert_eq!(url("a b#1?é:%.onnx"), "a%20b%231%3F%C3%A9%3A%25.onnx");
    }
}
