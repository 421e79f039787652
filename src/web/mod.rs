//! What JavaScript sees. `www/worker.js` is the only caller; `www/bert8.js` is the API that people use.

mod fetch;

use crate::classifier::{Classifier, Repeat};
use crate::error::{Error, Result};
use fetch::{Request, Stage, download};
use js_sys::{Function, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(message: &str);
}

/// Sends the text of a panic to the console, where a trap alone would say `unreachable`.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| console_error(&panic.to_string())));
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
    kernel: String,
    model_bytes: usize,
    memory_bytes: usize,
    layers: usize,
    hidden: usize,
    max_length: usize,
    labels: &'a [String],
}

#[wasm_bindgen]
impl WasmClassifier {
    /// Loads a model. `model` and `tokenizer` are URLs or bytes; `options` may hold `maxLength`, `signal` and
    /// `onProgress`.
    ///
    /// # Errors
    /// A JavaScript `Error`: a download failed, a file is damaged, or the two do not belong together.
    pub async fn load(model: JsValue, tokenizer: JsValue, options: JsValue) -> Result<WasmClassifier, JsValue> {
        let signal = option(&options, "signal").dyn_into().ok();
        let progress = option(&options, "onProgress").dyn_into::<Function>().ok();
        let max_length = option(&options, "maxLength").as_f64().map(|length| length as usize);
        let request = Request { signal: signal.as_ref(), progress: progress.as_ref() };

        let (tokenizer, tokenizer_name) = source(tokenizer, "tokenizer", &request).await?;
        let (model, model_name) = source(model, "model", &request).await?;
        let model_bytes = model.len();
        request.report(Stage::Prepare, "model", model_bytes, Some(model_bytes));
        let classifier =
            Classifier::from_bytes((model, &model_name), (&tokenizer, &tokenizer_name), max_length).map_err(to_js)?;
        Ok(WasmClassifier { classifier, model_bytes })
    }

    /// Answers for one pair; `options` may hold `runs`, `warmup` and `budgetMs`.
    ///
    /// # Errors
    /// A JavaScript `Error` where the model fails.
    pub fn classify(&self, first: &str, second: &str, options: JsValue) -> Result<JsValue, JsValue> {
        let number = |name: &str| option(&options, name).as_f64();
        let repeat = Repeat {
            warmup: number("warmup").unwrap_or(0.0) as usize,
            runs: (number("runs").unwrap_or(1.0) as usize).max(1),
            budget_ms: number("budgetMs").unwrap_or(f64::INFINITY),
        };
        let answer = self.classifier.classify_repeatedly(first, second, repeat).map_err(to_js)?;
        to_object(&answer)
    }

    /// What is loaded, and what it runs on.
    ///
    /// # Errors
    /// None in practice.
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
        })
    }
}

/// The bytes that `source` is or that its URL leads to, and what to call them in messages.
async fn source(source: JsValue, file: &'static str, request: &Request<'_>) -> Result<(Vec<u8>, String), JsValue> {
    if let Some(url) = source.as_string() {
        let bytes = download(&url, file, request).await?;
        return Ok((bytes, url));
    }
    match source.dyn_into::<Uint8Array>() {
        Ok(bytes) => Ok((bytes.to_vec(), format!("the given {file}"))),
        Err(_) => Err(to_js(Error::Argument(format!("{file}: expected a URL or a Uint8Array")))),
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
    js_sys::Error::new(&error.to_string()).into()
}
