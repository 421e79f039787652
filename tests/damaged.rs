//! Copies of the golden models with changed bytes: each is refused by name, or answers with finite logits. None panics.
//!
//! `BERT8_DAMAGED_COPIES` is the number of copies of each model for each kind of damage. In a browser, with the demo models:
//! `tests/page/damaged.test.mjs`.

mod common;

use bert8::model::Classifier;
use bert8::rng::Rng;
use common::golden::{FP32, INT8, PAIRS, TOKENIZER};

const NAME: &str = "damaged.onnx";

/// The nodes of the graph are among the first bytes of the files; the weights come after them.
const GRAPH_BYTES: usize = 1 << 14;

/// Changes `count` bytes among the first `among` of `bytes`.
fn damage(bytes: &mut [u8], count: usize, among: usize, rng: &mut Rng) {
    for _ in 0..count {
        bytes[rng.below(among)] ^= 1 + rng.below(255) as u8;
    }
}

/// Loads a model and classifies once. Returns whether it answers.
fn answers(model: Vec<u8>) -> bool {
    let builder = Classifier::builder().model_bytes(model).model_name(NAME).tokenizer_bytes(TOKENIZER);
    match builder.build().and_then(|classifier| classifier.classify(PAIRS[0])) {
        Ok(answer) => {
            assert!(answer.logits.iter().all(|logit| logit.is_finite()), "{:?}", answer.logits);
            true
        }
        Err(error) => {
            assert!(error.to_string().contains(NAME), "{error}");
            false
        }
    }
}

#[test]
fn damaged_copies_are_refused_or_answer() {
    let copies = std::env::var("BERT8_DAMAGED_COPIES").map_or(50, |number| number.parse().unwrap());
    for (model, bytes) in [("INT8", INT8), ("FP32", FP32)] {
        assert!(answers(bytes.to_vec()), "the {model} model answers");
        for kind in ["one percent", "a few bytes", "the graph"] {
            let mut answered = 0;
            for seed in 0..copies {
                let mut rng = Rng::new(seed);
                let (count, among) = match kind {
                    "one percent" => (bytes.len() / 100, bytes.len()),
                    "a few bytes" => (1 + rng.below(4), bytes.len()),
                    _ => (1 + rng.below(4), GRAPH_BYTES),
                };
                let mut copy = bytes.to_vec();
                damage(&mut copy, count, among, &mut rng);
                answered += usize::from(answers(copy));
            }
            println!("{model}, {kind}: {answered} of {copies} copies answered, the others were refused");
        }
    }
}
