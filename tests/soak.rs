//! A program that classifies again and again, and loads again and again, keeps the memory that it has early on.
//!
//! `BERT8_SOAK_CALLS` is the number of classifications; there are a hundredth as many loads. In a browser, with the demo model:
//! `tests/page/soak.test.mjs`.

#![cfg(target_os = "linux")]

mod common;

use bert8::model::Classifier;
use common::golden::{INT8, PAIRS, TOKENIZER};

/// How many megabytes more the process may have at the end. The allocator keeps some that it does not use.
const MARGIN: f64 = 4.0;

fn load() -> Classifier {
    Classifier::builder().model_bytes(INT8.to_vec()).tokenizer_bytes(TOKENIZER).build().unwrap()
}

/// The memory of this process, files apart, in megabytes.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// Does something `total` times. Fails if there is more memory at the end than after a fifth of them.
fn assert_flat(what: &str, total: usize, mut work: impl FnMut(usize)) {
    let (start, early) = (memory(), total / 5);
    (0..early).for_each(&mut work);
    let after = memory();
    (early..total).for_each(&mut work);
    let end = memory();
    println!("{total} {what}: {start:.1} MB at the start, {after:.1} MB after a fifth, {end:.1} MB at the end");
    assert!(end <= after + MARGIN, "{total} {what}: {after:.1} MB after a fifth, {end:.1} MB at the end");
}

// One test, because what runs beside it has memory too.
#[test]
fn memory_does_not_grow() {
    let calls = std::env::var("BERT8_SOAK_CALLS").map_or(5_000, |number| number.parse().unwrap());
    let classifier = load();
    let expected: Vec<Vec<f32>> = PAIRS.map(|pair| classifier.classify(pair).unwrap().logits).into();
    assert_flat("classifications", calls, |call| {
        let at = call % PAIRS.len();
        assert_eq!(classifier.classify(PAIRS[at]).unwrap().logits, expected[at]);
    });
    assert_flat("loads", calls.div_ceil(100), |_| {
        assert_eq!(load().classify(PAIRS[0]).unwrap().logits, expected[0]);
    });
}
