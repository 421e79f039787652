//! `bert8 quantize`

use super::command_line;
use super::load;
use super::method::Method;
use super::output::{Output, Staged, megabytes, print_json};
use super::progress;
use super::source::Source;
use super::task_choice::TaskChoice;
use super::threads::Threads;
use anyhow::{Context, Result, bail};
use bert8::bert::BertConfig;
use bert8::integrity::Integrity;
use bert8::metrics::Target;
use bert8::quantize::{
    AccuracyControl, CalibrationResult, CalibrationTexts, Measures, Metric, Progress, Provenance, Report, Sampling,
    SourceFile, check_ranges, utc, with_texts_of, with_threads,
};
use bert8::report::sensitivity;
use bert8::task::{Problem, Texts};
use bert8::text::{TextTokenizer, Tokens};
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Quantize a BERT classifier to an INT8 ONNX file
///
/// Post-training static quantization: weights are symmetric per output channel; activations are per tensor, with ranges from
/// calibration texts after SmoothQuant; biases are corrected. With a search and gptq rounding, quantization runs three
/// times; the result whose calibration logits are closest to FP32 wins. The texts need no labels. A few hundred that resemble
/// real inputs are enough. The same seed and files always produce the same bytes.
///
/// Afterwards, INT8 is compared with FP32 on texts that calibration did not see, if there are any. The file keeps the result, with
/// the hash of the data; bert8 eval --write replaces it.
///
/// What went wrong is a warning: few or strange texts, ranges that clip, answers far from FP32. With --strict it is an error.
///
/// With --max-drop, parts of the model return to FP32, the most damaging first, until a metric on labelled texts is at most
/// that far below FP32.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    source: Source,

    /// Texts or pairs of texts to calibrate on: TSV, CSV, JSON lines or a JSON array, with columns such as sentence, or sentence1
    /// and sentence2; or a .txt file with one text a line
    #[arg(long, value_name = "DATA")]
    calibration: PathBuf,

    #[command(flatten)]
    task: TaskChoice,

    /// The ONNX file to write
    #[arg(short, long, value_name = "OUT.onnx")]
    output: PathBuf,

    /// Write a JSON report of ranges, histograms, scales, errors and sizes; bert8 report shows it
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// The tokenizer.json, if it is not in or beside the model
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,

    /// How many of the texts to use. If there are no others, a tenth is not used, to compare INT8 with FP32 on them, unless fewer
    /// than 100 would be left
    #[arg(long, value_name = "N", default_value_t = Sampling::default().subset_size as u32, value_parser = clap::value_parser!(u32).range(1..))]
    subset_size: u32,

    /// Cut calibration texts to this many tokens
    #[arg(long, value_name = "TOKENS", default_value_t = Sampling::default().max_length as u32, value_parser = clap::value_parser!(u32).range(4..))]
    max_length: u32,

    /// Seed for the choice of texts
    #[arg(long, value_name = "N", default_value_t = Sampling::default().seed)]
    seed: u64,

    /// Leave out rows of the data that cannot be used, and say which
    #[arg(long)]
    skip_bad_rows: bool,

    /// Calibrate even on texts that are too few, too much alike, or mostly unknown to the tokenizer
    #[arg(long)]
    force_calibration: bool,

    /// Fail instead of warning, with exit code 1 and without the INT8 file, if calibration texts are few or mostly unknown to the
    /// tokenizer, if none are left to compare INT8 with FP32 on, if ranges clip many values, or if INT8 answers unlike FP32. A
    /// --report is written all the same
    #[arg(long, conflicts_with = "force_calibration")]
    strict: bool,

    /// Measure what every part of the model contributes to the error of the logits, and say which --ignore helps most. Takes about
    /// as long as running FP32 on 64 texts for every part
    #[arg(long)]
    sensitivity: bool,

    #[command(flatten)]
    method: Method,

    #[command(flatten)]
    threads: Threads,

    /// How far the metric may drop below FP32, for instance 0.002 for 0.2 points
    #[arg(long, value_name = "DROP", requires = "data", help_heading = "Accuracy control")]
    max_drop: Option<f64>,

    /// The metric: f1 (of class 1), macro-f1, weighted-f1, accuracy or matthews of a model that chooses a class; micro-f1, macro-f1
    /// or exact-match if labels apply independently; pearson or spearman of scores; agreement or rank-correlation with FP32, which
    /// need no labels [default: f1 for two classes, macro-f1 for more, micro-f1, spearman]
    #[arg(long, value_name = "METRIC", help_heading = "Accuracy control")]
    metric: Option<Metric>,

    /// Labelled texts to measure the metric on
    #[arg(long, value_name = "DATA", requires = "max_drop", help_heading = "Accuracy control")]
    data: Option<PathBuf>,

    /// Print the report to standard output as JSON
    #[arg(long)]
    json: bool,
}

