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
use bert8::bert::{Bert, BertConfig};
use bert8::integrity::Integrity;
use bert8::kernels::LANES;
use bert8::metrics::Target;
use bert8::model::Accuracy;
use bert8::quantize::{
    AccuracyControl, CalibrationInfo, CalibrationResult, ENOUGH_TEXTS, Metric, Progress, Provenance, Report,
    SourceFile, Stage, check_calibration, check_ranges, compare_with_fp32, layer_reports, quantize, sample_indices,
    utc, with_threads,
};
use bert8::report::sensitivity;
use bert8::task::{Problem, Texts};
use bert8::text::dataset::Dataset;
use bert8::text::{TextTokenizer, Tokens};
use clap::Args as ClapArgs;
use std::collections::HashSet;
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
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    subset_size: u32,

    /// Cut calibration texts to this many tokens
    #[arg(long, value_name = "TOKENS", default_value_t = 128, value_parser = clap::value_parser!(u32).range(4..))]
    max_length: u32,

    /// Seed for the choice of texts
    #[arg(long, value_name = "N", default_value_t = 0)]
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

/// The number of texts on which the report measures the noise after every layer.
const LAYER_REPORT_TEXTS: usize = 16;

/// So many of the most damaging parts are printed.
const SHOWN_PARTS: usize = 10;

/// INT8 is compared with FP32 on at most this many texts.
const CHECKED_TEXTS: usize = 64;

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
    let bert = with_texts(args.task.apply(args.source.bert()?)?, &args.task, &data)?;
    let tokenizer = load::tokenizer(&args.source.model, args.tokenizer.as_deref())?;
    tokenizer.check_vocabulary(bert.config().vocab_size)?;
    let max_length = (args.max_length as usize).min(bert.config().max_positions);
    let encode = |at: &usize| tokenizer.encode(data.examples[*at].input(), max_length);
    let order = sample_indices(data.examples.len(), data.examples.len(), args.seed);
    let (chosen, rest) = order.split_at(calibrated(order.len(), args.subset_size as usize));
    let samples = chosen.iter().map(encode).collect::<bert8::Result<Vec<_>>>()?;
    let seen: HashSet<&Vec<i64>> = samples.iter().map(|tokens| &tokens.ids).collect();
    let lines = |chosen: &[usize]| chosen.iter().map(|&at| data.examples[at].line).collect::<Vec<_>>();
    let mut held_back = Vec::new();
    for (line, at) in lines(rest).into_iter().zip(rest).take(CHECKED_TEXTS) {
        let tokens = encode(at)?;
        if !seen.contains(&tokens.ids) {
            held_back.push((line, tokens));
        }
    }
    let mut warnings = check(&samples, &tokenizer, args)?;
    if args.strict && held_back.is_empty() {
        warnings.push(
            "no other text is left to compare INT8 with FP32 on; give more texts, or a smaller --subset-size"
                .to_owned(),
        );
    }
    if args.strict && !warnings.is_empty() {
        bail!("{}: {} (--strict)", args.calibration.display(), warnings.join("; "));
    }

    let labelled =
        args.data.as_deref().map(|file| labelled_texts(file, args, bert.config(), &tokenizer)).transpose()?;
    let control = labelled.as_deref().zip(args.max_drop).map(|(data, max_drop)| AccuracyControl {
        metric: args.metric.unwrap_or_else(|| default_metric(bert.config())),
        max_drop,
        data,
    });

    let mut shown = progress::Progress::new();
    let info = CalibrationInfo { max_length, seed: args.seed };
    let mut quantized = quantize(&bert, &samples, &args.method.options(), info, control.as_ref(), |step: Progress| {
        shown.show(stage_name(step.stage), step.done, step.total);
    })?;
    if report_file.is_some() || args.json {
        let some = &samples[..samples.len().min(LAYER_REPORT_TEXTS)];
        shown.show("measuring the noise after every layer", 0, some.len());
        quantized.report.layers = layer_reports(&bert, &quantized.onnx, some)?;
    }
    let (checked_lines, checked): (Vec<usize>, Vec<&Tokens>) = match held_back.is_empty() {
        true => lines(chosen).into_iter().zip(&samples).take(CHECKED_TEXTS).unzip(),
        false => held_back.iter().map(|(line, tokens)| (*line, tokens)).unzip(),
    };
    shown.show("comparing with FP32", 0, checked.len());
    let mut result = compare_with_fp32(&bert, &quantized.onnx, &checked, !held_back.is_empty())?;
    result.margins.iter_mut().zip(checked_lines).for_each(|(margins, line)| margins.line = Some(line));
    if args.sensitivity {
        let measure = |done, total| shown.show("measuring the damage of every part", done, total);
        quantized.report.sensitivity = Some(quantized.sensitivity(&bert, &checked, measure)?);
    }
    shown.finish();

    warnings.extend(check_ranges(&quantized.report.activations));
    let calibration =
        SourceFile { name: file_name(&args.calibration), integrity: Integrity::of(&load::read(&args.calibration)?) };
    quantized.report.check = Some(result.clone());
    quantized.set_accuracy(&Accuracy {
        rows: result.texts,
        data: calibration.integrity,
        unseen: Some(result.held_back),
        agreement: result.difference.agreement,
        sqnr: result.difference.sqnr_db,
        metric: None,
    })?;
    let failed: Vec<String> = warnings.iter().cloned().chain(result.problem()).collect();
    warnings.extend(unfused(bert.config()));
    quantized.report.warnings = warnings.clone();
    quantized.report.provenance = Some(provenance(args, calibration, &quantized.onnx)?);
    let report_json = serde_json::to_string_pretty(&quantized.report)?;
    if args.strict && !failed.is_empty() {
        if let Some(file) = report_file {
            file.write(report_json.as_bytes())?;
        }
        print_check(&result);
        bail!("--strict: {} is not written: {}", args.output.display(), failed.join("; "));
    }
    let mut staged = vec![output.stage(&quantized.onnx)?];
    if let Some(file) = report_file {
        staged.push(file.stage(report_json.as_bytes())?);
    }
    Staged::commit_all(staged)?;
    let sizes = quantized.report.sizes;
    let texts = if data.texts == Texts::Pair { "pairs" } else { "texts" };
    eprintln!(
        "wrote {} ({}, {:.1} % of FP32's {}), calibrated on {} {texts}, {} of them distinct",
        args.output.display(),
        megabytes(sizes.int8_bytes),
        sizes.ratio * 100.0,
        megabytes(sizes.fp32_bytes),
        samples.len(),
        quantized.report.calibration.distinct
    );
    warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    if tokenizer_path.extension().is_some_and(|extension| extension == "txt") {
        let path = tokenizer_path.display();
        eprintln!(
            "note: a browser needs a tokenizer.json in place of {path}: bert8 tokenizer {path} -o tokenizer.json"
        );
    }
    print_check(&result);
    for line in quantized.report.sensitivity.iter().flat_map(|found| sensitivity(found, SHOWN_PARTS)) {
        eprintln!("{line}");
    }
    print_control(&quantized.report);
    if args.json { print_json(&quantized.report) } else { Ok(()) }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Calibrating => "calibrating",
        Stage::Quantizing => "choosing scales",
        Stage::Ranking => "ranking parts by their damage",
        Stage::Reverting => "returning parts to FP32",
        Stage::Comparing => "comparing logits",
    }
}

