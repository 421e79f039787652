//! `bert8 convert`

use super::output::{Output, megabytes};
use super::source::Source;
use super::task_choice::TaskChoice;
use anyhow::{Result, bail};
use bert8::bert::emit_fp32;
use bert8::onnx::{encode_model, encoded_len};
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

/// The largest protobuf message.
const LARGEST_FILE: usize = i32::MAX as usize;

pub fn run(args: &Args) -> Result<()> {
    let files = args.source.files();
    let inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let output = Output::new(&args.output, &inputs)?;
    let model = emit_fp32(&args.task.apply(args.source.bert()?)?);
    let size = encoded_len(&model);
    if size > LARGEST_FILE {
        bail!(
            "the FP32 file would have {}; ONNX files end at 2 GiB, and no browser could load it. bert8 quantize reads {} \
             directly and writes a quarter of that",
            megabytes(size),
            args.source.model.display()
        );
    }
    let bytes = encode_model(&model);
    output.write(&bytes)?;
    eprintln!("wrote {} ({})", args.output.display(), megabytes(bytes.len()));
    Ok(())
}
