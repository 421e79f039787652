//! The `bert8` command as its users run it: the real program, in a temporary folder, on a tiny model made in code.
//!
//! `commands` has what works, `quantize` the options of quantization, `report` the report's page, `errors` what must be
//! refused, `damaged` ONNX files with faults everywhere, and `serve` the web server.

#[path = "../common/mod.rs"]
mod common;

mod commands;
mod damaged;
mod errors;
mod markup;
mod quantize;
mod report;
mod sandbox;
mod serve;
mod tiny;
