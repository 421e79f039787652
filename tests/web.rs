//! In a browser: loading, the tokenizer, both models and the choice of a kernel, compared with native results.

#![cfg(target_arch = "wasm32")]

mod common;

use bert8::integrity::Integrity;
use bert8::kernels::{Kernel, KernelKind};
use bert8::model::Classifier;
use bert8::onnx::{decode_model, encode_model};
use bert8::self_test;
use bert8::text::{TextInput, TextTokenizer};
use bert8::web::{JsContext, JsFile, WasmClassifier};
use common::{golden, golden_quantization};
use js_sys::{Array, Error, Function, JSON, Object, Promise, Reflect, Uint8Array};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{AbortController, AbortSignal, Cache, CacheStorage, Response};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn classifier(model: &[u8]) -> Classifier {
    Classifier::builder().model_bytes(model.to_vec()).tokenizer_bytes(golden::TOKENIZER).build().unwrap()
}

#[wasm_bindgen_test]
fn fp32_answers_as_it_does_natively() {
    let classifier = classifier(golden::FP32);
    for (at, (first, second)) in golden::PAIRS.iter().enumerate() {
        golden::check(at, "fp32", &classifier.classify((*first, *second)).unwrap());
    }
    assert_eq!(classifier.model().kernel(), "tract");
}

#[wasm_bindgen_test]
fn int8_answers_as_it_does_natively() {
    let classifier = classifier(golden::INT8);
    for (at, (first, second)) in golden::PAIRS.iter().enumerate() {
        golden::check(at, "int8", &classifier.classify((*first, *second)).unwrap());
    }
    assert!(classifier.model().fused().complete());
    assert_eq!(classifier.model().kernel(), Kernel::detect().name());
}

#[wasm_bindgen_test]
fn every_kernel_passes_the_self_test() {
    for kernel in Kernel::all() {
        let found = self_test::hash_logits(&self_test::classifier(kernel).unwrap()).unwrap();
        assert_eq!(found, self_test::LOGITS_HASH, "{}", kernel.name());
    }
}

#[wasm_bindgen_test]
fn quantization_writes_the_same_bytes_as_it_does_natively() {
    golden_quantization::check();
}

#[wasm_bindgen_test]
fn tokens_are_the_real_ones_whatever_the_file_says_of_padding() {
    let tokenizer = TextTokenizer::from_bytes(golden::TOKENIZER, "golden").unwrap();
    let tokens = tokenizer.encode(("the cat sat", "home"), 48).unwrap();
    assert_eq!(tokens.ids.len(), 7);
    assert_eq!(tokens.types, [0, 0, 0, 0, 0, 1, 1]);
    assert!(!tokens.truncated);
}

#[wasm_bindgen_test]
fn one_text_and_pairs_may_be_mixed() {
    let classifier = classifier(golden::INT8);
    let inputs = [TextInput::from("It is raining."), ("It is raining.", "").into(), ("", "It is raining.").into()];
    let answers = classifier.classify_batch(inputs).unwrap();
    let count = classifier.tokenize("It is raining.").unwrap().ids.len();
    assert_eq!(answers.iter().map(|answer| answer.tokens).collect::<Vec<_>>(), [count, count + 1, count + 1]);
    golden::check(2, "int8", &answers[2]);
    let alone = classifier.classify("It is raining.").unwrap();
    assert_eq!(alone.logits, answers[0].logits);
}

/// The golden INT8 model, as a model that reads one text and gives each label a sigmoid.
fn multi_label_file() -> Vec<u8> {
    let mut model = decode_model(golden::INT8, "golden").unwrap();
    let config = model.metadata_props.iter_mut().find(|property| property.key == "bert8.config").unwrap();
    let mut json: Value = serde_json::from_str(&config.value).unwrap();
    json["problem"] = "multi-label".into();
    json["texts"] = "single".into();
    config.value = json.to_string();
    encode_model(&model)
}

fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &JsValue::from(*name), value).unwrap();
    }
    object.into()
}

/// What all files of a load share. Progress goes to `reports`.
fn context(signal: &AbortSignal, reports: &Array) -> JsContext {
    let report = Function::new_with_args("reports", "return (report) => void reports.push(report)");
    let report = report.call1(&JsValue::UNDEFINED, reports).unwrap();
    let fields = [("signal", signal.into()), ("onProgress", report), ("stallMs", 10_000.into())];
    object(&fields).unchecked_into()
}

