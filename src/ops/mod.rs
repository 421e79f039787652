//! Fused operators for tract, and the recogniser that puts them into a graph.
//!
//! [`fuse`] works on the ONNX graph before tract parses it, where the pattern is exactly what
//! [`quantize`](crate::quantize) wrote. Its nodes carry everything they need in attributes; [`onnx`] is a tract parser that
//! knows them.

mod attention;
mod fuse;
mod linear;
mod norm;
mod pattern;
mod quantize;
mod row_op;

pub use fuse::{Fused, fuse};

use tract_onnx::Onnx;

/// tract's ONNX parser with the fused operators registered.
pub fn onnx() -> Onnx {
    // Shapes that a writer noted inside the graph name batch and sequence in its own symbols, which clash with ours.
    let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
    let register = &mut onnx.op_register;
    register.insert(attention::OP, attention::parse);
    register.insert(linear::OP, linear::parse);
    register.insert(norm::OP, norm::parse);
    register.insert(quantize::OP, quantize::parse);
    onnx
}
