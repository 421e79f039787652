//! `bert8 quantize`

use super::load::{self, Source};
use super::method::Method;
use super::output::{Output, Staged, megabytes, print_json};
use anyhow::{Result, bail};
use bert8::bert::BertConfig;
use bert8::quantize::{
    AccuracyControl, CalibrationInfo, Metric, Progress, Report, Stage, layer_reports, quantize, sample_indices,
};
use bert8::text::pairs::read_pairs;
use bert8::text::{TextTokenizer, Tokens};
use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};

/// Quantize a BERT classifier to an INT8 ONNX file
///
/// Post-training static quantization: weights are symmetric per output channel; activations are per tensor, with ranges from
/// calibration pairs after SmoothQuant; biases are corrected. With a search and gptq rounding, quantization runs three
/// times; the result whose calibration logits are closest to FP32 wins. The pairs need no labels. A few hundred that resemble
/// real inputs are enough. The same seed and files always produce the same bytes.
///
/// With --max-drop, parts of the model return to FP32, the most damaging first, until a metric on labelled pairs is at most
/// that far below FP32.
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

    /// Write a JSON report of ranges, histograms, scales, errors and sizes; bert8 report shows it
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// The tokenizer.json, if it is not in or beside the model
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,

    /// How many of the pairs to use
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    subset_size: u32,

    /// Cut calibration pairs to this many tokens
    #[arg(long, value_name = "TOKENS", default_value_t = 128, value_parser = clap::value_parser!(u32).range(4..))]
    max_length: u32,

    /// Seed for the choice of pairs
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    method: Method,

    /// How far the metric may drop below FP32, for instance 0.002 for 0.2 points
    #[arg(long, value_name = "DROP", requires = "data", help_heading = "Accuracy control")]
    max_drop: Option<f64>,

    /// The metric: f1, accuracy or agreement (with FP32)
    #[arg(long, value_name = "METRIC", default_value = "f1", help_heading = "Accuracy control")]
    metric: Metric,

    /// Labelled pairs to measure the metric on
    #[arg(long, value_name = "PAIRS", requires = "max_drop", help_heading = "Accuracy control")]
    data: Option<PathBuf>,

    /// Print the report to standard output as JSON
    #[arg(long)]
    json: bool,
}

/// The number of pairs on which the report measures the noise after every layer.
const LAYER_REPORT_PAIRS: usize = 16;

pub fn run(args: &Args) -> Result<()> {
    let tokenizer = args.source.tokenizer_path(args.tokenizer.as_deref());
    let files = args.source.files();
    let mut inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    inputs.extend([args.calibration.as_path(), &tokenizer]);
    inputs.extend(args.data.as_deref());
    let output = Output::new(&args.output, &inputs)?;
    let report_file = args.report.as_ref().map(|path| Output::new(path, &inputs)).transpose()?;
    if report_file.as_ref().is_some_and(|report| report.is(&output)) {
        bail!("--report and --output name the same file, {}", args.output.display());
    }
    let pairs = read_pairs(&args.calibration)?;
    let bert = args.source.bert()?;
    if args.tokenizer.is_none() && !tokenizer.exists() {
        bail!("no tokenizer.json beside the model ({}); name one with --tokenizer FILE", tokenizer.display());
    }
    let tokenizer = load::tokenizer(&tokenizer)?;
    tokenizer.check_vocabulary(bert.config().vocab_size)?;
    let max_length = (args.max_length as usize).min(bert.config().max_positions);
    let samples = sample_indices(pairs.len(), args.subset_size as usize, args.seed)
        .into_iter()
        .map(|at| tokenizer.encode(pairs[at].input(), max_length))
        .collect::<bert8::Result<Vec<_>>>()?;

    let labelled = args.data.as_deref().map(|data| labelled_pairs(data, bert.config(), &tokenizer)).transpose()?;
    let control = labelled.as_deref().zip(args.max_drop).map(|(data, max_drop)| AccuracyControl {
        metric: args.metric,
        max_drop,
        data,
    });

    let bar = ProgressBar::new(0)
        .with_style(ProgressStyle::with_template("{msg} {bar:32} {pos}/{len}, {elapsed} elapsed, {eta} left")?);
    let info = CalibrationInfo { max_length, seed: args.seed };
    let mut stage = None;
    let mut quantized = quantize(&bert, &samples, &args.method.options(), info, control.as_ref(), |step: Progress| {
        if stage.replace(step.stage) != Some(step.stage) {
            bar.reset();
            bar.set_message(stage_name(step.stage));
        }
        bar.set_length(step.total as u64);
        bar.set_position(step.done as u64);
    })?;
    if report_file.is_some() || args.json {
        let some = &samples[..samples.len().min(LAYER_REPORT_PAIRS)];
        quantized.report.layers = layer_reports(&bert, &quantized.onnx, some)?;
    }
    bar.finish_and_clear();

    let mut staged = vec![output.stage(&quantized.onnx)?];
    if let Some(file) = report_file {
        staged.push(file.stage(serde_json::to_string_pretty(&quantized.report)?.as_bytes())?);
    }
    staged.into_iter().try_for_each(Staged::commit)?;
    let sizes = quantized.report.sizes;
    eprintln!(
        "wrote {} ({}, {:.1} % of FP32's {}), calibrated on {} pairs",
        args.output.display(),
        megabytes(sizes.int8_bytes),
        sizes.ratio * 100.0,
        megabytes(sizes.fp32_bytes),
        samples.len()
    );
    print_control(&quantized.report);
    if args.json { print_json(&quantized.report) } else { Ok(()) }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Calibrating => "calibrating on pairs",
        Stage::Quantizing => "choosing scales",
        Stage::Ranking => "ranking parts by their damage",
        Stage::Reverting => "returning parts to FP32",
        Stage::Comparing => "comparing logits",
    }
}

/// Reads `file` and tokenizes its pairs. Returns them with their class ids.
fn labelled_pairs(file: &Path, config: &BertConfig, tokenizer: &TextTokenizer) -> Result<Vec<(Tokens, usize)>> {
    if config.labels.len() == 1 {
        bail!("the model returns one score; --max-drop needs a classifier");
    }
    let name = file.display().to_string();
    let mut labelled = Vec::new();
    for pair in read_pairs(file)? {
        let Some(label) = pair.label_id(&config.labels, &name)? else {
            bail!("{name}, line {}: no label; --max-drop needs labelled pairs", pair.line);
        };
        labelled.push((tokenizer.encode(pair.input(), config.max_positions)?, label));
    }
    Ok(labelled)
}

/// Prints what accuracy control did and what it costs.
fn print_control(report: &Report) {
    let Some(control) = &report.control else { return };
    let (fp32, int8, result) = (control.fp32, control.int8, control.result);
    eprintln!(
        "on {} pairs: FP32 {:.4}, INT8 {:.4}, the written file {:.4}",
        control.pairs, fp32.value, int8.value, result.value
    );
    for part in &control.reverted {
        eprintln!("  kept in FP32: {} (its own logit error {:.4}), then {:.4}", part.name, part.damage, part.value);
    }
    if !control.reverted.is_empty() {
        eprintln!(
            "  this adds {} and takes {:.1} instead of {:.1} ms per pair here (FP32: {:.1})",
            megabytes(result.bytes.saturating_sub(int8.bytes)),
            result.ms_per_pair,
            int8.ms_per_pair,
            fp32.ms_per_pair
        );
    }
}
