//! `bert8 tokenizer`

use super::load;
use super::output::Output;
use anyhow::Result;
use bert8::text::TextTokenizer;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Write the tokenizer.json of a model, which a browser needs
///
/// Older folders of BERT have only a vocab.txt (WordPiece). This writes the tokenizer.json that gives the same token ids, with
/// the settings of the tokenizer_config.json beside it. A model that has a tokenizer.json gets a copy of it.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A Hugging Face folder, an ONNX file with the tokenizer beside it, or a vocab.txt
    model: PathBuf,

    /// The tokenizer.json to write
    #[arg(short, long, value_name = "tokenizer.json")]
    output: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let is_tokenizer = args.model.extension().is_some_and(|extension| extension == "txt" || extension == "json");
    let source = load::existing_tokenizer(&args.model, is_tokenizer.then_some(args.model.as_path()))?;
    let output = Output::new(&args.output, &[&source])?;
    output.write(&TextTokenizer::json_of_file(&source)?)?;
    eprintln!("wrote {} from {}", args.output.display(), source.display());
    Ok(())
}
