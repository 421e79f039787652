//! ONNX protobufs: building graphs, looking things up in them, and decoding tensors. Knows nothing of BERT.

mod builder;
mod external;
mod file;
mod index;
mod stream;
mod tensor;

pub use builder::{Attribute, Dim, GraphBuilder};
pub use external::{external_files, load_external, refuse_external};
pub use file::{decode_model, encode_model, encoded_len, metadata};
pub use index::{GraphIndex, attribute, attribute_float, attribute_int, node_error, transposes};
pub use stream::{Arriving, Source, Stored, WeightsAt, decode_skeleton, raw_tensor_shape};
pub use tensor::{element_type_name, tensor_bytes_i8, tensor_f32, tensor_i64};
pub use tract_onnx::pb;