/// So many of the most damaging parts are printed.
const SHOWN_PARTS: usize = 10;

pub fn run(args: &Args) -> Result<()> {
    with_threads(args.threads.count(), || write_int8(args))
}

/// Quantizes the model and writes the INT8 file and the report.
fn write_int8(args: &Args) -> Result<()> {
    let tokenizer_path = load::tokenizer_path(&args.source.model, args.tokenizer.as_deref());
    let files = args.source.files();
    let mut inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    inputs.extend([args.calibration.as_path(), &tokenizer_path]);
    inputs.extend(args.data.as_deref());
    let output = Output::new(&args.output, &inputs)?;
    let report_file = args.report.as_ref().map(|path| Output::new(path, &inputs)).transpose()?;
    if report_file.as_ref().is_some_and(|report| report.is(&output)) {
        bail!("--report and --output name the same file, {}", args.output.display());
    }
    let data = load::dataset(&args.calibration, args.skip_bad_rows)?;
    let whose = if args.task.texts()?.is_some() { "--task says that the model" } else { "the model" };
    let bert = with_texts_of(args.task.apply(args.source.bert()?)?, &data, whose)?;
    let tokenizer = load::tokenizer(&args.source.model, args.tokenizer.as_deref())?;
    let sampling =
        Sampling { subset_size: args.subset_size as usize, max_length: args.max_length as usize, seed: args.seed };
    let calibration =
        SourceFile { name: file_name(&args.calibration), integrity: Integrity::of(&load::read(&args.calibration)?) };
    let texts = CalibrationTexts::choose(&data, calibration.integrity, &tokenizer, bert.config(), sampling)?;
    check(&texts, args)?;

    let labelled =
        args.data.as_deref().map(|file| labelled_texts(file, args, bert.config(), &tokenizer)).transpose()?;
    let control = labelled.as_deref().zip(args.max_drop).map(|(data, max_drop)| AccuracyControl {
        metric: args.metric.unwrap_or_else(|| default_metric(bert.config())),
        max_drop,
        data,
    });

    let mut shown = progress::Progress::new();
    let measures = Measures { layers: report_file.is_some() || args.json, sensitivity: args.sensitivity };
    let mut quantized =
        texts.quantize(&bert, &args.method.options(), control.as_ref(), measures, |step: Progress| {
            shown.show(step.stage.name(), step.done, step.total);
        })?;
    shown.finish();

    quantized.report.provenance = Some(provenance(args, calibration, &quantized.onnx)?);
    let report_json = serde_json::to_string_pretty(&quantized.report)?;
    let result = quantized.report.check.as_ref().context("the INT8 model was not compared with FP32")?;
    if args.strict {
        let failed: Vec<String> =
            check_ranges(&quantized.report.activations).into_iter().chain(result.problem()).collect();
        if !failed.is_empty() {
            if let Some(file) = report_file {
                file.write(report_json.as_bytes())?;
            }
            print_check(result);
            bail!("--strict: {} is not written: {}", args.output.display(), failed.join("; "));
        }
    }
    let mut staged = vec![output.stage(&quantized.onnx)?];
    if let Some(file) = report_file {
        staged.push(file.stage(report_json.as_bytes())?);
    }
    Staged::commit_all(staged)?;
    let sizes = quantized.report.sizes;
    let units = if data.texts == Texts::Pair { "pairs" } else { "texts" };
    eprintln!(
        "wrote {} ({}, {:.1} % of FP32's {}), calibrated on {} {units}, {} of them distinct",
        args.output.display(),
        megabytes(sizes.int8_bytes),
        sizes.ratio * 100.0,
        megabytes(sizes.fp32_bytes),
        texts.samples().len(),
        quantized.report.calibration.distinct
    );
    quantized.report.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    if tokenizer_path.extension().is_some_and(|extension| extension == "txt") {
        let path = tokenizer_path.display();
        eprintln!(
            "note: a browser needs a tokenizer.json in place of {path}: bert8 tokenizer {path} -o tokenizer.json"
        );
    }
    print_check(result);
    for line in quantized.report.sensitivity.iter().flat_map(|found| sensitivity(found, SHOWN_PARTS)) {
        eprintln!("{line}");
    }
    print_control(&quantized.report);
    if args.json { print_json(&quantized.report) } else { Ok(()) }
}

