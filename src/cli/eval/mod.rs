//! `bert8 eval`

mod json;
mod predictions;
mod results;
mod text;

use super::load::{self, KernelChoice};
use super::output::{Output, print_json};
use super::progress::Progress;
use super::threads::Threads;
use anyhow::{Result, bail};
use bert8::metrics::Target;
use bert8::model::Model;
use bert8::text::Tokens;
use bert8::text::dataset::Example;
use clap::Args as ClapArgs;
use predictions::predictions_jsonl;
use results::Results;
use std::path::PathBuf;
use std::time::Instant;

/// Measure how good a model's answers are, and compare an INT8 model with its FP32 baseline
///
/// A model that chooses a class has accuracy, F1 (of class 1 as GLUE defines it; macro and weighted beyond two classes) and
/// the Matthews correlation. A model whose labels apply independently has micro and macro F1, and the share of texts with
/// every label right. A model that returns a score has Pearson's and Spearman's correlation with the labels.
///
/// --baseline adds the share of equal decisions (agreement), the number of different decisions (flips), the largest and the
/// root mean square difference of the logits, their signal-to-quantization-noise ratio in decibels, and their rank
/// correlation. This needs no labels.
///
/// Brackets hold 95 % confidence intervals (bootstrap with a fixed seed). A difference whose interval includes 0 is no
/// loss that these data can show.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// An ONNX file, from bert8 convert or bert8 quantize
    model: PathBuf,

    /// The model's tokenizer.json [default: the one beside the model]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,

    /// Texts or pairs of texts, with labels: TSV, CSV, JSON lines or a JSON array, with the columns of any GLUE task, or with
    /// sentence or text, and label
    #[arg(long, value_name = "DATA")]
    data: PathBuf,

    /// The FP32 ONNX file to compare with
    #[arg(long, value_name = "FP32.onnx")]
    baseline: Option<PathBuf>,

    /// Cut texts to this many tokens [default: the model's own limit]
    #[arg(long, value_name = "TOKENS")]
    max_length: Option<usize>,

    /// The smallest probability at which a label of a multi-label model applies
    #[arg(long, value_name = "P", default_value_t = 0.5, value_parser = probability)]
    threshold: f32,

    /// Leave out rows that cannot be used, and say which
    #[arg(long)]
    skip_bad_rows: bool,

    /// Write each row's label, decision and logits as one JSON object per line, in the order of the data
    #[arg(long, value_name = "FILE.jsonl")]
    predictions: Option<PathBuf>,

    #[command(flatten)]
    kernel: KernelChoice,

    #[command(flatten)]
    threads: Threads,

    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

fn probability(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("expected a number between 0 and 1".to_owned()),
    }
}

/// A row of the data.
struct Sample {
    line: usize,
    tokens: Tokens,
    target: Option<Target>,
}

/// What a model returned for every sample.
struct Run {
    logits: Vec<Vec<f32>>,
    rows_per_second: f64,
}

pub fn run(args: &Args) -> Result<()> {
    let tokenizer_path = load::tokenizer_path(&args.model, args.tokenizer.as_deref());
    let mut inputs = vec![args.model.as_path(), &tokenizer_path, &args.data];
    inputs.extend(args.baseline.as_deref());
    let predictions = args.predictions.as_ref().map(|path| Output::new(path, &inputs)).transpose()?;
    let mut data = load::dataset(&args.data, args.skip_bad_rows)?;
    let pool = args.threads.pool()?;
    let model = load::model(&args.model, args.kernel.kernel, &pool)?;
    let tokenizer = load::tokenizer(&args.model, args.tokenizer.as_deref())?;
    let baseline = args.baseline.as_deref().map(|path| load::model(path, args.kernel.kernel, &pool)).transpose()?;
    let info = model.info().clone();
    if let Some(baseline) = &baseline
        && baseline.info().labels.len() != info.labels.len()
    {
        bail!("{} and its baseline have different numbers of classes", args.model.display());
    }
    if let Some(texts) = info.texts.filter(|texts| *texts != data.texts) {
        bail!(
            "{} reads {texts}, but a row of {} has {} (line {})",
            args.model.display(),
            data.file_name,
            data.texts,
            data.examples[0].line
        );
    }
    if let Some(vocab_size) = info.vocab_size {
        tokenizer.check_vocabulary(vocab_size)?;
    }
    let max_length = args.max_length.unwrap_or(info.max_positions).min(info.max_positions);
    tokenizer.check_limit(max_length, data.texts)?;
    let known = data.skipped.len();
    let targets = data.targets(info.problem, &info.labels)?;
    load::report_skipped(&data, known);
    if baseline.is_none() && targets.iter().all(Option::is_none) {
        bail!(
            "{}: no row has a label; add a column such as label, or name an FP32 model with --baseline to compare with",
            data.file_name
        );
    }
    let sample = |(example, target): (&Example, Option<Target>)| {
        Ok(Sample { line: example.line, tokens: tokenizer.encode(example.input(), max_length)?, target })
    };
    let samples = data.examples.iter().zip(targets).map(sample).collect::<Result<Vec<_>>>()?;

    let mut progress = Progress::new();
    let found = evaluate(&model, &samples, "evaluating", &mut progress)?;
    let reference =
        baseline.map(|baseline| evaluate(&baseline, &samples, "evaluating the baseline", &mut progress)).transpose()?;
    progress.finish();
    if let Some(file) = predictions {
        file.write(&predictions_jsonl(&samples, (info.problem, args.threshold), &found, reference.as_ref())?)?;
    }
    let results = Results::new(&samples, data.texts, (info.problem, args.threshold), &found, reference.as_ref());
    if args.json { print_json(&results.json(data.skipped.len())) } else { results.print(&info.labels) }
}

/// Returns every sample's logits, and the speed.
fn evaluate(model: &Model, samples: &[Sample], what: &'static str, progress: &mut Progress) -> Result<Run> {
    let start = Instant::now();
    let mut logits = Vec::with_capacity(samples.len());
    for sample in samples {
        progress.show(what, logits.len(), samples.len());
        logits.push(model.logits(&sample.tokens)?);
    }
    Ok(Run { logits, rows_per_second: samples.len() as f64 / start.elapsed().as_secs_f64() })
}
