//! Fused operators for tract, and the recogniser that puts them into a graph.
//!
//! [`fuse`] works on the ONNX graph before tract parses it, where the pattern is exactly what
//! [`quantize`](crate::quantize) wrote. Its nodes carry everything they need in attributes; [`parse`] is tract's parser,
//! which knows them then.

mod activated;
mod attention;
mod attributes;
mod both_forms;
mod elementwise;
mod embedding;
mod emit;
mod first_token;
mod float_attention;
mod fuse;
mod fused_op;
mod in_file;
mod linear;
mod nodes;
mod pattern;
mod ranks;
mod recognise;
mod residual;
mod results;
mod sum_norm;
#[cfg(target_arch = "wasm32")]
mod tract_product;

pub(crate) use emit::PREFIX as FUSED_PREFIX;
pub use first_token::keep_first_token;
pub use fuse::{FUSED_INPUTS, Fused, fuse};
pub use in_file::in_file_tensors_to_nodes;
#[cfg(target_arch = "wasm32")]
pub use tract_product::{TRACT_PRODUCT, register_tract_product};

use crate::model_file::ModelFile;
use std::rc::Rc;
use tract_onnx::Onnx;
use tract_onnx::model::ParseResult;
use tract_onnx::pb::ModelProto;
use tract_onnx::tract_hir::internal::*;

/// Parses `model`, whose large tensors may be in `file`, with tract's ONNX parser, which is told of the fused operators.
///
/// # Errors
/// tract's, if it does not understand the graph.
pub fn parse(model: &ModelProto, file: Option<Rc<ModelFile>>) -> TractResult<ParseResult> {
    in_file::with_file(file, || onnx().parse(model, None))
}

/// tract's ONNX parser with the fused operators registered.
fn onnx() -> Onnx {
    #[cfg(target_arch = "wasm32")]
    tract_product::register_tract_product();
    // Shapes that a writer noted inside the graph name batch and sequence in its own symbols, which clash with ours.
    let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
    let register = &mut onnx.op_register;
    register.insert(activated::OP, activated::parse);
    register.insert(attention::OP, attention::parse);
    register.insert(elementwise::ACTIVATION, elementwise::parse);
    register.insert(elementwise::QUANTIZE, elementwise::parse);
    register.insert(embedding::OP, embedding::parse);
    register.insert(float_attention::OP, float_attention::parse);
    register.insert(residual::OP, residual::parse);
    register.insert(linear::OP, linear::parse);
    register.insert(in_file::OP, in_file::parse);
    register.insert(sum_norm::OP, sum_norm::parse);
    onnx
}
