//! The files of tests/golden, and the logits that every machine must compute from them.

use bert8::model::Classification;

/// The FP32 model.
pub const FP32: &[u8] = include_bytes!("../golden/model.fp32.onnx");
/// The INT8 model in the integer format.
pub const INT8: &[u8] = include_bytes!("../golden/model.int8.onnx");
/// The tokenizer of both models.
pub const TOKENIZER: &[u8] = include_bytes!("../golden/tokenizer.json");
const EXPECTED: &str = include_str!("../golden/expected.json");

/// Sentence pairs: short, long, empty, truncated, with words that are not in the vocabulary.
pub const PAIRS: [(&str, &str); 8] = [
    ("The cat sat at home.", "A cat was at home."),
    ("Shares of the company rose 12% today", "The company's price fell 12% today!"),
    ("", "It is raining."),
    ("", ""),
    ("Ünïcödé — 東京 \u{1F600}", "the old judge said \"not today\""),
    ("rain", "sun"),
    (
        "The mayor of the old city said the new bank was not in the river",
        "He ran home to the dog and the cat, and she ran to the river by the bank today",
    ),
    ("a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9", "a a a a a a a a a a a a"),
];

/// Checks the answer for `PAIRS[at]` against the committed one. `precision` is `fp32` or `int8`.
///
/// INT8 logits must be the same bits on every machine. FP32 logits must agree within 1e-4: machines may add in another order.
pub fn check(at: usize, precision: &str, answer: &Classification) {
    let expected: serde_json::Value = serde_json::from_str(EXPECTED).unwrap();
    let expected = &expected[at];
    assert_eq!(answer.tokens as u64, expected["tokens"].as_u64().unwrap(), "tokens of pair {at}");
    assert_eq!(answer.truncated, expected["truncated"].as_bool().unwrap(), "truncation of pair {at}");
    let tolerance = if precision == "fp32" { 1e-4 } else { 0.0 };
    for (class, logit) in answer.logits.iter().enumerate() {
        let expected = expected[precision][class].as_f64().unwrap() as f32;
        assert!(
            (logit - expected).abs() <= tolerance,
            "{precision} logit {class} of pair {at}: {logit}, not {expected}"
        );
    }
}