/// A file whose bytes are given.
fn given(kind: &str, name: &str, bytes: &[u8], integrity: Option<&str>) -> JsFile {
    let fields = [
        ("kind", kind.into()),
        ("name", name.into()),
        ("bytes", Uint8Array::from(bytes).into()),
        ("integrity", integrity.map_or(JsValue::UNDEFINED, JsValue::from)),
    ];
    object(&fields).unchecked_into()
}

async fn load_file(model: &JsFile, threshold: Option<f32>) -> Result<WasmClassifier, JsValue> {
    let signal = AbortController::new().unwrap().signal();
    let tokenizer = given("tokenizer", "tokenizer.json", golden::TOKENIZER, None);
    let options = object(&[("threshold", threshold.map_or(JsValue::UNDEFINED, JsValue::from))]);
    WasmClassifier::from_files(model, &tokenizer, &options, &context(&signal, &Array::new())).await
}

async fn load(model: &[u8], threshold: Option<f32>) -> Result<WasmClassifier, JsValue> {
    load_file(&given("model", "model.onnx", model, None), threshold).await
}

/// A file that is downloaded. `script` is a JavaScript expression for it; `open(bytes, { status, headers, breaks, … })` opens
/// a response whose body breaks before the chunk number `breaks`.
fn downloaded(bytes: &[u8], script: &str) -> JsFile {
    const OPEN: &str = r#"
        const asked = [];
        const open = async (bytes, { status = 200, headers = {}, breaks = Infinity, ...more } = {}) => {
          let at = 0;
          const pull = (controller) => {
            if (breaks-- <= 0) return controller.error(new TypeError("broken"));
            if (at >= bytes.length) return controller.close();
            controller.enqueue(bytes.slice(at, (at += 4096)));
          };
          const response = new Response(new ReadableStream({ pull }), { status, headers });
          const reader = response.body.getReader();
          const early = { chunks: [], reader, byob: false, done: false };
          const close = () => reader.cancel().catch(() => {});
          return { response, cached: false, take: () => early, close, release() {}, ...more };
        };
        return "#;
    let make = Function::new_with_args("bytes", &format!("{OPEN}{script}"));
    make.call1(&JsValue::UNDEFINED, &Uint8Array::from(bytes)).unwrap().unchecked_into()
}

/// The answer to the first pair.
fn check_answer(classifier: &WasmClassifier) {
    let (first, second) = golden::PAIRS[0];
    let answer = json(classifier.classify(first, Some(second.to_owned()), JsValue::UNDEFINED).unwrap());
    let logits = answer["logits"].as_array().unwrap();
    let expected = classifier_answer(first, second);
    assert_eq!(logits.len(), expected.len());
    for (found, expected) in logits.iter().zip(expected) {
        assert_eq!(found.as_f64().unwrap() as f32, expected);
    }
}

fn classifier_answer(first: &str, second: &str) -> Vec<f32> {
    classifier(golden::INT8).classify((first, second)).unwrap().logits
}

#[wasm_bindgen_test]
async fn given_bytes_are_checked() {
    let good = Integrity::of(golden::INT8).to_string();
    check_answer(&load_file(&given("model", "model.onnx", golden::INT8, Some(&good)), None).await.unwrap());
    let other = Integrity::of(golden::FP32).to_string();
    let refused = load_file(&given("model", "model.onnx", golden::INT8, Some(&other)), None).await;
    let says = format!("model.onnx: the file is not the expected one: its hash is {good}, but {other} is expected");
    assert!(message(refused).starts_with(&says));
    let refused = load_file(&given("model", "model.onnx", golden::INT8, Some("sha256-x")), None).await;
    assert!(message(refused).starts_with("model.onnx: the integrity \"sha256-x\" is not"));
}

