//! Decodes ONNX files and encodes them.

use super::{limits, pb};
use crate::error::{Error, Result};
use prost::Message;
use std::fmt::Display;

/// Decodes the bytes of an ONNX file. `file_name` is for errors.
///
/// # Errors
/// If the bytes are no ONNX model, it has no graph with nodes and outputs, the nodes are not in order, a tensor does not have the
/// values of its shape, or something is larger than in any BERT.
pub fn decode_model(bytes: &[u8], file_name: &str) -> Result<pb::ModelProto> {
    check_start(&bytes[..bytes.len().min(64)], file_name)?;
    let model = pb::ModelProto::decode(bytes).map_err(|e| decode_error(bytes.len(), file_name, e))?;
    check_graph(&model, file_name)?;
    Ok(model)
}

/// Refuses a file whose first bytes, `start`, show that it is something else than an ONNX model.
pub(super) fn check_start(start: &[u8], file_name: &str) -> Result<()> {
    if start.is_empty() {
        return Err(Error::file(file_name, "is empty; expected an ONNX model"));
    }
    let start = start.trim_ascii_start();
    if start.starts_with(b"<") || start.starts_with(b"version https://git-lfs") {
        return Err(Error::file(
            file_name,
            "is text, not an ONNX model; a web page or a Git LFS pointer may have been saved in its place",
        ));
    }
    Ok(())
}

/// The error for a file of `len` bytes that does not decode.
pub(super) fn decode_error(len: usize, file_name: &str, reason: impl Display) -> Error {
    Error::file(file_name, format!("is not an ONNX model, or is cut off after {len} bytes ({reason})"))
}

/// Refuses a model without a graph to run, or beyond the limits of any BERT.
pub(super) fn check_graph(model: &pb::ModelProto, file_name: &str) -> Result<()> {
    match &model.graph {
        Some(graph) if !graph.node.is_empty() && !graph.output.is_empty() => limits::check(model, file_name),
        _ => Err(Error::file(file_name, "holds no ONNX graph with nodes and outputs; is it an ONNX model?")),
    }
}

/// Encodes a model as an ONNX file.
pub fn encode_model(model: &pb::ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The number of bytes that [`encode_model`] returns.
pub fn encoded_len(model: &pb::ModelProto) -> usize {
    model.encoded_len()
}

/// The value of the metadata property `key`, if any.
pub fn metadata<'a>(model: &'a pb::ModelProto, key: &str) -> Option<&'a str> {
    model.metadata_props.iter().find(|p| p.key == key).map(|p| p.value.as_str())
}
