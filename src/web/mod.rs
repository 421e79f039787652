//! The WebAssembly interface. Only `www/worker.js` calls it; `www/bert8.js` is the public JavaScript API.

mod bytes;
mod threads;

use crate::error::{Error, Result};
use crate::kernels::ThreadPool;
use crate::model::{Classifier, Model, Repeat, ranking};
use crate::model_file::ModelFileBuilder;
use crate::text::{TextInput, TextTokenizer};
use crate::{Problem, Texts};
use js_sys::{Array, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(message: &str);
}

/// Makes a panic write its message to the console, without which the console shows only the trap: `unreachable`. In a build for
/// threads, whose memory has a maximum, a failed allocation throws an error.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| console_error(&panic.to_string())));
    #[cfg(target_feature = "atomics")]
    std::alloc::set_alloc_error_hook(|_| wasm_bindgen::throw_str(OUT_OF_MEMORY));
}

/// The message of the error that a failed allocation throws. `www/package/worker.js` knows it.
#[cfg(target_feature = "atomics")]
const OUT_OF_MEMORY: &str = "out of memory";

/// A tokenizer, loaded before its model.
#[wasm_bindgen]
pub struct WasmTokenizer(TextTokenizer);

#[wasm_bindgen]
impl WasmTokenizer {
    /// Reads the bytes of a tokenizer.json, which errors call `name`.
    ///
    /// # Errors
    /// A JavaScript `Error` if the file is damaged.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8], name: &str) -> Result<WasmTokenizer, JsValue> {
        TextTokenizer::from_bytes(bytes, name).map(WasmTokenizer).map_err(to_js)
    }
}

/// A model's ONNX file during its download. Weights are packed as soon as they arrive; all other bytes stay in JavaScript's
/// arrays.
#[wasm_bindgen]
#[derive(Default)]
pub struct WasmModelFile(ModelFileBuilder<Uint8Array>);

#[wasm_bindgen]
impl WasmModelFile {
    /// Creates an empty file.
    #[wasm_bindgen(constructor)]
    pub fn new() -> WasmModelFile {
        WasmModelFile::default()
    }

    /// Appends a copy of `bytes`.
    pub fn push(&mut self, bytes: &Uint8Array) {
        ThreadPool::install(threads::pool().as_ref(), || self.0.push(bytes));
    }

    /// Appends `bytes` without a copy. They must not change until the model is loaded.
    pub fn keep(&mut self, bytes: &Uint8Array) {
        ThreadPool::install(threads::pool().as_ref(), || self.0.keep(bytes));
    }
}

/// A loaded model with its tokenizer.
#[wasm_bindgen]
pub struct WasmClassifier {
    classifier: Classifier,
    model_bytes: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    precision: crate::Precision,
    kernel: &'static str,
    model_bytes: usize,
    memory_bytes: usize,
    layers: usize,
    hidden: usize,
    max_length: usize,
    labels: &'a [String],
    problem: Problem,
    texts: Option<Texts>,
    threshold: Option<f32>,
}

#[wasm_bindgen]
impl WasmClassifier {
    /// Loads the model from a complete ONNX file, which errors call `name`. Inputs are cut to `max_length` tokens, by default to
    /// the model's own limit. `threshold` is for multi-label models. `kernel` is the name of the kernel for INT8 matrix
    /// products, or `auto` for the fastest.
    ///
    /// # Errors
    /// A JavaScript `Error` if the file is damaged or does not belong to the tokenizer, or if a parameter does not fit.
    #[wasm_bindgen(constructor)]
    pub fn new(
        file: WasmModelFile,
        name: &str,
        tokenizer: WasmTokenizer,
        max_length: Option<usize>,
        threshold: Option<f32>,
        kernel: &str,
    ) -> Result<WasmClassifier, JsValue> {
        let kernel = kernel.parse().map_err(|problem| to_js(Error::Argument(problem)))?;
        let file = file.0.finish();
        let model_bytes = file.size();
        let mut builder = Model::builder().file_name(name).kernel(kernel);
        if let Some(pool) = threads::pool() {
            builder = builder.thread_pool(pool);
        }
        let model = builder.load(file).map_err(to_js)?;
        let mut classifier = Classifier::new(model, tokenizer.0, max_length).map_err(to_js)?;
        if let Some(threshold) = threshold {
            classifier = classifier.with_threshold(threshold).map_err(to_js)?;
        }
        Ok(WasmClassifier { classifier, model_bytes })
    }

