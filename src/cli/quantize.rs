//! `bert8 quantize`

use super::load::{self, Source};
use super::output::{Output, megabytes, print_json};
use anyhow::{Result, bail};
use bert8::pairs::read_pairs;
use bert8::quantize::{CalibrationInfo, choose, quantize};
use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};

/// Quantize a BERT classifier to an INT8 ONNX file
///
/// Post-training static quantization: weights symmetric per output channel, activations per tensor with ranges from
/// calibration pairs, biases corrected. The pairs need no labels; a few hundred that look like what the model will see are
/// enough. The same seed and files give the same bytes.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    source: Source,

    /// Sentence pairs to calibrate on: TSV, CSV or JSONL with sentence1 and sentence2
    #[arg(long, value_name = "PAIRS")]
    calibration: PathBuf,

    /// The ONNX file to write
    #[arg(short, long, value_name = "OUT.onnx")]
    output: PathBuf,

    /// Write a JSON report: ranges, scales, zero points, weight errors, sizes
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// The tokenizer.json, where it is not in or beside the model
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,

    /// How many of the pairs to use
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    subset_size: u32,

    /// Cut calibration pairs to this many tokens
    #[arg(long, value_name = "TOKENS", default_value_t = 128, value_parser = clap::value_parser!(u32).range(4..))]
    max_length: u32,

    /// Decides which pairs are used
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Print the report on standard output
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let tokenizer = args.source.tokenizer_path(args.tokenizer.as_deref());
    let files = args.source.files();
    let mut inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    inputs.extend([args.calibration.as_path(), &tokenizer]);
    let output = Output::new(&args.output, &inputs)?;
    let report_file = args.report.as_ref().map(|path| Output::new(path, &inputs)).transpose()?;
    if report_file.as_ref().is_some_and(|report| report.is(&output)) {
        bail!("--report and --output name the same file, {}", args.output.display());
    }
    let pairs = read_pairs(&args.calibration)?;
    let bert = args.source.bert()?;
    if args.tokenizer.is_none() && !tokenizer.exists() {
        bail!("no tokenizer.json with the model ({}); name one with --tokenizer FILE", tokenizer.display());
    }
    let tokenizer = load::tokenizer(&tokenizer)?;
    tokenizer.check_vocabulary(bert.config().vocab_size)?;
    let max_length = (args.max_length as usize).min(bert.config().max_positions);
    let samples = choose(pairs.len(), args.subset_size as usize, args.seed)
        .into_iter()
        .map(|at| tokenizer.encode(&pairs[at].first, &pairs[at].second, max_length))
        .collect::<bert8::Result<Vec<_>>>()?;

    let style = ProgressStyle::with_template("calibrating {bar:32} {pos}/{len} pairs, {eta} left")?;
    let bar = ProgressBar::new(samples.len() as u64).with_style(style);
    let info = CalibrationInfo { max_length, seed: args.seed };
    let quantized = quantize(&bert, &samples, info, |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();

    output.write(&quantized.onnx)?;
    if let Some(file) = report_file {
        file.write(serde_json::to_string_pretty(&quantized.report)?.as_bytes())?;
    }
    let sizes = quantized.report.sizes;
    eprintln!(
        "wrote {} ({}, {:.1} % of FP32's {}), calibrated on {} pairs",
        args.output.display(),
        megabytes(sizes.int8_bytes),
        sizes.ratio * 100.0,
        megabytes(sizes.fp32_bytes),
        samples.len()
    );
    if args.json { print_json(&quantized.report) } else { Ok(()) }
}
