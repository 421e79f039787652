//! Quantizes a model that a visitor brings. Only the site calls it, in `www/site/page/quantize/worker.js`.

use super::{threads, to_js, to_object};
use crate::Texts;
use crate::bert::{Bert, ImportOptions, emit_fp32, import_model};
use crate::error::{Error, Result};
use crate::files::{Files, MemoryFiles, other_tokenizer, tokenizer_path};
use crate::integrity::Integrity;
use crate::kernels::ThreadPool;
use crate::onnx::encode_model;
use crate::quantize::{
    CalibrationResult, CalibrationTexts, Measures, Preset, Progress, Provenance, QuantizedModel, Sampling, SourceFile,
    utc, with_texts_of,
};
use crate::report;
use crate::text::TextTokenizer;
use crate::text::dataset::{BadRows, Dataset};
use js_sys::{Function, Uint8Array};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use wasm_bindgen::prelude::*;

/// The files of a model and of the texts to calibrate on.
#[wasm_bindgen]
#[derive(Default)]
pub struct WasmQuantizer {
    files: MemoryFiles,
}

/// What to do with the files.
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
    /// The names of the model and of the INT8 file, for the report.
    model_name: String,
    output_name: String,
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

    /// Quantizes the model as `job` says, which is JSON: the `model`'s path, the path of the `texts`, the `preset`, `skipBadRows`,
    /// `modelName` and `outputName`. The result is that of `bert8 quantize` with these files. Calls `on_progress` after each step with the name of
    /// the stage, the number of finished steps and the largest number of steps that it can have. Consumes the files.
    ///
    /// # Errors
    /// A JavaScript `Error` if a file cannot be used, if the files do not belong together, or if the texts are too few.
    pub fn quantize(self, job: &str, on_progress: &Function) -> Result<WasmQuantized, JsValue> {
        let job: Job = serde_json::from_str(job).map_err(|error| to_js(Error::Argument(error.to_string())))?;
        // An error of the listener does not end the work.
        let report = |stage: &str, done: usize, total: usize| {
            let _ = on_progress.call3(&JsValue::NULL, &stage.into(), &done.into(), &total.into());
        };
        let pool = threads::pool();
        ThreadPool::install(pool.as_ref(), || run(self.files, &job, report)).map_err(explained)
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
            problem: report.check.as_ref().and_then(CalibrationResult::problem),
            notes: &self.notes,
        })
    }
}

/// Quantizes the model among `files`.
fn run(files: MemoryFiles, job: &Job, report: impl Fn(&str, usize, usize)) -> Result<WasmQuantized> {
    let name = job.texts.display().to_string();
    let bytes = files.read(&job.texts).map_err(|error| Error::io("read", &job.texts, error))?;
    let (data, file) = (dataset(&bytes, &name, job.skip_bad_rows)?, Integrity::of(&bytes));
    let (tokenizer, json) = open_tokenizer(&files, &job.model)?;
    report("reading the model", 0, 1);
    let bert = import_model(&files, &job.model, &ImportOptions::default())?;
    drop(files);
    let mut notes = bert.notes().to_vec();
    let bert = with_texts_of(bert, &data, "the model")?;
    let texts = CalibrationTexts::choose(&data, file, &tokenizer, bert.config(), Sampling::default())?;
    let refusals = &texts.check().refusals;
    if !refusals.is_empty() {
        return Err(Error::file(name, refusals.join("; ")));
    }
    if !data.skipped.is_empty() {
        let rows = data.examples.len() + data.skipped.len();
        notes.push(format!("left out {} of {rows} rows of {name}, which cannot be used", data.skipped.len()));
    }
    let preset: Preset = job.preset.parse().map_err(Error::Argument)?;
    let measures = Measures { layers: true, sensitivity: false };
    let progress = |step: Progress| report(step.stage.name(), step.done, step.total);
    let mut quantized = texts.quantize(&bert, &preset.options(), None, measures, progress)?;
    notes.extend(quantized.report.warnings.iter().cloned());
    quantized.report.provenance = Some(Provenance {
        model: job.model_name.clone(),
        preset: preset.to_string(),
        command: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        date: utc((js_sys::Date::now() / 1e3) as u64),
        calibration: SourceFile { name, integrity: file },
        output: SourceFile { name: job.output_name.clone(), integrity: Integrity::of(&quantized.onnx) },
    });
    Ok(WasmQuantized { quantized, bert, tokenizer: json, texts: data.texts, notes })
}

/// Reads the rows in `bytes`.
fn dataset(bytes: &[u8], name: &str, skip_bad_rows: bool) -> Result<Dataset> {
    let bad_rows = if skip_bad_rows { BadRows::Skip } else { BadRows::Refuse };
    Dataset::from_bytes(bytes, name, bad_rows).map_err(|error| match Dataset::from_bytes(bytes, name, BadRows::Skip) {
        Ok(_) => {
            Error::Argument(format!("{}; mend the row, or leave out rows that cannot be used", error.with_sources()))
        }
        Err(_) => error,
    })
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

/// Returns the error as JavaScript has it, without advice that a page cannot follow.
fn explained(error: Error) -> JsValue {
    to_js(match error {
        Error::Quantized { file, node, op, .. } => Error::file(
            file,
            format!(
                "is already quantized, as its node `{node}` ({op}) shows; use the FP32 model that it was made from, or \
                 bert8 quantize --requantize"
            ),
        ),
        other => other,
    })
}
