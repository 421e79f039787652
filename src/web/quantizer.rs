//! Quantizes a model that a visitor brings. Only the site calls it, in `www/site/page/quantize/worker.js`.

use super::{threads, to_js, to_object};
use crate::bert::{Bert, ImportOptions, emit_fp32, import_model};
use crate::error::{Error, Result};
use crate::files::{Files, MemoryFiles, other_tokenizer, tokenizer_path};
use crate::integrity::Integrity;
use crate::kernels::ThreadPool;
use crate::onnx::encode_model;
use crate::quantize::{
    CalibrationResult, CalibrationTexts, IgnoredScope, Measures, Options, Preset, Progress, Provenance, QuantizedModel,
    Sampling, Sensitivity, SourceFile, utc, with_texts_of,
};
use crate::report;
use crate::text::TextTokenizer;
use crate::text::dataset::{BadRows, Dataset};
use crate::{Problem, Texts};
use js_sys::{Function, Reflect, Uint8Array};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use wasm_bindgen::prelude::*;

/// The files of a model and of the texts to calibrate on.
#[wasm_bindgen]
#[derive(Default)]
pub struct WasmQuantizer {
    files: MemoryFiles,
}

/// What to do with the files. The options are those of `bert8 quantize`; what is missing is chosen as the command does.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    /// The path of the ONNX file, or of the folder with the model; empty if the files have no folder.
    model: PathBuf,
    /// The path of the file of texts, which is also its name.
    texts: PathBuf,
    /// The name of the preset.
    preset: String,
    /// Whether to leave out rows that cannot be used.
    skip_bad_rows: bool,
    /// Whether to calibrate even on texts that are too few, too much alike, or mostly unknown to the tokenizer.
    force_calibration: bool,
    /// What the model reads and answers.
    reads: Option<Texts>,
    answers: Option<Problem>,
    /// Whether to dequantize an INT8 file of another tool.
    requantize: bool,
    /// The number of attention heads.
    heads: Option<usize>,
    /// The name of the output that holds the logits.
    logits: Option<String>,
    /// The parts that stay in FP32.
    ignore: IgnoredScope,
    /// How many texts to calibrate on, and to how many tokens to cut them.
    subset_size: Option<usize>,
    max_length: Option<usize>,
    /// Whether to measure the damage of every part.
    sensitivity: bool,
    /// The names of the model and of the INT8 file, and the command line that writes the same file, for the report.
    model_name: String,
    output_name: String,
    command: String,
}

/// Why a model was not quantized.
struct Failure {
    error: Error,
    /// The field of [`Job`] that a visitor can choose otherwise, as JavaScript names it.
    choice: Option<&'static str>,
}

/// The INT8 model, its FP32 original and what there is to say about them.
#[wasm_bindgen]
pub struct WasmQuantized {
    quantized: QuantizedModel,
    bert: Bert,
    tokenizer: Vec<u8>,
    texts: Texts,
    notes: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    texts: Texts,
    /// How many texts calibrated, and how many of them are distinct.
    samples: usize,
    distinct: usize,
    int8_bytes: usize,
    fp32_bytes: usize,
    memory_bytes: usize,
    check: Option<&'a CalibrationResult>,
    /// What the model is taken for.
    answers: Problem,
    labels: usize,
    /// The damage of every part, if it was measured.
    sensitivity: Option<&'a Sensitivity>,
    /// Why the INT8 model should not be used.
    problem: Option<String>,
    /// What the visitor should know, one sentence each.
    notes: &'a [String],
}

#[wasm_bindgen]
impl WasmQuantizer {
    /// Returns a quantizer without files.
    #[wasm_bindgen(constructor)]
    pub fn new() -> WasmQuantizer {
        WasmQuantizer::default()
    }

    /// Adds the file at `path`, relative to the folder that all files share.
    #[wasm_bindgen(js_name = addFile)]
    pub fn add_file(&mut self, path: &str, content: Vec<u8>) {
        self.files.insert(path, content);
    }

