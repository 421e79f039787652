//! `bert8 eval`

use super::load::{self, KernelChoice};
use super::output::{Output, print_json};
use anyhow::{Result, bail};
use bert8::metrics::{Counts, argmax, rmse, sqnr_db};
use bert8::model::{Classifier, Model};
use bert8::text::Tokens;
use bert8::text::pairs::{Pair, read_pairs};
use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Measure accuracy and F1 on labelled pairs, and compare an INT8 model with its FP32 baseline
///
/// F1 is for class 1, as GLUE defines it for MRPC. --baseline adds the share of equal decisions (agreement), the number of
/// different decisions (flips), the root mean square error of the logits, and their signal-to-quantization-noise ratio in
/// decibels.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// An ONNX file, from bert8 convert or bert8 quantize
    model: PathBuf,

    /// The model's tokenizer.json
    #[arg(long, value_name = "FILE")]
    tokenizer: PathBuf,

    /// Labelled sentence pairs: TSV (including GLUE's MRPC layout), CSV or JSONL
    #[arg(long, value_name = "PAIRS")]
    data: PathBuf,

    /// The FP32 ONNX file to compare with
    #[arg(long, value_name = "FP32.onnx")]
    baseline: Option<PathBuf>,

    /// Cut pairs to this many tokens [default: the model's own limit]
    #[arg(long, value_name = "TOKENS")]
    max_length: Option<usize>,

    /// Write each pair's label, decision and logits as one JSON object per line, in the order of the data
    #[arg(long, value_name = "FILE.jsonl")]
    predictions: Option<PathBuf>,

    #[command(flatten)]
    kernel: KernelChoice,

    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Results {
    pairs: usize,
    #[serde(flatten)]
    scores: Scores,
    #[serde(flatten)]
    difference: Option<Difference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Scores>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Scores {
    accuracy: f64,
    f1: f64,
    pairs_per_second: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Difference {
    agreement: f64,
    flips: usize,
    logit_rmse: f64,
    sqnr_db: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Prediction<'a> {
    line: usize,
    label: usize,
    predicted: usize,
    logits: &'a [f32],
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_logits: Option<&'a [f32]>,
}

struct Sample {
    line: usize,
    tokens: Tokens,
    label: usize,
}

pub fn run(args: &Args) -> Result<()> {
    let mut inputs = vec![args.model.as_path(), &args.tokenizer, &args.data];
    inputs.extend(args.baseline.as_deref());
    let predictions = args.predictions.as_ref().map(|path| Output::new(path, &inputs)).transpose()?;
    let pairs = read_pairs(&args.data)?;
    let classifier = Classifier::new(
        load::model(&args.model, args.kernel.kernel)?,
        load::tokenizer(&args.tokenizer)?,
        args.max_length,
    )?;
    let baseline = args.baseline.as_deref().map(|path| load::model(path, args.kernel.kernel)).transpose()?;
    if let Some(baseline) = &baseline
        && baseline.info().labels.len() != classifier.model().info().labels.len()
    {
        bail!("{} and its baseline have different numbers of classes", args.model.display());
    }
    if classifier.model().info().is_regression() {
        bail!("{} is a regression model and returns a score; accuracy and F1 are for classes", args.model.display());
    }
    let samples = samples(&classifier, &pairs, &args.data)?;
    let (logits, scores) = evaluate(classifier.model(), &samples, "evaluating")?;
    let mut results = Results { pairs: samples.len(), scores, difference: None, baseline: None };
    let mut reference = None;
    if let Some(baseline) = baseline {
        let (baseline_logits, scores) = evaluate(&baseline, &samples, "baseline")?;
        results.difference = Some(difference(&baseline_logits, &logits));
        results.baseline = Some(scores);
        reference = Some(baseline_logits);
    }
    if let Some(file) = predictions {
        file.write(&predictions_jsonl(&samples, &logits, reference.as_deref())?)?;
    }
    if args.json { print_json(&results) } else { print(&results) }
}

/// Tokenizes `pairs` and finds their class ids. Every pair must have a label.
fn samples(classifier: &Classifier, pairs: &[Pair], file: &Path) -> Result<Vec<Sample>> {
    let file = file.display().to_string();
    let mut samples = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let Some(label) = pair.label_id(&classifier.model().info().labels, &file)? else {
            bail!("{file}, line {}: no label; evaluation needs a label or Quality column", pair.line);
        };
        samples.push(Sample { line: pair.line, tokens: classifier.tokenize(pair.input())?, label });
    }
    Ok(samples)
}

/// Returns every sample's logits, and the scores.
fn evaluate(model: &Model, samples: &[Sample], what: &'static str) -> Result<(Vec<Vec<f32>>, Scores)> {
    let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len} pairs, {eta} left")?;
    let bar = ProgressBar::new(samples.len() as u64).with_style(style).with_message(what);
    let start = Instant::now();
    let mut counts = Counts::default();
    let mut all = Vec::with_capacity(samples.len());
    for sample in samples {
        let logits = model.logits(&sample.tokens)?;
        counts.add(argmax(&logits), sample.label);
        all.push(logits);
        bar.inc(1);
    }
    let seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let pairs_per_second = samples.len() as f64 / seconds;
    Ok((all, Scores { accuracy: counts.accuracy(), f1: counts.f1(), pairs_per_second }))
}

fn difference(reference: &[Vec<f32>], logits: &[Vec<f32>]) -> Difference {
    let flips = reference.iter().zip(logits).filter(|(a, b)| argmax(a) != argmax(b)).count();
    let agreement = 1.0 - flips as f64 / logits.len().max(1) as f64;
    let (reference, logits) = (reference.concat(), logits.concat());
    Difference { agreement, flips, logit_rmse: rmse(&reference, &logits), sqnr_db: sqnr_db(&reference, &logits) }
}

/// Returns one line of JSON per sample, in the order of the file.
fn predictions_jsonl(samples: &[Sample], logits: &[Vec<f32>], reference: Option<&[Vec<f32>]>) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for (at, (sample, logits)) in samples.iter().zip(logits).enumerate() {
        let prediction = Prediction {
            line: sample.line,
            label: sample.label,
            predicted: argmax(logits),
            logits,
            baseline_logits: reference.map(|all| all[at].as_slice()),
        };
        serde_json::to_writer(&mut lines, &prediction)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn print(results: &Results) -> Result<()> {
    let line = |name: &str, s: &Scores| -> Result<()> {
        say!("{name:<9} accuracy {:.4}  F1 {:.4}  {:.1} pairs/s", s.accuracy, s.f1, s.pairs_per_second);
        Ok(())
    };
    say!("{} pairs", results.pairs);
    line("model", &results.scores)?;
    if let (Some(baseline), Some(difference)) = (&results.baseline, &results.difference) {
        line("baseline", baseline)?;
        let sqnr = difference.sqnr_db.map_or("no noise".to_owned(), |db| format!("{db:.1} dB"));
        say!(
            "agreement {:.2} % ({} flips), logit RMSE {:.4}, SQNR {sqnr}",
            difference.agreement * 100.0,
            difference.flips,
            difference.logit_rmse
        );
    }
    Ok(())
}
