//! The `bert8` command as users run it: the real program, in a temporary folder, on a tiny model made in code.
//!
//! `bundle`, `convert`, `quantize`, `classify`, `eval`, `inspect`, `manifest`, `random`, `report`, `serve` and `tokenizer` test one command each; `commands` tests
//! what they share, `dataset` the files of texts. `errors` tests refused files and options; `refused_folders` and `refused_onnx` test refused models;
//! `damaged` tests ONNX files with a fault in every place, `hostile` files that once did harm.

#[path = "../common/mod.rs"]
mod common;

mod bundle;
mod classify;
mod commands;
mod convert;
mod damaged;
mod dataset;
mod errors;
mod eval;
mod hostile;
mod inspect;
mod json;
mod manifest;
mod markup;
mod quantize;
mod random;
mod refused_folders;
mod refused_onnx;
mod report;
mod sandbox;
mod serve;
mod tiny;
mod tokenizer;
