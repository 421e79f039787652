//! In a browser: the tokenizer, both models and the choice of a kernel, compared with native results.

#![cfg(target_arch = "wasm32")]

#[path = "common/golden.rs"]
mod golden;

use bert8::kernels::{Kernel, KernelKind};
use bert8::model::Classifier;
use bert8::onnx::{decode_model, encode_model};
use bert8::self_test;
use bert8::text::{TextInput, TextTokenizer};
use bert8::web::{WasmClassifier, WasmModelFile, WasmTokenizer};
use js_sys::{Error, JSON, Uint8Array};
use serde_json::Value;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

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
        assert_eq!(found, self_test::LOGITS, "{}", kernel.name());
    }
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

fn load(model: &[u8], threshold: Option<f32>) -> Result<WasmClassifier, JsValue> {
    let mut file = WasmModelFile::new();
    file.push(&Uint8Array::from(model));
    let tokenizer = WasmTokenizer::new(golden::TOKENIZER, "tokenizer.json")?;
    WasmClassifier::new(file, "model.onnx", tokenizer, None, threshold, "auto")
}

fn json(object: JsValue) -> Value {
    serde_json::from_str(&String::from(JSON::stringify(&object).unwrap())).unwrap()
}

fn message<T>(result: Result<T, JsValue>) -> String {
    result.err().map(|error| String::from(Error::from(error).message())).expect("an error")
}

#[wasm_bindgen_test]
fn javascript_gets_the_labels_above_the_threshold() {
    let classifier = load(&multi_label_file(), Some(0.25)).unwrap();
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
        message(load(golden::INT8, Some(0.25))),
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
