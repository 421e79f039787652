//! A model file while it comes in.

use super::ModelFile;
use super::kept::{Kept, Piece};
use crate::kernels::{GROUP, PANEL, PackedWeights, Packer};
use crate::onnx::{Arriving, Source, WeightsAt};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// A model file of which more and more comes in. The weights of integer products are packed as soon as they are there, and
/// their bytes are not kept; what else there is is kept where it comes from.
#[derive(Debug)]
pub struct Incoming<P> {
    kept: Kept<P>,
    arriving: Arriving,
    /// The weights whose first bytes are in `buffer`.
    begun: Option<WeightsAt>,
    buffer: Vec<u8>,
    packed: HashMap<WeightsAt, Arc<PackedWeights>>,
}

impl<P: Piece + 'static> Default for Incoming<P> {
    /// A file of which nothing is there.
    fn default() -> Self {
        let (kept, arriving) = (Kept::new(), Arriving::new([GROUP, PANEL]));
        Incoming { kept, arriving, begun: None, buffer: Vec::new(), packed: HashMap::new() }
    }
}

impl<P: Piece + 'static> Incoming<P> {
    /// Takes the bytes that follow, and copies what it keeps: `piece` is the caller's again.
    pub fn push(&mut self, piece: &P) {
        self.take(piece, P::copy);
    }

    /// Takes the bytes that follow, which stay as they are: they need not be copied.
    pub fn keep(&mut self, piece: &P) {
        self.take(piece, P::view);
    }

    fn take(&mut self, piece: &P, kept_as: fn(&P, Range<usize>) -> P) {
        let start = self.kept.size();
        while self.kept.size() - start < piece.size() {
            let at = self.kept.size() - start;
            match self.begun.take() {
                Some(weights) => self.gather(weights, piece, at),
                None => self.look_for_weights(piece, at, kept_as),
            }
        }
    }

    /// Takes from `piece`, from `at` on, what is missing of `weights`, and packs them when they are there.
    fn gather(&mut self, weights: WeightsAt, piece: &P, at: usize) {
        let missing = weights.bytes.len() - self.buffer.len();
        let count = missing.min(piece.size() - at);
        let old = self.buffer.len();
        self.buffer.resize(old + count, 0);
        piece.read(at, &mut self.buffer[old..]);
        self.kept.skip(count);
        if count < missing {
            self.begun = Some(weights);
            return;
        }
        let [k, n] = weights.shape;
        let mut packing = Packer::new(k, n);
        packing.push(&self.buffer);
        self.packed.insert(weights, packing.finish().into());
        self.buffer.clear();
    }

    /// Keeps what is in `piece`, from `at` on, before the next weights.
    fn look_for_weights(&mut self, piece: &P, at: usize, kept_as: fn(&P, Range<usize>) -> P) {
        let before = self.kept.size();
        self.kept.push(piece.view(at..piece.size()));
        // What says where weights begin ends in this piece.
        let found = self.arriving.next(&self.kept).filter(|weights| weights.bytes.start > before);
        let end = found.as_ref().map_or(self.kept.size(), |weights| weights.bytes.start);
        self.kept.replace_last(kept_as(piece, at..at + end - before));
        self.begun = found;
    }

    /// The file, all of which has come in.
    pub fn finish(self) -> ModelFile {
        ModelFile { source: Box::new(self.kept), packed: RefCell::new(self.packed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{GraphBuilder, Stored, decode_skeleton, encode_model, pb};
    use pb::tensor_proto::DataType;

    const SHAPE: [usize; 2] = [304, 256];

    fn values(seed: usize) -> Vec<i8> {
        (0..SHAPE[0] * SHAPE[1]).map(|i| ((i * 37 + i / 256 + seed) % 255) as i8).collect()
    }

    /// Two products, between whose weights are a table and a small tensor.
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

    fn incoming(bytes: &[u8], step: usize) -> Incoming<Vec<u8>> {
        let mut incoming = Incoming::default();
        // The first is kept, as those that waited are.
        for (at, piece) in bytes.chunks(step).map(<[u8]>::to_vec).enumerate() {
            if at == 0 { incoming.keep(&piece) } else { incoming.push(&piece) }
        }
        incoming
    }

    #[test]
    fn weights_are_packed_as_they_come_in_and_the_rest_is_kept() {
        let bytes = encode_model(&model());
        for step in [1, 7, 4096, 70_000, bytes.len()] {
            let incoming = incoming(&bytes, step);
            assert_eq!(incoming.packed.len(), 2, "in pieces of {step}");
            let file = incoming.finish();
            assert_eq!(file.size(), bytes.len());
            let skeleton = decode_skeleton(file.source(), "test.onnx").unwrap();
            assert_eq!(skeleton, decode_skeleton(&bytes, "test.onnx").unwrap());
            for (name, seed) in [("first", 0), ("table", 1), ("second", 2)] {
                let tensor = skeleton.graph.iter().flat_map(|g| &g.initializer).find(|t| t.name == name).unwrap();
                let Stored(range) = Stored::of(tensor).unwrap();
                let mut read = vec![0; range.len()];
                file.read(range.start, &mut read).unwrap();
                assert_eq!(read, bytes[range.clone()], "{name}");
                let packed = file.weights(range, SHAPE).unwrap();
                assert_eq!(*packed, PackedWeights::new(&values(seed), SHAPE[0], SHAPE[1]), "{name}");
            }
        }
    }

    #[test]
    fn weights_that_would_be_filled_up_are_kept() {
        // Packed, a single column takes the place of eight.
        for shape in [[304 * 256, 1], [1, 304 * 256], [300, 256], [304, 250]] {
            let mut model = model();
            let tensor = &mut model.graph.as_mut().unwrap().initializer[0];
            tensor.dims = shape.map(|size| size as i64).to_vec();
            tensor.raw_data.resize(shape[0] * shape[1], 0);
            assert_eq!(incoming(&encode_model(&model), 4096).packed.len(), 1, "{shape:?}");
        }
    }

    #[test]
    fn what_no_model_has_ends_the_search() {
        let packed = |edit: &dyn Fn(&mut pb::GraphProto)| {
            let mut model = model();
            edit(model.graph.as_mut().unwrap());
            incoming(&encode_model(&model), 1 << 20).packed.len()
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
    fn weights_before_their_products_are_kept() {
        let mut parts = model();
        let graph = parts.graph.as_mut().unwrap();
        let node = std::mem::take(&mut graph.node);
        let nodes = pb::ModelProto { graph: Some(pb::GraphProto { node, ..Default::default() }), ..Default::default() };
        let bytes = [encode_model(&parts), encode_model(&nodes)].concat();
        let incoming = incoming(&bytes, 5000);
        assert!(incoming.packed.is_empty());
        let file = incoming.finish();
        let skeleton = decode_skeleton(file.source(), "test.onnx").unwrap();
        assert_eq!(skeleton, decode_skeleton(&bytes, "test.onnx").unwrap());
    }

    #[test]
    fn whatever_is_cut_off_or_damaged_reads_as_it_does_from_memory() {
        let bytes = encode_model(&model());
        let check = |bytes: &[u8]| {
            let file = incoming(bytes, 50_000).finish();
            let plain = decode_skeleton(&bytes.to_vec(), "test.onnx");
            let skeleton = decode_skeleton(file.source(), "test.onnx").map_err(|e| e.to_string());
            assert_eq!(skeleton, plain.map_err(|e| e.to_string()));
            for Stored(range) in
                skeleton.iter().flat_map(|m| &m.graph).flat_map(|g| &g.initializer).filter_map(Stored::of)
            {
                let mut read = vec![0; range.len()];
                file.read(range.start, &mut read).unwrap();
                assert_eq!(read, bytes[range]);
            }
        };
        (0..bytes.len()).step_by(1237).for_each(|len| check(&bytes[..len]));
        // Where the messages' keys and lengths are.
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
