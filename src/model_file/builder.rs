//! Builds a [`ModelFile`] from the chunks of a download.

use super::ModelFile;
use super::sparse_file::{Chunk, SparseFile};
use crate::kernels::{GROUP, PANEL, PackedWeights, Packer};
use crate::onnx::{ByteSource, WeightFinder, WeightsAt};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Takes a model file chunk by chunk.
///
/// Packs the weights of integer products as soon as their bytes are complete, and drops those bytes. All other bytes
/// stay in the chunks.
#[derive(Debug)]
pub struct ModelFileBuilder<P> {
    file: SparseFile<P>,
    finder: WeightFinder,
    /// The weights whose first bytes are in `buffer`.
    begun: Option<WeightsAt>,
    buffer: Vec<u8>,
    packed: HashMap<WeightsAt, Arc<PackedWeights>>,
}

impl<P: Chunk + 'static> Default for ModelFileBuilder<P> {
    /// An empty file.
    fn default() -> Self {
        let (file, finder) = (SparseFile::new(), WeightFinder::new([GROUP, PANEL]));
        ModelFileBuilder { file, finder, begun: None, buffer: Vec::new(), packed: HashMap::new() }
    }
}

impl<P: Chunk + 'static> ModelFileBuilder<P> {
    /// Appends `chunk`, and copies the bytes that the file keeps: the caller may reuse the chunk.
    pub fn push(&mut self, chunk: &P) {
        self.append(chunk, P::copy);
    }

    /// Appends `chunk` without a copy: its bytes must not change while the file is in use.
    pub fn keep(&mut self, chunk: &P) {
        self.append(chunk, P::view);
    }

    fn append(&mut self, chunk: &P, part: fn(&P, Range<usize>) -> P) {
        let start = self.file.size();
        while self.file.size() - start < chunk.size() {
            let at = self.file.size() - start;
            match self.begun.take() {
                Some(weights) => self.gather(weights, chunk, at),
                None => self.look_for_weights(chunk, at, part),
            }
        }
    }

    /// Reads the missing bytes of `weights` from `chunk`, from `at` on, and packs the weights once they are complete.
    fn gather(&mut self, weights: WeightsAt, chunk: &P, at: usize) {
        let missing = weights.bytes.len() - self.buffer.len();
        let count = missing.min(chunk.size() - at);
        let old = self.buffer.len();
        self.buffer.resize(old + count, 0);
        chunk.read(at, &mut self.buffer[old..]);
        self.file.skip(count);
        if count < missing {
            self.begun = Some(weights);
            return;
        }
        let [k, n] = weights.shape;
        let mut packer = Packer::new(k, n);
        packer.push(&self.buffer);
        self.packed.insert(weights, packer.finish().into());
        self.buffer.clear();
    }

    /// Keeps the bytes of `chunk` from `at` up to the next weights.
    fn look_for_weights(&mut self, chunk: &P, at: usize, part: fn(&P, Range<usize>) -> P) {
        let before = self.file.size();
        self.file.push(chunk.view(at..chunk.size()));
        // Earlier chunks did not show these weights, so their header ends in this one.
        let found = self.finder.next(&self.file).filter(|weights| weights.bytes.start > before);
        let end = found.as_ref().map_or(self.file.size(), |weights| weights.bytes.start);
        self.file.replace_last(part(chunk, at..at + end - before));
        self.begun = found;
    }

    /// Returns the file, once every chunk has been appended.
    pub fn finish(self) -> ModelFile {
        ModelFile { source: Box::new(self.file), packed: RefCell::new(self.packed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{GraphBuilder, InFile, decode_skeleton, encode_model, pb};
    use pb::tensor_proto::DataType;

    const SHAPE: [usize; 2] = [304, 256];

    fn values(seed: usize) -> Vec<i8> {
        (0..SHAPE[0] * SHAPE[1]).map(|i| ((i * 37 + i / 256 + seed) % 255) as i8).collect()
    }

    /// Two products. Between their weights stand a table and a small tensor.
    fn model() -> pb::ModelProto {
        let mut g = GraphBuilder::new("test");
        g.input("x", DataType::Uint8, &[]);
        let first = g.i8s("first", &SHAPE, &values(0));
        let table = g.i8s("table", &SHAPE, &values(1));
        g.f32s("small", &[3], &[1.0, 2.0, 3.0]);
        let second = g.i8s("second", &SHAPE, &values(2));
        let zero = g.u8_scalar("zero", 0);
        g.node("Gather", "row", &[&table, "x"], &[]);
        g.node("MatMulInteger", "a", &["x", &first, &zero], &[]);
        let out = g.node("MatMulInteger", "b", &["x", &second, &zero], &[]);
        g.output(&out, DataType::Int32, &[]);
        g.finish(&[])
    }

    fn builder(bytes: &[u8], step: usize) -> ModelFileBuilder<Vec<u8>> {
        let mut builder = ModelFileBuilder::default();
        // Both ways to append must work in one file.
        for (at, chunk) in bytes.chunks(step).map(<[u8]>::to_vec).enumerate() {
            if at == 0 { builder.keep(&chunk) } else { builder.push(&chunk) }
        }
        builder
    }

    #[test]
    fn weights_are_packed_on_arrival_and_all_other_bytes_are_kept() {
        let bytes = encode_model(&model());
        for step in [1, 7, 4096, 70_000, bytes.len()] {
            let builder = builder(&bytes, step);
            assert_eq!(builder.packed.len(), 2, "in chunks of {step}");
            let file = builder.finish();
            assert_eq!(file.size(), bytes.len());
            let skeleton = decode_skeleton(file.source(), "test.onnx").unwrap();
            assert_eq!(skeleton, decode_skeleton(&bytes, "test.onnx").unwrap());
            for (name, seed) in [("first", 0), ("table", 1), ("second", 2)] {
                let tensor = skeleton.graph.iter().flat_map(|g| &g.initializer).find(|t| t.name == name).unwrap();
                let InFile(range) = InFile::of(tensor).unwrap();
                let mut read = vec![0; range.len()];
                file.read(range.start, &mut read).unwrap();
                assert_eq!(read, bytes[range.clone()], "{name}");
                let packed = file.weights(range, SHAPE).unwrap();
                assert_eq!(*packed, PackedWeights::new(&values(seed), SHAPE[0], SHAPE[1]), "{name}");
            }
        }
    }

    #[test]
    fn weights_that_packing_would_pad_are_not_packed() {
        // Packing pads a single column to eight.
        for shape in [[304 * 256, 1], [1, 304 * 256], [300, 256], [304, 250]] {
            let mut model = model();
            let tensor = &mut model.graph.as_mut().unwrap().initializer[0];
            tensor.dims = shape.map(|size| size as i64).to_vec();
            tensor.raw_data.resize(shape[0] * shape[1], 0);
            assert_eq!(builder(&encode_model(&model), 4096).packed.len(), 1, "{shape:?}");
        }
    }

    #[test]
    fn sizes_beyond_any_model_end_the_search() {
        let packed = |edit: &dyn Fn(&mut pb::GraphProto)| {
            let mut model = model();
            edit(model.graph.as_mut().unwrap());
            builder(&encode_model(&model), 1 << 20).packed.len()
        };
        let vast = |graph: &mut pb::GraphProto| {
            graph.initializer[0].dims = vec![8, (8 << 20) + 8];
            graph.initializer[0].raw_data = vec![0; 8 * ((8 << 20) + 8)];
        };
        assert_eq!(packed(&vast), 1, "a matrix of more than 64 MB");
        let long = |graph: &mut pb::GraphProto| {
            graph.node[1].input[1] = "long".repeat(20_000);
            graph.initializer[0].name = graph.node[1].input[1].clone();
        };
        assert_eq!(packed(&long), 1, "a name of 80 kB");
        let many = |graph: &mut pb::GraphProto| graph.node.extend(vec![pb::NodeProto::default(); 1 << 18]);
        assert_eq!(packed(&many), 0, "a quarter of a million nodes");
    }

    #[test]
    fn weights_before_their_products_are_not_packed() {
        let mut parts = model();
        let graph = parts.graph.as_mut().unwrap();
        let node = std::mem::take(&mut graph.node);
        let nodes = pb::ModelProto { graph: Some(pb::GraphProto { node, ..Default::default() }), ..Default::default() };
        let bytes = [encode_model(&parts), encode_model(&nodes)].concat();
        let builder = builder(&bytes, 5000);
        assert!(builder.packed.is_empty());
        let file = builder.finish();
        let skeleton = decode_skeleton(file.source(), "test.onnx").unwrap();
        assert_eq!(skeleton, decode_skeleton(&bytes, "test.onnx").unwrap());
    }

    #[test]
    fn truncated_and_damaged_files_read_as_from_memory() {
        let bytes = encode_model(&model());
        let check = |bytes: &[u8]| {
            let file = builder(bytes, 50_000).finish();
            let plain = decode_skeleton(&bytes.to_vec(), "test.onnx");
            let skeleton = decode_skeleton(file.source(), "test.onnx").map_err(|e| e.to_string());
            assert_eq!(skeleton, plain.map_err(|e| e.to_string()));
            for InFile(range) in
                skeleton.iter().flat_map(|m| &m.graph).flat_map(|g| &g.initializer).filter_map(InFile::of)
            {
                let mut read = vec![0; range.len()];
                file.read(range.start, &mut read).unwrap();
                assert_eq!(read, bytes[range]);
            }
        };
        (0..bytes.len()).step_by(1237).for_each(|len| check(&bytes[..len]));
        // The keys and lengths of the protobuf messages.
        let headers = (0..400).chain(bytes.len() - 120..bytes.len());
        for at in headers {
            for value in [0, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                check(&damaged);
            }
        }
    }
}
