//! bert8
pub mod bert;
pub mod engine;
pub mod error;
pub mod onnx;
pub use error::{Error, Result};