    /// Quantizes the model as `job` says, which is JSON: `Job` in `www/site/page/quantize/run.js` lists its fields. The result is that
    /// of `bert8 quantize` with these files. Calls `on_progress` after each step with the name of the stage, the number of finished
    /// steps and the largest number of steps that it can have. Consumes the files.
    ///
    /// # Errors
    /// A JavaScript `Error` if a file cannot be used, if the files do not belong together, or if the texts are too few. If another
    /// choice in `job` may help, `choice` in the error is its name.
    pub fn quantize(self, job: &str, on_progress: &Function) -> Result<WasmQuantized, JsValue> {
        let job: Job = serde_json::from_str(job).map_err(|error| to_js(Error::Argument(error.to_string())))?;
        // An error of the listener does not end the work.
        let report = |stage: &str, done: usize, total: usize| {
            let _ = on_progress.call3(&JsValue::NULL, &stage.into(), &done.into(), &total.into());
        };
        let pool = threads::pool();
        ThreadPool::install(pool.as_ref(), || run(self.files, &job, report)).map_err(Failure::into_js)
    }
}

#[wasm_bindgen]
impl WasmQuantized {
    /// Returns the bytes of the INT8 ONNX file.
    #[wasm_bindgen(getter)]
    pub fn int8(&self) -> Uint8Array {
        self.quantized.onnx.as_slice().into()
    }

    /// Returns the bytes of the FP32 ONNX file to compare with, as `bert8 convert` writes it.
    #[wasm_bindgen(getter)]
    pub fn fp32(&self) -> Uint8Array {
        encode_model(&emit_fp32(&self.bert)).as_slice().into()
    }

    /// Returns the bytes of the model's tokenizer.json, also if the model came with a vocab.txt.
    #[wasm_bindgen(getter)]
    pub fn tokenizer(&self) -> Uint8Array {
        self.tokenizer.as_slice().into()
    }

    /// Returns the report as `bert8 quantize --report` writes it.
    ///
    /// # Errors
    /// A JavaScript `Error` if the report is not JSON, which does not happen.
    #[wasm_bindgen(getter)]
    pub fn report(&self) -> Result<String, JsValue> {
        let json = serde_json::to_string_pretty(&self.quantized.report);
        json.map_err(|error| to_js(Error::Argument(error.to_string())))
    }

    /// Returns the report as the page of HTML that `bert8 report --html` writes. `file_name` is the name of the report's file.
    pub fn html(&self, file_name: &str) -> String {
        report::page(&self.quantized.report, file_name)
    }

    /// Returns what the command prints at the end, and the memory that all took.
    ///
    /// # Errors
    /// A JavaScript `Error` if the summary is not JSON, which does not happen.
    #[wasm_bindgen(getter)]
    pub fn summary(&self) -> Result<JsValue, JsValue> {
        let report = &self.quantized.report;
        to_object(&Summary {
            texts: self.texts,
            samples: report.calibration.pairs,
            distinct: report.calibration.distinct,
            int8_bytes: report.sizes.int8_bytes,
            fp32_bytes: report.sizes.fp32_bytes,
            // WebAssembly's memory never shrinks.
            memory_bytes: std::arch::wasm32::memory_size(0) * 65_536,
            check: report.check.as_ref(),
            answers: self.bert.config().problem,
            labels: self.bert.config().labels.len(),
            sensitivity: report.sensitivity.as_ref(),
            problem: report.check.as_ref().and_then(CalibrationResult::problem),
            notes: &self.notes,
        })
    }
}

