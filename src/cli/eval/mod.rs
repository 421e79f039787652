//! `bert8 eval`

mod predictions;
mod text;

use super::classifier::{ClassifierArgs, DecisionArgs};
use super::load;
use super::output::{Output, print_json};
use super::progress::Progress;
use anyhow::{Context, Result, bail};
use bert8::integrity::Integrity;
use bert8::metrics::{Evaluation, Run, Target};
use bert8::model::{Accuracy, MeasuredMetric, Model, ModelInfo, Precision};
use bert8::onnx::decode_skeleton;
use bert8::text::Tokens;
use bert8::text::dataset::Example;
use clap::Args as ClapArgs;
use predictions::predictions_jsonl;
use std::path::{Path, PathBuf};
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
    #[command(flatten)]
    model: DecisionArgs,

    /// Texts or pairs of texts, with labels: TSV, CSV, JSON lines or a JSON array, with the columns of any GLUE task, or with
    /// sentence or text, and label
    #[arg(long, value_name = "DATA")]
    data: PathBuf,

    /// The FP32 ONNX file to compare with
    #[arg(long, value_name = "FP32.onnx")]
    baseline: Option<PathBuf>,

    /// Leave out rows that cannot be used, and say which
    #[arg(long)]
    skip_bad_rows: bool,

    /// Write each row's label, decision and logits as one JSON object per line, in the order of the data
    #[arg(long, value_name = "FILE.jsonl")]
    predictions: Option<PathBuf>,

    /// Store the results in the model's file, in place of older ones: the most telling metric with its interval, agreement and
    /// SQNR (with --baseline), and the hash of the data
    #[arg(long)]
    write: bool,

    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

/// A row of the data.
struct Sample {
    line: usize,
    tokens: Tokens,
    target: Option<Target>,
}

pub fn run(args: &Args) -> Result<()> {
    let ClassifierArgs { model: file, tokenizer, kernel, threads, .. } = &args.model.classifier;
    let target = args.write.then(|| WriteTarget::new(file)).transpose()?;
    let tokenizer_path = load::tokenizer_path(file, tokenizer.as_deref());
    let mut inputs = vec![file.as_path(), &tokenizer_path, &args.data];
    inputs.extend(args.baseline.as_deref());
    let predictions = args.predictions.as_ref().map(|path| Output::new(path, &inputs)).transpose()?;
    let mut data = load::dataset(&args.data, args.skip_bad_rows)?;
    let classifier = args.model.load()?;
    let baseline =
        args.baseline.as_deref().map(|path| load::model(path, kernel.kernel, &threads.pool()?)).transpose()?;
    let info = classifier.model().info().clone();
    if let Some(baseline) = &baseline
        && baseline.info().labels.len() != info.labels.len()
    {
        bail!("{} and its baseline have different numbers of classes", file.display());
    }
    data.check_texts(info.texts, &file.display().to_string())?;
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
        let tokens = classifier.tokenize(example.input());
        let tokens = tokens.with_context(|| format!("{}, line {}", data.file_name, example.line))?;
        Ok(Sample { line: example.line, tokens, target })
    };
    let samples = data.examples.iter().zip(targets).map(sample).collect::<Result<Vec<_>>>()?;

    let mut progress = Progress::new();
    let found = evaluate(classifier.model(), &samples, "evaluating", &mut progress)?;
    let reference =
        baseline.map(|baseline| evaluate(&baseline, &samples, "evaluating the baseline", &mut progress)).transpose()?;
    progress.finish();
    let decision = (info.problem, classifier.threshold());
    if let Some(file) = predictions {
        file.write(&predictions_jsonl(&samples, decision, &found, reference.as_ref())?)?;
    }
    let targets: Vec<Option<Target>> = samples.into_iter().map(|sample| sample.target).collect();
    let results = Evaluation::new(data.texts, decision, &targets, &found, reference.as_ref());
    if let Some(target) = target {
        target.write(&accuracy(&results, Integrity::of(&load::read(&args.data)?)))?;
    }
    if args.json { print_json(&results.json(data.skipped.len())) } else { text::print(&results, &info.labels) }
}

/// What a model's file says of `results`, which are about `data`.
fn accuracy(results: &Evaluation, data: Integrity) -> Accuracy {
    let difference = results.difference.as_ref().map(|(difference, _)| difference);
    let metric = results.measured.first();
    Accuracy {
        rows: results.rows(),
        data,
        unseen: None,
        agreement: difference.and_then(|difference| difference.agreement),
        sqnr: difference.and_then(|difference| difference.sqnr_db),
        metric: metric.map(|found| MeasuredMetric { name: found.metric, value: found.value, interval: found.interval }),
    }
}

/// The model's file, to which the results are written.
struct WriteTarget {
    output: Output,
    onnx: Vec<u8>,
    file_name: String,
}

impl WriteTarget {
    /// Checks that the results can be written to `file`.
    fn new(file: &Path) -> Result<Self> {
        let path = load::onnx_file(file).unwrap_or_else(|| file.to_owned());
        let (output, onnx, file_name) = (Output::new(&path, &[])?, load::read(&path)?, path.display().to_string());
        if ModelInfo::new(&decode_skeleton(&onnx, &file_name)?).precision == Precision::Fp32 {
            bail!("{file_name} is an FP32 file; --write is for INT8 files");
        }
        Ok(WriteTarget { output, onnx, file_name })
    }

    fn write(&self, accuracy: &Accuracy) -> Result<()> {
        self.output.write(&accuracy.write_to(&self.onnx, &self.file_name)?)?;
        eprintln!("wrote the results to {}", self.file_name);
        Ok(())
    }
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
