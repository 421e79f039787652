//! INT8 BERT sentence-pair classification: quantize at build time, run in a browser tab.
//!
//! ```text
//! Hugging Face folder, ONNX export ──bert──▶ Bert (FP32) ──▶ model.fp32.onnx
//!                                             │
//!                            pairs ──quantize─┴────────────▶ model.int8.onnx
//!                                                                  │
//!                     sentences ──tokenizer──▶ ids ──model (ops, kernels, tract)──▶ logits, label
//! ```
//!
//! Import a model with [`bert::import_folder`] or [`bert::import_onnx`], write it with [`bert::emit_fp32`], quantize it
//! with [`quantize::quantize`], and run either file with [`Classifier`]. The wasm package wraps the last of
//! these; the `bert8` command wraps them all.
//!
//! # Arithmetic
//!
//! A linear layer of K inputs and N outputs over M tokens runs as
//!
//! ```text
//! qa[m, k] = clamp(round((a[m, k] · r[k] + t[k]) / sa) + za, 0, 255)
//!                                     activations: u8, one scale and zero point; per feature a factor and an offset
//! acc[m, n] = Σ_k qa[m, k] · qw[k, n]  weights: s8, one scale per column n, made for the mapped activations
//! y[m, n]  = (acc[m, n] − za · Σ_k qw[k, n]) · sa · sw[n] + b[n]
//! ```
//!
//! 32-bit sums are exact for every K up to [`kernels::MAX_K`], and every kernel computes the same integers.

pub mod activation;
pub mod bert;
mod clock;
pub mod engine;
pub mod error;
pub mod kernels;
pub mod metrics;
pub mod model;
pub mod model_file;
pub mod onnx;
pub mod ops;
pub mod quantize;
pub mod rng;
pub mod text;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use error::{Error, Result};
pub use model::{Classifier, ModelInfo, Precision};
