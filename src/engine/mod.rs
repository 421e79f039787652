//! Runs ONNX graphs on tract.
//!
//! [`Engine`] runs any BERT classifier as its graph is written, on rectangular `[batch, sequence]` inputs with padding.
//! [`FusedEngine`] runs a graph whose encoder [`ops::fuse`](crate::ops::fuse) has replaced by fused operators, on
//! sequences that are laid end to end without padding. Both have tract parse the graph, infer its types, optimise it
//! and plan its run. Before that, `graph_check` and `shapes` refuse graphs on which
//! tract would crash or hang.

mod any;
mod fused;
pub(crate) mod graph_check;
mod operators;
pub(crate) mod shapes;
mod tract_threads;

pub use any::{Engine, Graph, TokenInputs};
pub use fused::FusedEngine;
pub(crate) use operators::is_float_operator;
