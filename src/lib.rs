//! bert8
pub mod activation;
pub mod bert;
pub mod classifier;
mod clock;
pub mod engine;
pub mod error;
pub mod kernels;
pub mod metrics;
mod model_info;
pub mod onnx;
pub mod ops;
pub mod quantize;
pub mod tokenizer;
#[cfg(target_arch = "wasm32")]
pub mod web;
pub use error::{Error, Result};
pub use model_info::{ModelInfo, Precision};
