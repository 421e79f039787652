//! ONNX bytes to protobuf and back.

use super::pb;
use crate::error::{Error, Result};
use prost::Message;
use std::fmt::Display;

/// Decodes ONNX bytes; `file` is named in errors.
pub fn decode_model(bytes: &[u8], file: &str) -> Result<pb::ModelProto> {
    check_start(&bytes[..bytes.len().min(64)], file)?;
    let model = pb::ModelProto::decode(bytes).map_err(|e| decode_error(bytes.len(), file, e))?;
    check_graph(&model, file)?;
    Ok(model)
}

/// Says what a file is that its first bytes show to be something else than a model.
pub(super) fn check_start(start: &[u8], file: &str) -> Result<()> {
    if start.is_empty() {
        return Err(Error::file(file, "is empty; expected an ONNX model"));
    }
    let start = start.trim_ascii_start();
    if start.starts_with(b"<") || start.starts_with(b"version https://git-lfs") {
        return Err(Error::file(
            file,
            "is text, not an ONNX model; a web page or a Git LFS pointer may have been saved in its place",
        ));
    }
    Ok(())
}

/// That a file of `len` bytes does not decode.
pub(super) fn decode_error(len: usize, file: &str, reason: impl Display) -> Error {
    Error::file(file, format!("is not an ONNX model, or is cut off after {len} bytes ({reason})"))
}

/// Checks that there is a graph to run.
pub(super) fn check_graph(model: &pb::ModelProto, file: &str) -> Result<()> {
    match &model.graph {
        Some(graph) if !graph.node.is_empty() && !graph.output.is_empty() => Ok(()),
        _ => Err(Error::file(file, "holds no ONNX graph with nodes and outputs; is it an ONNX model?")),
    }
}

/// Encodes a model as an ONNX file.
pub fn encode_model(model: &pb::ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The bytes that [`encode_model`] would give.
pub fn encoded_len(model: &pb::ModelProto) -> usize {
    model.encoded_len()
}

/// The value of a metadata property.
pub fn metadata<'a>(model: &'a pb::ModelProto, key: &str) -> Option<&'a str> {
    model.metadata_props.iter().find(|p| p.key == key).map(|p| p.value.as_str())
}