    /// Classifies one text, or a pair if `second` is given. `options` may hold `runs`, `warmup` and `budgetMs`.
    ///
    /// # Errors
    /// A JavaScript `Error` if the model reads another number of texts, or fails.
    pub fn classify(&self, first: &str, second: Option<String>, options: JsValue) -> Result<JsValue, JsValue> {
        let number = |name: &str| option(&options, name).as_f64();
        let repeat = Repeat {
            warmup: number("warmup").unwrap_or(0.0) as usize,
            runs: (number("runs").unwrap_or(1.0) as usize).max(1),
            budget_ms: number("budgetMs").unwrap_or(f64::INFINITY),
        };
        let answer = self
            .classifier
            .classify_repeatedly(TextInput { first, second: second.as_deref() }, repeat)
            .map_err(to_js)?;
        to_object(&answer)
    }

    /// Classifies many texts and pairs. Each input is an array of one or two strings.
    ///
    /// # Errors
    /// A JavaScript `Error` if the model reads another number of texts, or fails.
    #[wasm_bindgen(js_name = classifyBatch)]
    pub fn classify_batch(&self, inputs: Vec<Array>) -> Result<JsValue, JsValue> {
        let inputs: Vec<(String, Option<String>)> = inputs
            .iter()
            .map(|texts| (texts.get(0).as_string().unwrap_or_default(), texts.get(1).as_string()))
            .collect();
        let inputs = inputs.iter().map(|(first, second)| TextInput { first, second: second.as_deref() });
        to_object(&self.classifier.classify_batch(inputs).map_err(to_js)?)
    }

    /// Checks that the model can rerank.
    ///
    /// # Errors
    /// A JavaScript `Error` if it cannot.
    #[wasm_bindgen(js_name = checkReranker)]
    pub fn check_reranker(&self) -> Result<(), JsValue> {
        self.classifier.check_reranker().map_err(to_js)
    }

    /// Returns the positions of the texts from the highest of their `logits` to the lowest. Equal ones keep their order.
    pub fn rank(&self, logits: &[f32]) -> Vec<usize> {
        ranking(logits)
    }

    /// How many inputs to pass to one call of `classifyBatch` if progress is reported between calls.
    #[wasm_bindgen(getter, js_name = stepInputs)]
    pub fn step_inputs(&self) -> usize {
        self.classifier.step_inputs()
    }

    /// Describes the loaded model and the kernel it runs on.
    ///
    /// # Errors
    /// A JavaScript `Error` if the description is not JSON, which does not happen.
    #[wasm_bindgen(getter)]
    pub fn info(&self) -> Result<JsValue, JsValue> {
        let model = self.classifier.model();
        let info = model.info();
        to_object(&Info {
            precision: info.precision,
            kernel: model.kernel(),
            model_bytes: self.model_bytes,
            memory_bytes: std::arch::wasm32::memory_size(0) * 65_536,
            layers: info.layers,
            hidden: info.hidden,
            max_length: self.classifier.max_length(),
            labels: &info.labels,
            problem: info.problem,
            texts: info.texts,
            threshold: (info.problem == Problem::MultiLabel).then_some(self.classifier.threshold()),
        })
    }
}

fn option(options: &JsValue, name: &str) -> JsValue {
    if options.is_object() { Reflect::get(options, &name.into()).unwrap_or_default() } else { JsValue::UNDEFINED }
}

fn to_object(value: &impl Serialize) -> Result<JsValue, JsValue> {
    let json = serde_json::to_string(value).map_err(|e| js_sys::Error::new(&e.to_string()))?;
    js_sys::JSON::parse(&json)
}

fn to_js(error: Error) -> JsValue {
    js_sys::Error::new(&error.with_sources()).into()
}
