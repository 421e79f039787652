//! Tensors whose bytes stayed in the model's file.

use crate::error::Result;
use crate::onnx::pb;
use crate::onnx::tensor::{checked_len, element_size, is_external, length_error};
use std::ops::Range;

const OFFSET: &str = "offset";
const LENGTH: &str = "length";

/// The byte range of a tensor's raw data in the model's file. Its length fits the tensor's shape and element type.
///
/// The tensor records it as ONNX external data with an offset and a length but no location, which no valid file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFile(pub Range<usize>);

impl InFile {
    /// The range `raw` for `tensor`, or `None` if the element type must be decoded. `file_name` is for errors.
    ///
    /// # Errors
    /// If the shape is impossible or needs another number of bytes.
    pub(super) fn new(tensor: &pb::TensorProto, raw: Range<usize>, file_name: &str) -> Result<Option<Self>> {
        let Some(size) = element_size(tensor.data_type) else { return Ok(None) };
        let len = checked_len(tensor, file_name)?.1;
        match len.checked_mul(size) == Some(raw.len()) {
            true => Ok(Some(InFile(raw))),
            false => Err(length_error(tensor, file_name, len)),
        }
    }

    /// Where `tensor`'s bytes are, or `None` unless [`decode_skeleton`](crate::onnx::decode_skeleton) left them in the
    /// file.
    pub fn of(tensor: &pb::TensorProto) -> Option<Self> {
        let value = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        if !is_external(tensor) || value("location").is_some() {
            return None;
        }
        let (offset, length): (usize, usize) = (value(OFFSET)?.parse().ok()?, value(LENGTH)?.parse().ok()?);
        Some(InFile(offset..offset.checked_add(length)?))
    }

    /// Records this range in `tensor`.
    pub(super) fn record(&self, tensor: &mut pb::TensorProto) {
        let entry =
            |key: &str, value: usize| pb::StringStringEntryProto { key: key.to_owned(), value: value.to_string() };
        tensor.data_location = Some(pb::tensor_proto::DataLocation::External as i32);
        tensor.external_data = vec![entry(OFFSET, self.0.start), entry(LENGTH, self.0.len())];
    }
}

/// The shape of an initializer with raw data, in its message or in the model's file.
///
/// Returns `None` if the data's length does not fit the shape and element type, or if the element type must be decoded.
pub fn raw_tensor_shape(tensor: &pb::TensorProto) -> Option<Vec<usize>> {
    let (shape, len) = checked_len(tensor, "").ok()?;
    let bytes = InFile::of(tensor).map_or(tensor.raw_data.len(), |in_file| in_file.0.len());
    (element_size(tensor.data_type)?.checked_mul(len) == Some(bytes)).then_some(shape)
}
