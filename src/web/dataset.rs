//! Data to evaluate models on. Only the site calls it, in `www/site/page/data/worker.js`.

use super::{to_js, to_object};
use crate::error::Error;
use crate::metrics::{Evaluation, Run, Target};
use crate::quantize::sample_indices;
use crate::text::dataset::{BadRows, Dataset, Label};
use crate::{Problem, Texts};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

/// How many rows that cannot be used are listed.
const MOST_REASONS: usize = 100;

/// The rows of a file, and those of them that a model is evaluated on.
#[wasm_bindgen]
pub struct WasmDataset {
    data: Dataset,
    task: Task,
    /// The chosen rows, by their places in the file, and their right answers.
    chosen: Vec<usize>,
    targets: Vec<Option<Target>>,
}

/// What the models read and answer.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    /// The name of the model, for errors.
    model: String,
    problem: Problem,
    texts: Option<Texts>,
    labels: Vec<String>,
    /// The least probability of a label that applies; `null` unless the models are multi-label.
    threshold: Option<f32>,
}

/// Which rows to choose.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Choice {
    /// Whether to compare answers with labels. If not, labels that a model lacks do no harm.
    use_labels: bool,
    /// The largest number of rows. If there are more, they are sampled.
    most: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    texts: Texts,
    rows: usize,
    labelled: usize,
    /// The number of rows that cannot be used, and the reasons of the first ones.
    unusable: usize,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    line: usize,
    texts: Vec<&'a str>,
    /// The label as written.
    label: Option<String>,
    /// The right answer: a class id, whether each label applies, or a score.
    target: Option<&'a Target>,
}

#[wasm_bindgen]
impl WasmDataset {
    /// Reads the rows in `bytes`, the content of a file called `file_name`: every layout that `bert8 eval` reads. Rows that cannot
    /// be used are left out and counted in [`WasmDataset::summary`].
    ///
    /// # Errors
    /// A JavaScript `Error` if no row can be used.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: Vec<u8>, file_name: &str) -> Result<WasmDataset, JsValue> {
        let data = Dataset::from_bytes(&bytes, file_name, BadRows::Skip).map_err(to_js)?;
        Ok(WasmDataset { data, task: Task::default(), chosen: Vec::new(), targets: Vec::new() })
    }

    /// Returns the number of texts in a row, of rows, of rows with a label and of rows that cannot be used, with reasons.
    ///
    /// # Errors
    /// A JavaScript `Error` if the summary is not JSON, which does not happen.
    #[wasm_bindgen(getter)]
    pub fn summary(&self) -> Result<JsValue, JsValue> {
        let Dataset { examples, skipped, .. } = &self.data;
        let labelled = examples.iter().filter(|row| row.label.is_some()).count();
        let mut unusable = Unusable::default();
        skipped.iter().for_each(|error| unusable.add(error));
        self.summarize(examples.len(), labelled, unusable)
    }

    /// Chooses the rows for models that `task` describes, in the order of the file: those whose labels the models can answer, or all
    /// if labels are not used; at most as many as `choice` says, sampled with a fixed seed. Both are JSON. Returns a summary of the
    /// chosen rows and of those with unusable labels.
    ///
    /// # Errors
    /// A JavaScript `Error` if the models read another number of texts, or if no row is left.
    pub fn choose(&mut self, task: &str, choice: &str) -> Result<JsValue, JsValue> {
        let argument = |error: serde_json::Error| to_js(Error::Argument(error.to_string()));
        self.task = serde_json::from_str(task).map_err(argument)?;
        let choice: Choice = serde_json::from_str(choice).map_err(argument)?;
        self.data.check_texts(self.task.texts, &self.task.model).map_err(to_js)?;
        let (mut usable, mut unusable) = (Vec::new(), Unusable::default());
        if choice.use_labels {
            for (at, target) in self.data.row_targets(self.task.problem, &self.task.labels).enumerate() {
                match target {
                    Ok(target) => usable.push((at, target)),
                    Err(error) => unusable.add(&error),
                }
            }
        } else {
            usable.extend((0..self.data.examples.len()).map(|at| (at, None)));
        }
        if usable.len() > choice.most {
            let mut sample = sample_indices(usable.len(), choice.most, 0);
            sample.sort_unstable();
            usable = sample.into_iter().map(|at| usable[at].clone()).collect();
        }
        (self.chosen, self.targets) = usable.into_iter().unzip();
        self.summarize(self.chosen.len(), self.targets.iter().flatten().count(), unusable)
    }

    /// Returns the chosen rows from number `start` to before `end`, counted from 0: each with its line, texts, label and right answer.
    ///
    /// # Errors
    /// A JavaScript `Error` if the rows are not JSON, which does not happen.
    pub fn rows(&self, start: usize, end: usize) -> Result<JsValue, JsValue> {
        let end = end.min(self.chosen.len());
        let row = |at: usize| {
            let example = &self.data.examples[self.chosen[at]];
            let input = example.input();
            Row {
                line: example.line,
                texts: std::iter::once(input.first).chain(input.second).collect(),
                label: example.label.as_ref().map(written),
                target: self.targets[at].as_ref(),
            }
        };
        to_object(&(start.min(end)..end).map(row).collect::<Vec<_>>())
    }

    /// Compares the `logits` of a model for the first chosen rows, one row after another, with the labels and with those of a baseline,
    /// if any. Rates are in rows per second; `skipped` is the number of rows that were left out. Returns what `bert8 eval --json`
    /// prints.
    ///
    /// # Errors
    /// A JavaScript `Error` if the logits do not fit the rows.
    pub fn evaluate(
        &self,
        logits: &[f32],
        rate: f64,
        baseline: Option<Vec<f32>>,
        baseline_rate: f64,
        skipped: usize,
    ) -> Result<JsValue, JsValue> {
        let labels = self.task.labels.len().max(1);
        let fits = |other: &Vec<f32>| other.len() == logits.len();
        let rows = logits.len() / labels;
        if !logits.len().is_multiple_of(labels) || rows > self.chosen.len() || !baseline.as_ref().is_none_or(fits) {
            return Err(to_js(Error::Argument("the logits do not fit the rows and labels".to_owned())));
        }
        let run = |logits: &[f32], rows_per_second| Run {
            logits: logits.chunks(labels).map(<[f32]>::to_vec).collect(),
            rows_per_second,
        };
        let (found, reference) = (run(logits, rate), baseline.map(|baseline| run(&baseline, baseline_rate)));
        let decision = (self.task.problem, self.task.threshold.unwrap_or(0.5));
        let targets = &self.targets[..rows];
        let evaluation = Evaluation::new(self.data.texts, decision, targets, &found, reference.as_ref());
        to_object(&evaluation.json(skipped))
    }
}

impl WasmDataset {
    fn summarize(&self, rows: usize, labelled: usize, unusable: Unusable) -> Result<JsValue, JsValue> {
        let Unusable { count: unusable, reasons } = unusable;
        to_object(&Summary { texts: self.data.texts, rows, labelled, unusable, reasons })
    }
}

/// Rows that cannot be used: their number, and the reasons of the first ones. A file may have a million.
#[derive(Default)]
struct Unusable {
    count: usize,
    reasons: Vec<String>,
}

impl Unusable {
    fn add(&mut self, error: &Error) {
        self.count += 1;
        if self.reasons.len() < MOST_REASONS {
            self.reasons.push(error.with_sources());
        }
    }
}

fn written(label: &Label) -> String {
    match label {
        Label::One(label) => label.clone(),
        Label::Many(labels) => labels.join(", "),
    }
}
