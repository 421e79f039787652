//! The `bert8` command as its users run it: the real program, in a temporary folder, on a tiny model made in code.
//!
//! `convert`, `quantize`, `classify`, `eval`, `inspect`, `random`, `report` and `serve` have what each command does, `commands`
//! what is common to all; `errors` what must be refused, `refused_folders` and `refused_onnx` which models, and `damaged` ONNX files
//! with faults everywhere.

#[path = "../common/mod.rs"]
mod common;

mod classify;
mod commands;
mod convert;
mod damaged;
mod errors;
mod eval;
mod inspect;
mod json;
mod markup;
mod quantize;
mod random;
mod refused_folders;
mod refused_onnx;
mod report;
mod sandbox;
mod serve;
mod tiny;
