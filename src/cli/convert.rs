//! `bert8 convert`

use super::load::{Source, TaskChoice};
use super::output::{Output, megabytes};
use anyhow::Result;
use bert8::bert::emit_fp32;
use bert8::onnx::encode_model;
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};

/// Convert a BERT classifier to an FP32 ONNX file with dynamic batch size and sequence length
///
/// The model comes from a Hugging Face folder or from any ONNX export. The logits of an ONNX export are compared with those of
/// the written file; a difference is an error.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    source: Source,

    #[command(flatten)]
    task: TaskChoice,

    /// The ONNX file to write
    #[arg(short, long, value_name = "OUT.onnx")]
    output: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let files = args.source.files();
    let inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let output = Output::new(&args.output, &inputs)?;
    let bytes = encode_model(&emit_fp32(&args.task.apply(args.source.bert()?)?));
    output.write(&bytes)?;
    eprintln!("wrote {} ({})", args.output.display(), megabytes(bytes.len()));
    Ok(())
}