/// Quantizes the model among `files`.
fn run(files: MemoryFiles, job: &Job, report: impl Fn(&str, usize, usize)) -> Result<WasmQuantized, Failure> {
    let name = job.texts.display().to_string();
    let bytes = files.read(&job.texts).map_err(|error| Error::io("read", &job.texts, error))?;
    let (data, file) = (dataset(&bytes, &name, job.skip_bad_rows)?, Integrity::of(&bytes));
    let (tokenizer, json) = open_tokenizer(&files, &job.model)?;
    report("reading the model", 0, 1);
    let import =
        ImportOptions { heads: job.heads, labels: None, output: job.logits.clone(), requantize: job.requantize };
    let bert = import_model(&files, &job.model, &import)?;
    drop(files);
    let mut notes = bert.notes().to_vec();
    let bert = with_texts_of(chosen_task(bert, job)?, &data, whose(job)).map_err(Failure::of("reads"))?;
    let preset: Preset = job.preset.parse().map_err(Error::Argument)?;
    let options = Options { ignored: job.ignore.clone(), ..preset.options() };
    options.ignored.check(bert.config()).map_err(Failure::of("ignore"))?;
    let texts = CalibrationTexts::choose(&data, file, &tokenizer, bert.config(), sampling(job))?;
    let refusals = &texts.check().refusals;
    if !refusals.is_empty() && !job.force_calibration {
        return Err(Failure::of("forceCalibration")(Error::file(name, refusals.join("; "))));
    }
    if !data.skipped.is_empty() {
        let rows = data.examples.len() + data.skipped.len();
        notes.push(format!("left out {} of {rows} rows of {name}, which cannot be used", data.skipped.len()));
    }
    let measures = Measures { layers: true, sensitivity: job.sensitivity };
    let progress = |step: Progress| report(step.stage.name(), step.done, step.total);
    let mut quantized = texts.quantize(&bert, &options, None, measures, progress)?;
    notes.extend(quantized.report.warnings.iter().cloned());
    quantized.report.provenance = Some(Provenance {
        model: job.model_name.clone(),
        preset: preset.to_string(),
        command: Some(job.command.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        date: utc((js_sys::Date::now() / 1e3) as u64),
        calibration: SourceFile { name, integrity: file },
        output: SourceFile { name: job.output_name.clone(), integrity: Integrity::of(&quantized.onnx) },
    });
    Ok(WasmQuantized { quantized, bert, tokenizer: json, texts: data.texts, notes })
}

/// Reads the rows in `bytes`.
fn dataset(bytes: &[u8], name: &str, skip_bad_rows: bool) -> Result<Dataset, Failure> {
    let bad_rows = if skip_bad_rows { BadRows::Skip } else { BadRows::Refuse };
    Dataset::from_bytes(bytes, name, bad_rows).map_err(|error| match Dataset::from_bytes(bytes, name, BadRows::Skip) {
        Ok(_) => Failure { error, choice: Some("skipBadRows") },
        Err(_) => error.into(),
    })
}

/// Returns `bert` with the task that `job` names.
fn chosen_task(bert: Bert, job: &Job) -> Result<Bert, Failure> {
    let (problem, texts) = (bert.config().problem, bert.config().texts);
    bert.with_task(job.answers.unwrap_or(problem), job.reads.or(texts)).map_err(Failure::of("answers"))
}

/// What an error about the number of texts calls the model.
fn whose(job: &Job) -> &'static str {
    if job.reads.is_some() { "as chosen here, the model" } else { "the model" }
}

fn sampling(job: &Job) -> Sampling {
    let usual = Sampling::default();
    Sampling {
        subset_size: job.subset_size.unwrap_or(usual.subset_size),
        max_length: job.max_length.unwrap_or(usual.max_length),
        ..usual
    }
}

/// Returns the tokenizer of `model` and its tokenizer.json.
fn open_tokenizer(files: &MemoryFiles, model: &Path) -> Result<(TextTokenizer, Vec<u8>)> {
    let path = tokenizer_path(files, model);
    if !files.exists(&path) {
        let missing =
            || Error::Argument("the model's tokenizer.json is missing; give it together with the model".to_owned());
        return Err(other_tokenizer(files, &path).unwrap_or_else(missing));
    }
    TextTokenizer::open(files, &path)
}

impl Failure {
    /// Says that another value of `choice` may help.
    fn of(choice: &'static str) -> impl Fn(Error) -> Failure {
        move |error| Failure { error, choice: Some(choice) }
    }

    /// Returns the JavaScript `Error`.
    fn into_js(self) -> JsValue {
        let error = to_js(match self.error {
            // Its advice is for those who call the library.
            Error::Quantized { file, node, op, .. } => {
                Error::file(file, format!("is already quantized, as its node `{node}` ({op}) shows"))
            }
            other => other,
        });
        if let Some(choice) = self.choice {
            // An object that was just made takes any property.
            let _ = Reflect::set(&error, &"choice".into(), &choice.into());
        }
        error
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let choice = match &error {
            Error::Heads { .. } => Some("heads"),
            Error::Output { .. } => Some("logits"),
            Error::Quantized { .. } => Some("requantize"),
            _ => None,
        };
        Failure { error, choice }
    }
}
