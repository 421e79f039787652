//! `bert8 classify`

use super::load::{self, KernelChoice};
use super::output::print_json;
use anyhow::Result;
use bert8::model::Classifier;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Classify one pair of sentences
///
/// A regression model, which has one output, returns a score instead of a class.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// An ONNX file, from bert8 convert or bert8 quantize
    model: PathBuf,

    /// The first sentence
    first: String,

    /// The second sentence
    second: String,

    /// The model's tokenizer.json [default: the one beside the model, or one folder up]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,

    /// Cut pairs to this many tokens [default: the model's own limit]
    #[arg(long, value_name = "TOKENS")]
    max_length: Option<usize>,

    #[command(flatten)]
    kernel: KernelChoice,

    /// Print label, probabilities, score, logits and timing as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let classifier = Classifier::new(
        load::model(&args.model, args.kernel.kernel)?,
        load::tokenizer(&args.model, args.tokenizer.as_deref())?,
        args.max_length,
    )?;
    let answer = classifier.classify(&args.first, &args.second)?;
    if answer.truncated {
        eprintln!("note: the pair was cut to {} tokens", answer.tokens);
    }
    if args.json {
        return print_json(&answer);
    }
    let ms = answer.timing.infer_ms;
    match (answer.label, answer.label_id) {
        (Some(label), Some(id)) => say!("{label} ({:.1} %), {ms:.1} ms", answer.probabilities[id] * 100.0),
        _ => say!("score {:.4}, {ms:.1} ms", answer.logits[0]),
    }
    Ok(())
}
