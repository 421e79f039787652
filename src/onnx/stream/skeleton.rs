//! Decodes a model without its large tensors, whose bytes stay in the file.

use super::byte_source::ByteSource;
use super::in_file::InFile;
use super::wire::{Field, Fields};
use crate::error::{Error, Result};
use crate::onnx::file::{check_graph, check_start, decode_error};
use crate::onnx::pb;
use crate::onnx::tensor::{external_data_error, is_external};
use prost::Message;
use std::ops::Range;

/// Tensors of more bytes stay in the file. No vector of a BERT is that large.
pub(super) const LARGE: usize = 64 << 10;

// The numbers of the protobuf fields that lead to a tensor's bytes.
pub(super) const MODEL_GRAPH: u32 = 7;
pub(super) const GRAPH_NODE: u32 = 1;
pub(super) const GRAPH_INITIALIZER: u32 = 5;
pub(super) const TENSOR_RAW_DATA: u32 = 9;

/// Decodes the ONNX model in `source`, and leaves the raw data of large initializers there. Such a tensor records where
/// its bytes are; [`InFile::of`] reads that. `file_name` is for errors.
///
/// # Errors
/// If the file is damaged or keeps tensors in other files.
pub fn decode_skeleton(source: &dyn ByteSource, file_name: &str) -> Result<pb::ModelProto> {
    Skeleton { source, file_name, large: LARGE }.model()
}

struct Skeleton<'a> {
    source: &'a dyn ByteSource,
    file_name: &'a str,
    /// Tensors of more bytes stay in the file.
    large: usize,
}

