//! `bert8 eval`

use super::load::{self, KernelChoice};
use super::output::{Output, print_json};
use super::progress::Progress;
use super::report::printable;
use anyhow::{Result, bail};
use bert8::metrics::{Answers, Difference, Interval, Metric, Target, bootstrap, same_decisions};
use bert8::model::Model;
use bert8::task::{Problem, Texts};
use bert8::text::Tokens;
use clap::Args as ClapArgs;
use serde::Serialize;
use serde_json::{Map, Value, json};
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

    /// The probability from which a label applies, if labels apply independently
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

/// A metric of a model, and of its baseline if there is one.
struct Measured {
    metric: Metric,
    value: f64,
    interval: Interval,
    /// The baseline's value and interval, and the interval of the difference.
    baseline: Option<(f64, Interval, Interval)>,
}

pub fn run(args: &Args) -> Result<()> {
    let tokenizer_path = load::tokenizer_path(&args.model, args.tokenizer.as_deref());
    let mut inputs = vec![args.model.as_path(), &tokenizer_path, &args.data];
    inputs.extend(args.baseline.as_deref());
    let predictions = args.predictions.as_ref().map(|path| Output::new(path, &inputs)).transpose()?;
    let mut data = load::dataset(&args.data, args.skip_bad_rows)?;
    let model = load::model(&args.model, args.kernel.kernel)?;
    let tokenizer = load::tokenizer(&args.model, args.tokenizer.as_deref())?;
    let baseline = args.baseline.as_deref().map(|path| load::model(path, args.kernel.kernel)).transpose()?;
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
    let sample = |(example, target): (&bert8::text::dataset::Example, Option<Target>)| {
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

/// Everything that is printed.
struct Results<'a> {
    rows: usize,
    texts: Texts,
    problem: Problem,
    answers: Option<Answers>,
    measured: Vec<Measured>,
    /// The difference to the baseline, and the interval of the agreement.
    difference: Option<(Difference, Option<Interval>)>,
    found: &'a Run,
    reference: Option<&'a Run>,
}

impl<'a> Results<'a> {
    fn new(
        samples: &[Sample],
        texts: Texts,
        (problem, threshold): (Problem, f32),
        found: &'a Run,
        reference: Option<&'a Run>,
    ) -> Self {
        let answers = |run: &Run| {
            let rows = run.logits.iter().zip(samples);
            let rows = rows.filter_map(|(logits, sample)| Some((logits.as_slice(), sample.target.as_ref()?)));
            Answers::new(problem, threshold, rows)
        };
        let (ours, theirs) = (answers(found), reference.and_then(answers));
        let measured = ours.as_ref().map_or_else(Vec::new, |ours| measure(ours, theirs.as_ref()));
        let difference = reference.map(|reference| {
            let difference = Difference::new(problem, threshold, &reference.logits, &found.logits);
            let same = same_decisions(problem, threshold, &reference.logits, &found.logits);
            let agreement = same.map(|same| {
                let share = |chosen: &[usize]| chosen.iter().filter(|&&at| same[at]).count() as f64 / same.len() as f64;
                bootstrap(same.len(), |chosen| vec![share(chosen)])[0]
            });
            (difference, agreement)
        });
        Results { rows: samples.len(), texts, problem, answers: ours, measured, difference, found, reference }
    }

    fn labelled(&self) -> usize {
        self.answers.as_ref().map_or(0, Answers::len)
    }

    fn json(&self, skipped: usize) -> Value {
        let key = |metric: Metric| metric.to_string().replace('-', "_");
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("rows", json!(self.rows));
        set("labelled", json!(self.labelled()));
        set("skipped", json!(skipped));
        set("texts", json!(self.texts));
        set("problem", json!(self.problem));
        set("rows_per_second", json!(self.found.rows_per_second));
        let (mut intervals, mut changes, mut baseline) = (Map::new(), Map::new(), Map::new());
        for Measured { metric, value, interval, baseline: theirs } in &self.measured {
            set(&key(*metric), json!(value));
            intervals.insert(key(*metric), json!(interval));
            if let Some((theirs, _, change)) = theirs {
                baseline.insert(key(*metric), json!(theirs));
                changes.insert(key(*metric), json!({ "value": value - theirs, "interval": change }));
            }
        }
        if let Some(confusion) = self.answers.as_ref().and_then(Answers::confusion) {
            set("confusion", json!(confusion));
        }
        if let (Some((difference, agreement)), Some(reference)) = (&self.difference, self.reference) {
            if let Value::Object(difference) = json!(difference) {
                difference.into_iter().for_each(|(name, value)| {
                    set(&name, value);
                });
            }
            if let Some(agreement) = agreement {
                intervals.insert("agreement".to_owned(), json!(agreement));
            }
            baseline.insert("rows_per_second".to_owned(), json!(reference.rows_per_second));
            set("baseline", Value::Object(baseline));
            set("changes", Value::Object(changes));
        }
        set("intervals", Value::Object(intervals));
        Value::Object(fields)
    }

    fn print(&self, labels: &[String]) -> Result<()> {
        let unlabelled = match self.rows - self.labelled() {
            0 => String::new(),
            rows if rows == self.rows => ", none of them with a label".to_owned(),
            rows => format!(", {rows} of them without a label"),
        };
        let rows = if self.texts == Texts::Pair { "pairs" } else { "texts" };
        say!("{} {rows}{unlabelled}", self.rows);
        let title = |metric: Metric| match (metric, labels.get(1)) {
            (Metric::F1, Some(name)) => format!("F1 of class 1 ({})", printable(name)),
            _ => metric.title().to_owned(),
        };
        let width = self.measured.iter().map(|found| title(found.metric).chars().count()).max().unwrap_or(0);
        if self.measured.iter().any(|found| found.baseline.is_some()) {
            say!("{:width$}  {:23}  {:23}  difference", "", "model", "baseline");
        }
        for Measured { metric, value, interval, baseline } in &self.measured {
            let (title, ours) = (title(*metric), with_interval(*value, interval));
            match baseline {
                None => say!("{title:width$}  {ours}"),
                Some((theirs, their_interval, change)) => say!(
                    "{title:width$}  {ours:23}  {:23}  {:+.4} [{:+.4}, {:+.4}]",
                    with_interval(*theirs, their_interval),
                    value - theirs,
                    change.low,
                    change.high
                ),
            }
        }
        if let Some(confusion) = self.answers.as_ref().and_then(Answers::confusion).filter(|_| labels.len() > 2) {
            say!("{}", confusion_table(confusion.rows(), labels));
        }
        if let Some((difference, agreement)) = &self.difference {
            if let (Some(share), Some(flips), Some(interval)) = (difference.agreement, difference.flips, agreement) {
                say!(
                    "agreement {:.2} % [{:.2}, {:.2}] ({flips} {})",
                    share * 100.0,
                    interval.low * 100.0,
                    interval.high * 100.0,
                    if flips == 1 { "flip" } else { "flips" }
                );
            }
            let sqnr = difference.sqnr_db.map_or("no noise".to_owned(), |db| format!("{db:.1} dB"));
            let ranks = difference.rank_correlation.map_or("none".to_owned(), |rank| format!("{rank:.4}"));
            say!(
                "logit difference at most {:.4}, RMS {:.4}; SQNR {sqnr}, rank correlation {ranks}",
                difference.logit_max,
                difference.logit_rmse
            );
        }
        let speed = |run: &Run| format!("{:.1} {rows}/s", run.rows_per_second);
        match self.reference {
            Some(reference) => say!("{}, baseline {}", speed(self.found), speed(reference)),
            None => say!("{}", speed(self.found)),
        }
        Ok(())
    }
}

fn with_interval(value: f64, interval: &Interval) -> String {
    format!("{value:.4} [{:.4}, {:.4}]", interval.low, interval.high)
}

/// Measures every metric that fits, with intervals. Model and baseline are measured on the same draws.
fn measure(ours: &Answers, theirs: Option<&Answers>) -> Vec<Measured> {
    let metrics = ours.metrics();
    let all: Vec<usize> = (0..ours.len()).collect();
    let values = |chosen: &[usize]| {
        let mut values = ours.values(chosen);
        if let Some(theirs) = theirs {
            let baseline = theirs.values(chosen);
            let changes: Vec<f64> = values.iter().zip(&baseline).map(|(a, b)| a - b).collect();
            values.extend(baseline);
            values.extend(changes);
        }
        values
    };
    let (found, intervals) = (values(&all), bootstrap(ours.len(), values));
    let count = metrics.len();
    let measured = metrics.iter().enumerate().map(|(at, &metric)| Measured {
        metric,
        value: found[at],
        interval: intervals[at],
        baseline: theirs.map(|_| (found[count + at], intervals[count + at], intervals[2 * count + at])),
    });
    measured.collect()
}

/// Shows at most this many classes of a confusion matrix.
const MOST_CLASSES: usize = 20;

/// Formats a confusion matrix, one label a line.
fn confusion_table(rows: &[Vec<usize>], labels: &[String]) -> String {
    if rows.len() > MOST_CLASSES {
        return format!("the confusion matrix of {} classes is in --json", rows.len());
    }
    let width = rows.iter().flatten().max().map_or(1, |most| most.to_string().len()).max(3);
    let name = |id: usize| printable(&labels[id]).chars().take(30).collect::<String>();
    let names = (0..rows.len()).map(|id| name(id).chars().count()).max().unwrap_or(0).max(5);
    let ids: Vec<String> = (0..rows.len()).map(|id| format!("{id:>width$}")).collect();
    let mut lines = vec![format!("{:<names$}  predicted as {}", "label", ids.join(" "))];
    for (id, row) in rows.iter().enumerate() {
        let counts: Vec<String> = row.iter().map(|count| format!("{count:>width$}")).collect();
        lines.push(format!("{:<names$}  {id:>12} {}", name(id), counts.join(" ")));
    }
    lines.join("\n")
}

#[derive(Debug, Serialize)]
struct Prediction<'a> {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a Target>,
    predicted: Target,
    logits: &'a [f32],
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_logits: Option<&'a [f32]>,
}

/// Returns one line of JSON per sample, in the order of the file.
fn predictions_jsonl(
    samples: &[Sample],
    (problem, threshold): (Problem, f32),
    found: &Run,
    reference: Option<&Run>,
) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for (at, (sample, logits)) in samples.iter().zip(&found.logits).enumerate() {
        let prediction = Prediction {
            line: sample.line,
            label: sample.target.as_ref(),
            predicted: Target::predicted(problem, threshold, logits),
            logits,
            baseline_logits: reference.map(|run| run.logits[at].as_slice()),
        };
        serde_json::to_writer(&mut lines, &prediction)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
