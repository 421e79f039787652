//! INT8 BERT sentence-pair classification: quantize at build time, run natively or in a browser tab.
//!
//! ```
//! use bert8::Classifier;
//!
//! let classifier = Classifier::builder()
//!     .model_bytes(include_bytes!("../tests/golden/model.int8.onnx").to_vec())
//!     .tokenizer_bytes(include_bytes!("../tests/golden/tokenizer.json"))
//!     .build()?;
//! let answer = classifier.classify(("The cat sat at home.", "A cat was at home."))?;
//! println!("{} with {:?}", answer.label.unwrap(), answer.probabilities);
//! # Ok::<(), bert8::Error>(())
//! ```
//!
//! With files instead of bytes, [`Classifier::from_files`] is shorter. To make an INT8 file:
//!
//! 1. Import a model with [`bert::import_folder`] (a Hugging Face folder) or [`bert::import_onnx_file`] (an ONNX export).
//! 2. Tokenize some sentence pairs for calibration with [`text::TextTokenizer`].
//! 3. Quantize the model with [`quantize::quantize`], and write [`QuantizedModel::onnx`](quantize::QuantizedModel::onnx) to a file.
//!
//! [`bert::emit_fp32`] writes the FP32 ONNX file to compare with.
//!
//! ```text
//! Hugging Face folder, ONNX export ──bert──▶ Bert (FP32) ──▶ model.fp32.onnx
//!                                             │
//!                            pairs ──quantize─┴────────────▶ model.int8.onnx
//!                                                                  │
//!                     sentences ──tokenizer──▶ ids ──model (ops, kernels, tract)──▶ logits, label
//! ```
//!
//! # Features
//!
//! | Feature | Default | Contents |
//! |---|---|---|
//! | `cli` | yes | The `bert8` command, with clap, hyper and tokio |
//! | `dataset` | with `cli` | `text::dataset`, which reads files of texts, pairs and labels, and `quantize::CalibrationTexts`, which chooses from them |
//! | `report` | with `cli` | `report`, which shows the report of a quantization as text and HTML |
//! | `quantizer` | no | In WebAssembly, the quantizer's interface to JavaScript; includes `dataset` and `report` |
//!
//! A program that uses the library alone should turn the command off:
//!
//! ```toml
//! bert8 = { version = "0.3", default-features = false }
//! ```
//!
//! # Arithmetic
//!
//! A linear layer of K inputs and N outputs over M tokens computes
//!
//! ```text
//! qa[m, k] = clamp(round((a[m, k] · r[k] + t[k]) / sa) + za, 0, 255)
//!                                     activations: u8, one scale and zero point; a factor and an offset per feature
//! acc[m, n] = Σ_k qa[m, k] · qw[k, n]  weights: s8, one scale per column n, quantized for the scaled activations
//! y[m, n]  = (acc[m, n] − za · Σ_k qw[k, n]) · sa · sw[n] + b[n]
//! ```
//!
//! 32-bit sums are exact for every K up to [`kernels::MAX_K`], and every kernel computes the same integers.

#![warn(missing_docs)]
// Builds for threads in WebAssembly need a compiler that allows unstable features anyway.
#![cfg_attr(target_feature = "atomics", feature(alloc_error_hook))]

pub mod activation;
pub mod base64;
pub mod bert;
mod clock;
pub mod engine;
pub mod error;
pub mod files;
#[cfg(any(target_arch = "wasm32", test))]
mod http;
pub mod integrity;
pub mod kernels;
pub mod manifest;
pub mod metrics;
pub mod model;
pub mod model_file;
pub mod onnx;
pub mod ops;
pub mod quantize;
#[cfg(feature = "report")]
pub mod report;
pub mod rng;
pub mod self_test;
pub mod task;
pub mod text;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use error::{Error, Result};
pub use kernels::{Kernel, KernelKind};
pub use model::{Classification, Classifier, Model, ModelInfo, Precision};
pub use task::{Problem, Texts};
