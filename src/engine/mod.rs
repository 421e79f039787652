//! Running ONNX graphs on tract: [`Engine`] runs any graph as it is written, [`FusedEngine`] one whose encoder is fused.

mod any;
mod fused;
pub(crate) mod graph_check;

pub use any::{Engine, Graph, TokenInputs};
pub use fused::FusedEngine;