#[wasm_bindgen_test]
async fn a_download_goes_on_where_it_was_cut_off() {
    let headers = r#"{ etag: '"1"', "content-length": bytes.length }"#;
    let resumed = format!(
        r#"{{ kind: "model", name: "m.onnx", asked, opened: open(bytes, {{ headers: {headers}, breaks: 3 }}),
              again: (range, version) => {{
                asked.push(range, version);
                const start = Number(/\d+/.exec(range)[0]);
                const range2 = `bytes ${{start}}-${{bytes.length - 1}}/${{bytes.length}}`;
                return open(bytes.slice(start), {{ status: 206, headers: {{ etag: '"1"', "content-range": range2 }} }});
              }} }}"#
    );
    let file = downloaded(golden::INT8, &resumed);
    check_answer(&load_file(&file, None).await.unwrap());
    let asked = Reflect::get(&file, &"asked".into()).unwrap();
    assert_eq!(String::from(JSON::stringify(&asked).unwrap()), r#"["bytes=12288-","\"1\""]"#);

    let whole = format!(
        r#"{{ kind: "model", name: "m.onnx", opened: open(bytes, {{ headers: {headers}, breaks: 3 }}),
              again: () => open(bytes, {{ headers: {headers} }}) }}"#
    );
    check_answer(&load_file(&downloaded(golden::INT8, &whole), None).await.unwrap());
}

/// A server that sends compressed files whole and parts as they are. Its first answer breaks after three chunks, and `parts` are
/// what it sends for the requests that follow: an expression for each, of the `start` that is asked for. `known` are fields of the
/// file. Returns whether the file was loaded, what was asked for, and the reports of the progress.
async fn load_compressed(known: &str, parts: &[&str]) -> (Result<WasmClassifier, JsValue>, Value, Vec<Value>) {
    let parts = parts.iter().map(|part| format!("(start) => {part}")).collect::<Vec<_>>().join(", ");
    let script = format!(
        r#"(() => {{
          const whole = (breaks) =>
            open(bytes, {{ headers: {{ etag: '"gz"', "content-encoding": "gzip", "content-length": 5000 }}, breaks }});
          const rest = (start, {{ total = bytes.length, from = bytes, headers = {{}}, breaks }} = {{}}) =>
            open(from.slice(start), {{
              status: 206,
              headers: {{ etag: '"plain"', "content-range": `bytes ${{start}}-${{total - 1}}/${{total}}`, ...headers }},
              breaks,
            }});
          const parts = [{parts}];
          const again = (range, version) => {{
            asked.push([range, version]);
            return parts.shift()(range && Number(/^bytes=(\d+)-$/.exec(range)[1]));
          }};
          return {{ kind: "model", name: "m.onnx", asked, opened: whole(3), again, {known} }};
        }})()"#
    );
    let file = downloaded(golden::INT8, &script);
    let reports = Array::new();
    let signal = AbortController::new().unwrap().signal();
    let tokenizer = given("tokenizer", "tokenizer.json", golden::TOKENIZER, None);
    let result = WasmClassifier::from_files(&file, &tokenizer, &JsValue::UNDEFINED, &context(&signal, &reports)).await;
    let asked = json(Reflect::get(&file, &"asked".into()).unwrap());
    (result, asked, reports.iter().map(json).collect())
}

/// The fields of a file whose hash and size are known.
fn known_file() -> String {
    format!("size: {}, integrity: \"{}\"", golden::INT8.len(), Integrity::of(golden::INT8))
}

#[wasm_bindgen_test]
async fn a_compressed_download_goes_on_with_plain_bytes_if_the_hash_is_known() {
    let (loaded, asked, reports) = load_compressed(&known_file(), &["rest(start, { breaks: 2 })", "rest(start)"]).await;
    check_answer(&loaded.unwrap());
    // Without a condition: the tag of the compressed form does not name the plain one.
    assert_eq!(asked, serde_json::json!([["bytes=12288-", null], ["bytes=20480-", null]]));
    let downloads: Vec<&Value> = reports.iter().filter(|report| report["stage"] == "download").collect();
    let loaded: Vec<u64> = downloads.iter().map(|report| report["loaded"].as_u64().unwrap()).collect();
    assert!(loaded.is_sorted(), "{loaded:?}");
    assert!(downloads.iter().all(|report| report["total"] == golden::INT8.len()), "the total is known from the start");

    let hash_alone = known_file().split_once(", ").unwrap().1.to_owned();
    let (loaded, asked, _) = load_compressed(&hash_alone, &["rest(start)"]).await;
    check_answer(&loaded.unwrap());
    assert_eq!(asked, serde_json::json!([["bytes=12288-", null]]));

    let (loaded, asked, _) = load_compressed(&format!("size: {}", golden::INT8.len()), &["whole()"]).await;
    check_answer(&loaded.unwrap());
    assert_eq!(asked, serde_json::json!([[null, null]]), "nothing would tell whether the parts belong together");
}