/// Checks the calibration texts.
///
/// # Errors
/// If they cannot be calibrated on, unless that is forced; with --strict also if they are not ideal.
fn check(texts: &CalibrationTexts, args: &Args) -> Result<()> {
    let (found, file) = (texts.check(), args.calibration.display());
    if !found.refusals.is_empty() && !args.force_calibration {
        bail!("{file}: {} (--force-calibration accepts them)", found.refusals.join("; "));
    }
    let mut problems = found.warnings.clone();
    if !texts.has_held_back() {
        problems.push(
            "no other text is left to compare INT8 with FP32 on; give more texts, or a smaller --subset-size"
                .to_owned(),
        );
    }
    if args.strict && !problems.is_empty() {
        bail!("{file}: {} (--strict)", problems.join("; "));
    }
    Ok(())
}

/// The metric of accuracy control if none is named.
fn default_metric(config: &BertConfig) -> Metric {
    match config.problem {
        Problem::SingleLabel if config.labels.len() == 2 => Metric::F1,
        Problem::SingleLabel => Metric::MacroF1,
        Problem::MultiLabel => Metric::MicroF1,
        Problem::Regression => Metric::Spearman,
    }
}

/// Reads `file` and tokenizes its texts. Returns them with the right answers.
fn labelled_texts(
    file: &Path,
    args: &Args,
    config: &BertConfig,
    tokenizer: &TextTokenizer,
) -> Result<Vec<(Tokens, Option<Target>)>> {
    let mut data = load::dataset(file, args.skip_bad_rows)?;
    if let Some(texts) = config.texts.filter(|texts| *texts != data.texts) {
        let (name, line) = (&data.file_name, data.examples[0].line);
        bail!("the model reads {texts}, as the calibration data have, but {name}, line {line}, has {}", data.texts);
    }
    if args.metric.is_some_and(Metric::needs_no_labels) {
        let encode = |example: &bert8::text::dataset::Example| {
            Ok((tokenizer.encode(example.input(), config.max_positions)?, None))
        };
        return data.examples.iter().map(encode).collect();
    }
    let known = data.skipped.len();
    let targets = data.targets(config.problem, &config.labels)?;
    load::report_skipped(&data, known);
    let mut labelled = Vec::new();
    for (example, target) in data.examples.iter().zip(targets) {
        if target.is_none() {
            bail!("{}, line {}: no label; --max-drop needs labelled texts", data.file_name, example.line);
        }
        labelled.push((tokenizer.encode(example.input(), config.max_positions)?, target));
    }
    Ok(labelled)
}

/// Prints how INT8 compares with FP32.
fn print_check(result: &CalibrationResult) {
    let which = if result.held_back { "that calibration did not see" } else { "of the calibration itself" };
    let db = result.difference.sqnr_db.map_or("no noise".to_owned(), |db| format!("SQNR {db:.1} dB"));
    let agreement =
        result.difference.agreement.map_or(String::new(), |share| format!(", agreement {:.1} %", share * 100.0));
    eprintln!("against FP32 on {} texts {which}: {db}{agreement}", result.texts);
    if let Some(problem) = result.problem() {
        eprintln!(
            "WARNING: {problem}. Calibrate on more texts that resemble real inputs, or try --sensitivity or --max-drop."
        );
    }
}

/// Returns where `onnx`, the INT8 file, comes from.
fn provenance(args: &Args, calibration: SourceFile, onnx: &[u8]) -> Result<Provenance> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is set to before 1970")?;
    Ok(Provenance {
        model: file_name(&args.source.model),
        preset: args.method.preset().to_string(),
        command: Some(command_line::typed()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        date: utc(now.as_secs()),
        calibration,
        output: SourceFile { name: file_name(&args.output), integrity: Integrity::of(onnx) },
    })
}

/// Returns the last component of `path`.
fn file_name(path: &Path) -> String {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    full.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Prints what accuracy control did and what it costs.
fn print_control(report: &Report) {
    let Some(control) = &report.control else { return };
    let (fp32, int8, result) = (control.fp32, control.int8, control.result);
    eprintln!(
        "on {} texts: FP32 {:.4}, INT8 {:.4}, the written file {:.4}",
        control.pairs, fp32.value, int8.value, result.value
    );
    for part in &control.reverted {
        eprintln!("  kept in FP32: {} (its own logit error {:.4}), then {:.4}", part.name, part.damage, part.value);
    }
    if !control.reverted.is_empty() {
        eprintln!(
            "  this adds {} and takes {:.1} instead of {:.1} ms per text here (FP32: {:.1})",
            megabytes(result.bytes.saturating_sub(int8.bytes)),
            result.ms_per_pair,
            int8.ms_per_pair,
            fp32.ms_per_pair
        );
    }
}
