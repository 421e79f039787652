//! The WebAssembly interface. Only `engine.js` and `load-classifier.js` in `www/package` call it, and the site's workers for the
//! visitor's own data, `www/site/page/data/worker.js`, and for quantizing, `www/site/page/quantize/worker.js`; `bert8.js` is the
//! public API.

mod body;
mod bytes;
#[cfg(feature = "dataset")]
mod dataset;
mod download;
mod executor;
mod file;
mod progress;
#[cfg(feature = "quantizer")]
mod quantizer;
mod store;
mod threads;

pub use file::{JsContext, JsFile};

use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::model::{Accuracy, Classifier, Model, Repeat, ranking};
use crate::model_file::{ModelFile, ModelFileBuilder};
use crate::text::{TextInput, TextTokenizer};
use crate::{Kernel, Problem, Texts, self_test};
use bytes::receive_bytes;
use download::{Context, receive};
use executor::both;
use js_sys::{Array, Promise, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// Makes a panic throw an error with its message, where a trap would say no more than `unreachable`. In a build for threads, whose
/// memory has a maximum, a failed allocation throws one as well.
#[wasm_bindgen(start)]
pub fn start() {
    // The message begins with "panicked at", by which `www/package/crash.js` knows it.
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string())));
    #[cfg(target_feature = "atomics")]
    std::alloc::set_alloc_error_hook(|_| wasm_bindgen::throw_str(OUT_OF_MEMORY));
}

/// The message of the error that a failed allocation throws. `www/package/crash.js` knows it.
#[cfg(target_feature = "atomics")]
const OUT_OF_MEMORY: &str = "out of memory";

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
    accuracy: Option<&'a Accuracy>,
}

#[wasm_bindgen]
impl WasmClassifier {
    /// Loads a model and its tokenizer, while they are downloaded. Weights are packed as soon as they arrive; all other bytes stay in
    /// JavaScript's arrays. Returns a promise of a `WasmClassifier`.
    ///
    /// `model` and `tokenizer` are files as `www/package/open-file.js` makes them. `context` has `signal`, `onProgress` and
    /// `stallMs`. `options` may hold `maxLength`, to which inputs are cut, by default the model's own limit; `threshold`, for
    /// multi-label models; and `kernel`, the name of the kernel for INT8 matrix products, or `auto` for the fastest.
    ///
    /// The promise rejects with the signal's reason after an abort. Otherwise it rejects with an `Error` if a file cannot be read, is
    /// damaged or is not the expected one, if the two do not belong together, or if a parameter does not fit.
    pub fn load(model: JsFile, tokenizer: JsFile, options: JsValue, context: JsContext) -> Promise {
        executor::promise(async move { Ok(Self::from_files(&model, &tokenizer, &options, &context).await?.into()) })
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

    /// Returns the hash of the logits of the self-test's texts, as 16 hexadecimal digits. The model must be the self-test's.
    ///
    /// # Errors
    /// A JavaScript `Error` if the model does not read pairs.
    #[wasm_bindgen(js_name = hashSelfTest)]
    pub fn hash_self_test(&self) -> Result<String, JsValue> {
        self_test::hash_logits(&self.classifier).map(hexadecimal).map_err(to_js)
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
            accuracy: info.accuracy.as_ref(),
        })
    }
}

/// Returns what `hashSelfTest` must return on every kernel.
#[wasm_bindgen(js_name = selfTestHash)]
pub fn self_test_hash() -> String {
    hexadecimal(self_test::LOGITS_HASH)
}

/// Returns the names of the available kernels, slowest first.
#[wasm_bindgen(js_name = kernelNames)]
pub fn kernel_names() -> Vec<String> {
    Kernel::all().map(|kernel| kernel.name().to_owned()).collect()
}

fn hexadecimal(hash: u64) -> String {
    format!("{hash:016x}")
}

/// Reads a manifest.json. Returns a promise of its content, an object.
///
/// The promise rejects with the signal's reason after an abort, and otherwise with an `Error` if the manifest cannot be read, or if a
/// field does not fit.
#[wasm_bindgen(js_name = readManifest)]
pub fn read_manifest(file: JsFile, context: JsContext) -> Promise {
    executor::promise(async move {
        let context = Context::new(&context);
        let manifest = Manifest::from_bytes(&receive_bytes(&file, &context).await?, &file.name()).map_err(to_js)?;
        to_object(&manifest)
    })
}

impl WasmClassifier {
    /// Loads a model and its tokenizer, as [`WasmClassifier::load`] does.
    ///
    /// # Errors
    /// As the promise of [`WasmClassifier::load`].
    pub async fn from_files(
        model: &JsFile,
        tokenizer: &JsFile,
        options: &JsValue,
        context: &JsContext,
    ) -> Result<WasmClassifier, JsValue> {
        let number = |name: &str| option(options, name).as_f64();
        let kernel = option(options, "kernel").as_string().unwrap_or_else(|| "auto".to_owned());
        let kernel = kernel.parse().map_err(|problem| to_js(Error::Argument(problem)))?;
        let context = Context::new(context);
        let (file, tokenizer) = both(receive_model(model, &context), receive_tokenizer(tokenizer, &context)).await?;
        context.progress.prepare(&model.kind());
        let model_bytes = file.size();
        let mut builder = Model::builder().file_name(model.name()).kernel(kernel);
        if let Some(pool) = threads::pool() {
            builder = builder.thread_pool(pool);
        }
        let model = builder.load(file).map_err(to_js)?;
        let max_length = number("maxLength").map(|tokens| tokens as usize);
        let mut classifier = Classifier::new(model, tokenizer, max_length).map_err(to_js)?;
        if let Some(threshold) = number("threshold") {
            classifier = classifier.with_threshold(threshold as f32).map_err(to_js)?;
        }
        Ok(WasmClassifier { classifier, model_bytes })
    }
}

async fn receive_model(file: &JsFile, context: &Context) -> Result<ModelFile, JsValue> {
    let mut builder = ModelFileBuilder::<Uint8Array>::default();
    receive(file, &mut builder, context).await?;
    Ok(builder.finish())
}

async fn receive_tokenizer(file: &JsFile, context: &Context) -> Result<TextTokenizer, JsValue> {
    TextTokenizer::from_bytes(&receive_bytes(file, context).await?, &file.name()).map_err(to_js)
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