#[wasm_bindgen_test]
async fn an_answer_that_is_not_the_rest_of_the_file_starts_the_download_again() {
    let refused = [
        "rest(start + 1)",
        "rest(start, { total: bytes.length + 1 })",
        r#"rest(start, { headers: { "content-encoding": "gzip" } })"#,
        "open(bytes, { status: 416 })",
    ];
    for part in refused {
        let (loaded, asked, _) = load_compressed(&known_file(), &[part, "whole()"]).await;
        check_answer(&loaded.unwrap());
        assert_eq!(asked, serde_json::json!([["bytes=12288-", null], [null, null]]), "{part}");
    }
    let (loaded, asked, _) = load_compressed(&known_file(), &["whole()"]).await;
    check_answer(&loaded.unwrap());
    assert_eq!(asked, serde_json::json!([["bytes=12288-", null]]), "the server ignores ranges");
}

#[wasm_bindgen_test]
async fn parts_that_do_not_belong_together_are_downloaded_once_more_in_one_piece() {
    const OTHER: &str = "rest(start, { from: bytes.map((byte) => byte ^ 1) })";
    let (loaded, asked, _) = load_compressed(&known_file(), &[OTHER, "whole()"]).await;
    check_answer(&loaded.unwrap());
    assert_eq!(asked, serde_json::json!([["bytes=12288-", null], [null, null]]));
    // Also after all other attempts are used up; and then no part is trusted any more.
    let broken = "rest(start, { breaks: 1 })";
    let (loaded, asked, _) = load_compressed(&known_file(), &[broken, OTHER, "whole()"]).await;
    check_answer(&loaded.unwrap());
    assert_eq!(asked, serde_json::json!([["bytes=12288-", null], ["bytes=16384-", null], [null, null]]));
    let (loaded, asked, _) = load_compressed(&known_file(), &[OTHER, "whole(1)", "whole()"]).await;
    check_answer(&loaded.unwrap());
    assert_eq!(asked, serde_json::json!([["bytes=12288-", null], [null, null], [null, null]]));
    // A file that is wrong in one piece is refused.
    let wrong = "open(bytes.map((byte) => byte ^ 1))";
    let (refused, asked, _) = load_compressed(&known_file(), &[OTHER, wrong]).await;
    assert!(message(refused).starts_with("m.onnx: the file is not the expected one: its hash is "));
    assert_eq!(asked.as_array().unwrap().len(), 2);
}

