//! Reading an ONNX file without holding all of it in memory.
//!
//! An ONNX file is one protobuf message, and nearly all of it is the raw data of a few large initializers. A
//! [`ByteSource`] is any place that has the bytes. Over it stand two readers of the protobuf fields (`wire`):
//!
//! - [`decode_skeleton`] decodes a complete file, but leaves the raw data of large initializers in the file. Such a
//!   tensor only records where its bytes are ([`InFile`]), and they are read when the graph is parsed.
//! - [`WeightFinder`] follows a file that is still arriving, and reports the INT8 weights of MatMulInteger nodes before
//!   their bytes are there, so that they can be packed on the way.

mod byte_source;
mod in_file;
mod skeleton;
mod weight_finder;
mod wire;

pub use byte_source::ByteSource;
pub use in_file::{InFile, raw_tensor_shape};
pub use skeleton::decode_skeleton;
pub use weight_finder::{WeightFinder, WeightsAt};
