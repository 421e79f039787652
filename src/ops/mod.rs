//! Fused operators for tract, and the recogniser that puts them into a graph.
//!
//! The INT8 file that [`quantize`](crate::quantize) writes consists of standard ONNX operators, more than 50 for each
//! encoder layer. [`fuse`] works on that graph before tract parses it:
//!
//! 1. `recognise` walks from the pooled row of each sequence back to the embeddings and finds the parts of each layer: linear
//!    layers, attention, activations and LayerNorms, in integers or in FP32. A graph that does not match stays as it is.
//! 2. `emit` writes these parts as fused operators over sequences that are laid end to end. The nodes carry weights,
//!    scales and biases as attributes. The linear layers of the head become [`Dense`](crate::kernels::Dense) operators, whose
//!    results are the same bits everywhere, unlike tract's.
//! 3. [`parse`] is tract's parser with these operators registered.
//!
//! Each operator has a file: its name, the node's writer (`node`) and reader (`read`), and how it runs (`FusedOp`),
//! which calls one of the [`kernels`](crate::kernels). `attributes` has the parts that several nodes share.
//!
//! Two rewrites also serve graphs that are not fused: [`keep_first_token`] and [`in_file_tensors_to_nodes`].

mod activated;
mod activation;
mod attention;
mod attributes;
mod both_forms;
mod dense;
mod embedding;
mod emit;
mod first_token;
mod float_attention;
mod float_linear;
mod fuse;
mod fused_op;
mod in_file;
mod linear;
mod mean;
mod quantize;
mod ranks;
mod recognise;
mod residual;
mod results;
#[cfg(test)]
mod samples;
mod sum_norm;
#[cfg(target_arch = "wasm32")]
mod tract_product;

pub use first_token::keep_first_token;
pub use fuse::{Fused, fuse};
pub use fused_op::FUSED_INPUTS;
pub(crate) use fused_op::PREFIX as FUSED_PREFIX;
pub use in_file::in_file_tensors_to_nodes;
#[cfg(target_arch = "wasm32")]
pub use tract_product::{TRACT_PRODUCT, register_tract_product};

use crate::model_file::ModelFile;
use fused_op::parsed;
use std::rc::Rc;
use tract_onnx::Onnx;
use tract_onnx::model::ParseResult;
use tract_onnx::pb::ModelProto;
use tract_onnx::tract_hir::internal::*;

/// Parses `model` with tract's ONNX parser, which knows the fused operators here. Large tensors may be in `file`.
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
    // Exporters note shapes inside the graph with symbols of their own, which clash with ours.
    let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
    let register = &mut onnx.op_register;
    register.insert(activated::OP, |_, node| parsed(activated::read(node)?));
    register.insert(activation::OP, |_, node| parsed(activation::read(node)?));
    register.insert(attention::OP, |_, node| parsed(attention::read(node)?));
    register.insert(dense::OP, |_, node| parsed(dense::read(node)?));
    register.insert(embedding::OP, |_, node| parsed(embedding::read(node)?));
    register.insert(float_attention::OP, |_, node| parsed(float_attention::read(node)?));
    register.insert(float_linear::OP, |_, node| parsed(float_linear::read(node)?));
    register.insert(linear::OP, |_, node| parsed(linear::read(node)?));
    register.insert(mean::OP, |_, node| parsed(mean::read(node)?));
    register.insert(quantize::OP, |_, node| parsed(quantize::read(node)?));
    register.insert(residual::OP, |_, node| parsed(residual::read(node)?));
    register.insert(sum_norm::OP, |_, node| parsed(sum_norm::read(node)?));
    register.insert(in_file::OP, in_file::parse);
    onnx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_has_the_prefix_that_files_must_not_use() {
        let ops = [activated::OP, activation::OP, attention::OP, dense::OP, embedding::OP, float_attention::OP];
        let more = [linear::OP, mean::OP, quantize::OP, residual::OP, sum_norm::OP, in_file::OP];
        assert!(ops.iter().chain(&more).all(|op| op.starts_with(FUSED_PREFIX)));
    }
}