#[wasm_bindgen_test]
async fn what_does_not_arrive_whole_is_an_error() {
    let cases = [
        (
            r#"{ kind: "model", name: "m.onnx", opened: open(bytes, { breaks: 2 }) }"#,
            "m.onnx: the download failed or was cut off (broken)",
        ),
        (
            r#"{ kind: "model", name: "m.onnx", size: bytes.length + 1, opened: open(bytes) }"#,
            "m.onnx: the download was cut off after ",
        ),
        (
            r#"{ kind: "model", name: "m.onnx", size: 10, opened: open(bytes) }"#,
            "m.onnx: the file is not the expected one: it has ",
        ),
        (r#"{ kind: "model", name: "m.onnx", size: 10, bytes }"#, "m.onnx: the file is not the expected one: it has "),
        (
            r#"{ kind: "model", name: "m.onnx", opened: open(bytes, { status: 404 }) }"#,
            "m.onnx: the server answered 404",
        ),
        (
            r#"{ kind: "model", name: "m.onnx", opened: open(bytes, { headers: { "content-type": "text/html; charset=utf-8" } }) }"#,
            "m.onnx: the server sent a web page instead of the model",
        ),
        (
            r#"{ kind: "model", name: "m.onnx", opened: open(bytes), integrity: "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }"#,
            "m.onnx: the file is not the expected one",
        ),
        (
            r#"{ kind: "model", name: "m.onnx", opened: Promise.reject(new TypeError("no network")) }"#,
            "m.onnx: the download failed or was cut off (no network)",
        ),
    ];
    for (script, says) in cases {
        let found = message(load_file(&downloaded(golden::INT8, script), None).await);
        assert!(found.starts_with(says), "{found}");
    }
}

#[wasm_bindgen_test]
async fn an_abort_ends_a_load_with_its_reason() {
    let controller = AbortController::new().unwrap();
    let model = downloaded(
        golden::INT8,
        r#"{ kind: "model", name: "m.onnx", opened: open(bytes, { breaks: 2 }), again: () => open(bytes) }"#,
    );
    let tokenizer = given("tokenizer", "tokenizer.json", golden::TOKENIZER, None);
    controller.abort_with_reason(&"enough".into());
    let context = context(&controller.signal(), &Array::new());
    let found = WasmClassifier::from_files(&model, &tokenizer, &JsValue::UNDEFINED, &context).await;
    assert_eq!(found.err().and_then(|reason| reason.as_string()).as_deref(), Some("enough"));
}

#[wasm_bindgen_test]
async fn progress_reaches_the_size_and_never_passes_it() {
    let reports = Array::new();
    let signal = AbortController::new().unwrap().signal();
    // A length of compressed data is smaller.
    let model = downloaded(
        golden::INT8,
        r#"{ kind: "model", name: "m.onnx", opened: open(bytes, { headers: { "content-length": 5000, "content-encoding": "gzip" } }) }"#,
    );
    let tokenizer = given("tokenizer", "tokenizer.json", golden::TOKENIZER, None);
    WasmClassifier::from_files(&model, &tokenizer, &JsValue::UNDEFINED, &context(&signal, &reports)).await.unwrap();
    let reports: Vec<Value> = reports.iter().map(json).collect();
    let size = golden::INT8.len();
    let last = serde_json::json!({ "stage": "prepare", "file": "model", "loaded": size, "total": size });
    assert_eq!(reports.last(), Some(&last));
    let (end, earlier) = reports[..reports.len() - 1].split_last().unwrap();
    assert_eq!((&end["loaded"], &end["total"]), (&size.into(), &size.into()));
    for report in earlier {
        assert_eq!(report["total"], Value::Null, "{report}");
    }
}

#[wasm_bindgen_test]
async fn a_file_is_stored_while_it_arrives_unless_it_is_not_the_expected_one() {
    let caches: CacheStorage = Reflect::get(&js_sys::global(), &"caches".into()).unwrap().unchecked_into();
    let cache: Cache = JsFuture::from(caches.open("test")).await.unwrap().unchecked_into();
    let good = Integrity::of(golden::INT8).to_string();
    let other = Integrity::of(golden::FP32).to_string();
    for (integrity, kept) in [(&other, false), (&good, true)] {
        let script = format!(
            r#"(() => {{
              const store = {{ key: "https://example.com/m?v=2", keyStart: "https://example.com/m?v=", headers: {{}} }};
              let done;
              const released = new Promise((resolve) => (done = resolve));
              const opened = open(bytes, {{ store, release: done }});
              return {{ kind: "model", name: "m.onnx", opened, store, released, integrity: "{integrity}" }};
            }})()"#
        );
        let file = downloaded(golden::INT8, &script);
        let place = Reflect::get(&file, &"store".into()).unwrap();
        Reflect::set(&place, &"cache".into(), &cache).unwrap();
        assert_eq!(load_file(&file, None).await.is_ok(), kept);
        JsFuture::from(Promise::from(Reflect::get(&file, &"released".into()).unwrap())).await.unwrap();
        let found = JsFuture::from(cache.match_with_str("https://example.com/m?v=2")).await.unwrap();
        assert_eq!(found.is_undefined(), !kept);
    }
    let stored: Response =
        JsFuture::from(cache.match_with_str("https://example.com/m?v=2")).await.unwrap().unchecked_into();
    let buffer = JsFuture::from(stored.array_buffer().unwrap()).await.unwrap();
    assert_eq!(Uint8Array::new(&buffer).to_vec(), golden::INT8);
    // What is stored was checked before.
    let script = r#"{ kind: "model", name: "m.onnx", opened: open(bytes, { cached: true }) }"#;
    check_answer(&load_file(&downloaded(golden::INT8, script), None).await.unwrap());
}

