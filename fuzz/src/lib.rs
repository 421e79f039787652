//! What the fuzzer runs, one function for each target. A function must return for any bytes: a panic, or an oracle that does
//! not hold, is a finding.
//!
//! `tests/fuzz_corpus.rs` runs the same functions over the committed corpora as an ordinary test, so nothing here may need
//! libFuzzer.

mod checks;
mod graph_edits;
mod json_edits;
mod models;
mod script;
mod targets;

pub use targets::checkpoint::checkpoint;
pub use targets::graph::{graph, import, onnx};
pub use targets::pairs::pairs;
pub use targets::report::report;
pub use targets::round_trip::round_trip;
pub use targets::streaming::streaming;
pub use targets::tokenizer::{tokenizer, tokenizer_parts};

/// A function that must return for any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its corpus.
pub const TARGETS: [(&str, Target); 10] = [
    ("onnx", onnx),
    ("graph", graph),
    ("import", import),
    ("streaming", streaming),
    ("round_trip", round_trip),
    ("checkpoint", checkpoint),
    ("tokenizer", tokenizer),
    ("tokenizer_parts", tokenizer_parts),
    ("pairs", pairs),
    ("report", report),
];
