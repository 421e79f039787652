//! ONNX protobufs: reading and writing files, building graphs, and finding things in them. Knows nothing of BERT.
//!
//! Everything works on the protobuf structs that tract's parser takes ([`pb`]). A graph's values are strings that nodes
//! read and make. [`GraphBuilder`] writes a graph node by node. [`GraphIndex`] finds the node or the constant behind a
//! value, and `pattern` matches groups of nodes backwards from a value. [`decode_model`] reads a whole file at once;
//! [`decode_skeleton`] leaves the large tensors in it. [`load_external`] reads tensors that a model keeps in other
//! files.

mod builder;
mod external;
mod file;
mod index;
mod limits;
pub mod pattern;
mod stream;
mod tensor;

pub use builder::{Attribute, Dim, GraphBuilder};
pub use external::{external_files, load_external, refuse_external};
pub use file::{decode_model, encode_model, encoded_len, metadata};
pub(crate) use index::node_label;
pub use index::{GraphIndex, attribute, attribute_float, attribute_int, is_permutation, node_error};
pub(crate) use limits::RANK;
pub use stream::{ByteSource, InFile, WeightFinder, WeightsAt, decode_skeleton, raw_tensor_shape};
pub use tensor::{element_type_name, tensor_bytes_i8, tensor_f32, tensor_i32, tensor_i64};
pub use tract_onnx::pb;