fn json(object: JsValue) -> Value {
    serde_json::from_str(&String::from(JSON::stringify(&object).unwrap())).unwrap()
}

fn message<T>(result: Result<T, JsValue>) -> String {
    result.err().map(|error| String::from(Error::from(error).message())).expect("an error")
}

#[wasm_bindgen_test]
async fn javascript_gets_the_labels_above_the_threshold() {
    let classifier = load(&multi_label_file(), Some(0.25)).await.unwrap();
    let info = json(classifier.info().unwrap());
    assert_eq!(
        [&info["problem"], &info["texts"], &info["threshold"]],
        [&"multi-label".into(), &"single".into(), &Value::from(0.25)]
    );
    let answer = json(classifier.classify("It is raining.", None, JsValue::UNDEFINED).unwrap());
    assert_eq!([&answer["problem"], &answer["label"]], [&Value::from("multi-label"), &Value::Null]);
    let above =
        |answer: &Value| (0..2).filter(|&id| answer["probabilities"][id].as_f64() >= Some(0.25)).collect::<Vec<_>>();
    let applied = answer["labels"].as_array().unwrap().iter().map(|label| label["id"].as_u64().unwrap() as usize);
    assert_eq!(applied.collect::<Vec<_>>(), above(&answer));
    let batch = |texts: &[&str]| classifier.classify_batch(vec![texts.iter().copied().map(JsValue::from).collect()]);
    assert_eq!(json(batch(&["It is raining."]).unwrap())[0]["labels"], answer["labels"]);
    let says = "model.onnx reads one text at a time, but was given a pair of texts";
    assert_eq!(message(batch(&["It is raining.", "rain"])), says);
    assert_eq!(message(classifier.classify("rain", Some("sun".into()), JsValue::UNDEFINED)), says);
    assert_eq!(
        message(classifier.check_reranker()),
        "model.onnx has 2 outputs; reranking needs a model whose only output is a score"
    );
    assert_eq!(classifier.rank(&[0.5, 2.0, 0.5]), [1, 0, 2]);
    assert_eq!(
        message(load(golden::INT8, Some(0.25)).await),
        "model.onnx is a single-label model; a threshold is only for multi-label models"
    );
}

/// The regular expressions of byte-level BPE and the tables of Unigram know the same characters as natively.
#[wasm_bindgen_test]
fn hard_texts_have_hugging_face_s_ids() {
    let expected: Value = serde_json::from_str(include_str!("tokenizers/expected.json")).unwrap();
    for (name, file) in [
        ("byte-level-bpe", include_str!("tokenizers/byte-level-bpe.json")),
        ("unigram", include_str!("tokenizers/unigram.json")),
    ] {
        let tokenizer = TextTokenizer::from_bytes(file.as_bytes(), name).unwrap();
        for (text, ids) in
            expected["texts"].as_array().unwrap().iter().zip(expected["ids"][name]["texts"].as_array().unwrap())
        {
            let text = text.as_str().unwrap();
            assert_eq!(serde_json::json!(tokenizer.encode(text, 1 << 20).unwrap().ids), *ids, "{name}: {text:?}");
        }
    }
}

#[wasm_bindgen_test]
fn the_build_takes_a_simd_kernel_that_the_engine_runs_exactly() {
    let kind = Kernel::detect().kind();
    if cfg!(target_feature = "relaxed-simd") {
        let relaxed = [KernelKind::RelaxedDotUnsigned, KernelKind::RelaxedDotSigned, KernelKind::RelaxedPairs];
        assert!(relaxed.contains(&kind) || kind == KernelKind::Simd128I16, "{}", kind.name());
    } else {
        assert_eq!(kind, KernelKind::Simd128I16);
    }
}

#[wasm_bindgen_test]
fn a_damaged_model_is_an_error_not_a_trap() {
    for cut in [0, 1, 100, golden::INT8.len() / 2, golden::INT8.len() - 1] {
        let model = golden::INT8[..cut].to_vec();
        let builder = Classifier::builder().model_bytes(model).model_name("cut.onnx");
        let error = builder.tokenizer_bytes(golden::TOKENIZER).build().unwrap_err();
        assert!(error.to_string().contains("cut.onnx"), "{error}");
    }
}