/// How many of `rows` texts to calibrate on: `most`, or all but a tenth if that leaves enough texts. INT8 is compared with FP32
/// on the others.
fn calibrated(rows: usize, most: usize) -> usize {
    let without_tenth = rows - rows / 10;
    match rows <= most && without_tenth >= ENOUGH_TEXTS {
        true => without_tenth,
        false => rows.min(most),
    }
}

/// Returns `bert` with the number of texts that the calibration data have, which must be that of `--task` and of the model's
/// configuration, if they say one.
fn with_texts(bert: Bert, task: &TaskChoice, data: &Dataset) -> Result<Bert> {
    let (line, found) = (data.examples[0].line, data.texts);
    if let Some(texts) = bert.config().texts.filter(|texts| *texts != found) {
        let whose = if task.texts()?.is_some() { "--task says that the model" } else { "the model" };
        bail!("{whose} reads {texts}, but {}, line {line}, has {found}", data.file_name);
    }
    let problem = bert.config().problem;
    Ok(bert.with_task(problem, Some(found))?)
}

/// Returns what is not ideal about the calibration texts.
///
/// # Errors
/// If they cannot be calibrated on, unless that is forced.
fn check(samples: &[Tokens], tokenizer: &TextTokenizer, args: &Args) -> Result<Vec<String>> {
    let found = check_calibration(samples, tokenizer.unknown_id());
    if !found.refusals.is_empty() && !args.force_calibration {
        let refusals = found.refusals.join("; ");
        bail!("{}: {refusals} (--force-calibration accepts them)", args.calibration.display());
    }
    Ok([found.refusals, found.warnings].concat())
}

/// The warning for a model whose encoder the kernels cannot run.
fn unfused(config: &BertConfig) -> Option<String> {
    let mut sizes = [("hidden size", config.hidden), ("embedding size", config.embedding_features())].into_iter();
    let (what, size) = sizes.find(|(_, size)| !size.is_multiple_of(LANES))?;
    Some(format!(
        "the {what} {size} is no multiple of {LANES}, the number of features that a kernel reads at a time, so INT8 runs \
         unfused, slower than FP32"
    ))
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
            "WARNING: {problem}. Calibrate on more texts that resemble real inputs, or try --preset best or --max-drop."
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_texts_are_held_back() {
        let cases = [(374, 300, 300), (300, 300, 270), (112, 300, 101), (110, 300, 110), (10, 300, 10), (10, 4, 4)];
        for (rows, most, used) in cases {
            assert_eq!(calibrated(rows, most), used, "{rows} rows, at most {most}");
        }
    }
}
