//! Tensors whose bytes stayed in the model's source.

use crate::error::Result;
use crate::onnx::pb;
use crate::onnx::tensor::{checked_len, element_size, is_external, length_error};
use std::ops::Range;

const OFFSET: &str = "offset";
const LENGTH: &str = "length";

/// Where in the source a tensor's bytes are, of which there are as many as its shape and type need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored(pub Range<usize>);

impl Stored {
    /// `tensor`'s bytes at `raw`; `None` if they must be decoded to be of use. `file` is named in errors.
    pub(super) fn new(tensor: &pb::TensorProto, raw: Range<usize>, file: &str) -> Result<Option<Self>> {
        let Some(size) = element_size(tensor.data_type) else { return Ok(None) };
        let len = checked_len(tensor, file)?.1;
        match len.checked_mul(size) == Some(raw.len()) {
            true => Ok(Some(Stored(raw))),
            false => Err(length_error(tensor, file, len)),
        }
    }

    /// Where `tensor`'s bytes are, if [`decode_skeleton`](crate::onnx::decode_skeleton) left them in the source.
    pub fn of(tensor: &pb::TensorProto) -> Option<Self> {
        let value = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        if !is_external(tensor) || value("location").is_some() {
            return None;
        }
        let (offset, length): (usize, usize) = (value(OFFSET)?.parse().ok()?, value(LENGTH)?.parse().ok()?);
        Some(Stored(offset..offset.checked_add(length)?))
    }

    /// Notes in `tensor` where its bytes are.
    pub(super) fn note(&self, tensor: &mut pb::TensorProto) {
        let entry =
            |key: &str, value: usize| pb::StringStringEntryProto { key: key.to_owned(), value: value.to_string() };
        tensor.data_location = Some(pb::tensor_proto::DataLocation::External as i32);
        tensor.external_data = vec![entry(OFFSET, self.0.start), entry(LENGTH, self.0.len())];
    }
}

/// The shape of an initializer whose raw data, in its message or in the model's source, is as long as that shape and its
/// element type need; `None` for a damaged one, and for element types that must be decoded to be of use.
pub fn raw_tensor_shape(tensor: &pb::TensorProto) -> Option<Vec<usize>> {
    let (shape, len) = checked_len(tensor, "").ok()?;
    let bytes = Stored::of(tensor).map_or(tensor.raw_data.len(), |stored| stored.0.len());
    (element_size(tensor.data_type)?.checked_mul(len) == Some(bytes)).then_some(shape)
}
