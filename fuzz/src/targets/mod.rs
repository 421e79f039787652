//! The targets, by what they read.

pub mod checkpoint;
pub mod graph;
pub mod pairs;
pub mod report;
pub mod round_trip;
pub mod streaming;
pub mod tokenizer;