impl Skeleton<'_> {
    fn model(&self) -> Result<pb::ModelProto> {
        let mut start = vec![0; self.source.size().min(64)];
        self.source.read(0, &mut start).map_err(|e| self.damaged(e))?;
        check_start(&start, self.file_name)?;
        let (mut rest, mut graph_rest, mut initializers) = (Vec::new(), Vec::new(), Vec::new());
        let mut has_graph = false;
        self.each_field(0..self.source.size(), &mut rest, |field| {
            let graph = field.tag == MODEL_GRAPH && field.delimited;
            if graph {
                has_graph = true;
                self.graph(field.value.clone(), &mut graph_rest, &mut initializers)?;
            }
            Ok(graph)
        })?;
        let mut model = self.decode::<pb::ModelProto>(&rest)?;
        if has_graph {
            let graph = model.graph.insert(self.decode(&graph_rest)?);
            graph.initializer = initializers;
        }
        check_graph(&model, self.file_name)?;
        let constants = model.graph.iter().flat_map(|graph| &graph.node).flat_map(|node| &node.attribute);
        match constants.filter_map(|attribute| attribute.t.as_ref()).find(|tensor| is_external(tensor)) {
            Some(tensor) => Err(external_data_error(tensor, self.file_name)),
            None => Ok(model),
        }
    }

    fn graph(&self, at: Range<usize>, rest: &mut Vec<u8>, initializers: &mut Vec<pb::TensorProto>) -> Result<()> {
        self.each_field(at, rest, |field| {
            let initializer = field.tag == GRAPH_INITIALIZER && field.delimited;
            if initializer {
                initializers.push(self.tensor(field.value.clone())?);
            }
            Ok(initializer)
        })
    }

    fn tensor(&self, at: Range<usize>) -> Result<pb::TensorProto> {
        let (mut rest, mut raw) = (Vec::new(), None);
        let found = self.each_field(at, &mut rest, |field| {
            if field.tag == TENSOR_RAW_DATA && field.delimited {
                raw = Some(field.value.clone());
            }
            Ok(field.tag == TENSOR_RAW_DATA && field.delimited)
        });
        // The name may stand before the damage.
        let mut tensor: pb::TensorProto = self.decode(&rest)?;
        if let (Err(error), false) = (&found, tensor.name.is_empty()) {
            return Err(Error::tensor(self.file_name, &tensor.name, format!("cannot be read: {error}")));
        }
        found?;
        if is_external(&tensor) {
            return Err(external_data_error(&tensor, self.file_name));
        }
        let Some(raw) = raw else { return Ok(tensor) };
        let large = raw.len() > self.large;
        match large.then(|| InFile::new(&tensor, raw.clone(), self.file_name)).transpose()?.flatten() {
            Some(in_file) => in_file.record(&mut tensor),
            None => {
                tensor.raw_data = vec![0; raw.len()];
                self.source.read(raw.start, &mut tensor.raw_data).map_err(|e| self.damaged(e))?;
            }
        }
        Ok(tensor)
    }

    /// Calls `take` with every field of the message `at`, and appends the fields that it does not take to `rest`.
    fn each_field(
        &self,
        at: Range<usize>,
        rest: &mut Vec<u8>,
        mut take: impl FnMut(&Field) -> Result<bool>,
    ) -> Result<()> {
        let mut fields = Fields::new(self.source, at);
        while let Some(field) = fields.next().map_err(|e| self.damaged(e))? {
            if !take(&field)? {
                fields.copy(field.whole, rest).map_err(|e| self.damaged(e))?;
            }
        }
        Ok(())
    }

    fn decode<M: Message + Default>(&self, bytes: &[u8]) -> Result<M> {
        M::decode(bytes).map_err(|e| self.damaged(e))
    }

    fn damaged(&self, reason: impl std::fmt::Display) -> Error {
        decode_error(self.source.size(), self.file_name, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Attribute, GraphBuilder, decode_model, encode_model};
    use pb::tensor_proto::DataType;

    const SMALL: usize = 8;

    fn model() -> pb::ModelProto {
        let mut g = GraphBuilder::new("test");
        g.input("x", DataType::Float, &[]);
        let table = g.i8s("table", &[4, 5], &(0..20).collect::<Vec<i8>>());
        g.f32s("vector", &[2], &[1.0, 2.0]);
        g.f32s("matrix", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        g.initializer("bools", DataType::Bool, &[9], vec![1; 9]);
        let picked = g.node("Gather", "picked", &[&table, "x"], &[("axis", Attribute::Int(0))]);
        g.output(&picked, DataType::Int8, &[]);
        let mut model = g.finish(&[("key", "value".to_owned())]);
        model.graph.as_mut().unwrap().initializer.push(pb::TensorProto {
            name: "typed".to_owned(),
            data_type: DataType::Float as i32,
            dims: vec![6],
            float_data: vec![0.5; 6],
            ..Default::default()
        });
        model
    }

    fn skeleton(bytes: Vec<u8>) -> Result<pb::ModelProto> {
        Skeleton { source: &bytes, file_name: "test.onnx", large: SMALL }.model()
    }

    /// The model with its bytes read back from `source`, and how many tensors that were.
    fn filled(mut model: pb::ModelProto, source: &[u8]) -> (pb::ModelProto, usize) {
        let mut in_file = 0;
        for tensor in &mut model.graph.as_mut().unwrap().initializer {
            if let Some(InFile(range)) = InFile::of(tensor) {
                in_file += 1;
                tensor.raw_data = source[range].to_vec();
                tensor.data_location = None;
                tensor.external_data.clear();
            }
        }
        (model, in_file)
    }

    #[test]
    fn a_skeleton_with_its_bytes_equals_a_plain_decode() {
        let bytes = encode_model(&model());
        let (filled, in_file) = filled(skeleton(bytes.clone()).unwrap(), &bytes);
        assert_eq!(in_file, 2, "the table and the matrix; bools must be decoded");
        assert_eq!(filled, decode_model(&bytes, "").unwrap());
    }

    #[test]
    fn graphs_in_two_parts_are_merged() {
        let mut whole = model();
        let mut graph = whole.graph.take().unwrap();
        let initializer = std::mem::take(&mut graph.initializer);
        let part = |graph| encode_model(&pb::ModelProto { graph: Some(graph), ..Default::default() });
        let parts = [encode_model(&whole), part(pb::GraphProto { initializer, ..Default::default() }), part(graph)];
        let bytes = parts.concat();
        assert_eq!(filled(skeleton(bytes.clone()).unwrap(), &bytes).0, decode_model(&bytes, "").unwrap());
    }

    #[test]
    fn truncated_and_damaged_files_are_errors() {
        let bytes = encode_model(&model());
        let check = |bytes: Vec<u8>| {
            let plain = decode_model(&bytes, "test.onnx").is_ok();
            match skeleton(bytes) {
                Ok(_) => assert!(plain),
                Err(error) => assert!(error.to_string().contains("test.onnx"), "{error}"),
            }
        };
        (0..bytes.len()).for_each(|len| check(bytes[..len].to_vec()));
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                check(damaged);
            }
        }
    }

    #[test]
    fn damaged_tensors_are_named() {
        let damage = |edit: &dyn Fn(&mut pb::TensorProto)| {
            let mut model = model();
            edit(&mut model.graph.as_mut().unwrap().initializer[0]);
            skeleton(encode_model(&model)).unwrap_err().to_string()
        };
        let external = pb::tensor_proto::DataLocation::External as i32;
        let errors = [
            damage(&|tensor| tensor.dims = vec![4, 6]),
            damage(&|tensor| tensor.dims = vec![i64::MAX, 2]),
            damage(&|tensor| tensor.dims = vec![-4, -5]),
            damage(&|tensor| _ = tensor.raw_data.pop()),
            damage(&|tensor| tensor.data_location = Some(external)),
        ];
        for error in errors {
            assert!(error.starts_with("test.onnx: tensor `table` "), "{error}");
        }
    }
}
