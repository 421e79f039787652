//! Finds weights in a model file while it arrives.

use super::byte_source::ByteSource;
use super::skeleton::{GRAPH_INITIALIZER, GRAPH_NODE, LARGE, MODEL_GRAPH, TENSOR_RAW_DATA};
use super::wire::{Field, HEADER};
use crate::onnx::pb;
use pb::tensor_proto::DataType;
use prost::Message;
use std::collections::HashSet;
use std::ops::Range;

/// The largest weights to report, in bytes. No BERT has larger ones. The limit keeps a damaged length from making
/// anyone wait for bytes, or allocate memory for them.
const MOST: usize = 64 << 20;

/// The number of protobuf fields to read at most, ten times as many as the largest BERT has.
const FIELDS: usize = 1 << 18;

/// The INT8 weights of an integer product in a model file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WeightsAt {
    /// The byte range of the values in the file.
    pub bytes: Range<usize>,
    /// `[K, N]`; one byte per value, row-major.
    pub shape: [usize; 2],
}

/// Walks the fields of a model file as far as it has arrived, and finds the large weights of MatMulInteger nodes.
///
/// The nodes must stand before the initializers. In a file of another order, or a damaged one, it finds fewer weights
/// or none.
#[derive(Debug)]
pub struct WeightFinder {
    /// Rows and columns must be multiples of these.
    multiples: [usize; 2],
    /// How many more fields to read.
    fields: usize,
    /// Where the next field begins; `None` once something is not ONNX.
    at: Option<usize>,
    /// Where the enclosing messages end, outermost first.
    ends: Vec<usize>,
    /// The second inputs of all products so far.
    operands: HashSet<String>,
    /// The fields of the current tensor that stand before its values.
    tensor: Vec<u8>,
}

impl WeightFinder {
    /// A finder at the start of a file. It reports weights whose rows and columns are multiples of `multiples`.
    pub fn new(multiples: [usize; 2]) -> Self {
        WeightFinder {
            multiples,
            fields: FIELDS,
            at: Some(0),
            ends: Vec::new(),
            operands: HashSet::new(),
            tensor: Vec::new(),
        }
    }

    /// The next weights that begin in `source`, or `None` if more of the file must arrive first. `source` holds the
    /// file so far; the values of reported weights may be missing.
    pub fn next(&mut self, source: &dyn ByteSource) -> Option<WeightsAt> {
        loop {
            let at = self.at?;
            while self.ends.pop_if(|end| *end <= at).is_some() {}
            let end = self.ends.last().copied().unwrap_or(usize::MAX);
            let mut header = [0; HEADER];
            let header = &mut header[..HEADER.min(end - at)];
            let available = source.read_some(at, header);
            let field = match Field::decode(&header[..available], at, end) {
                Ok(field) => field,
                Err(_) => {
                    self.at = (available < header.len()).then_some(at);
                    return None;
                }
            };
            self.at = Some(field.whole.end);
            self.fields = self.fields.checked_sub(1)?;
            match (self.ends.len(), field.tag) {
                (0, MODEL_GRAPH) | (1, GRAPH_INITIALIZER) if field.delimited => {
                    self.tensor.clear();
                    self.ends.push(field.whole.end);
                    self.at = Some(field.value.start);
                }
                // The node of a product is small.
                (1, GRAPH_NODE) if field.value.len() < LARGE => {
                    let node = self.read(source, field.whole.start, field.value)?;
                    self.operands.extend(weights_of(&node));
                }
                (2, TENSOR_RAW_DATA) if field.delimited && (LARGE + 1..=MOST).contains(&field.value.len()) => {
                    let found = self.weights(&field.value);
                    if found.is_some() {
                        return found;
                    }
                }
                (2, _) if self.tensor.len() + field.whole.len() < LARGE => {
                    let bytes = self.read(source, field.whole.start, field.whole)?;
                    self.tensor.extend(bytes);
                }
                _ => {}
            }
        }
    }

    /// The bytes at `range`. Returns `None` if they are incomplete, and steps back to the field at `start`.
    fn read(&mut self, source: &dyn ByteSource, start: usize, range: Range<usize>) -> Option<Vec<u8>> {
        let mut bytes = vec![0; range.len()];
        if source.read(range.start, &mut bytes).is_err() {
            self.at = Some(start);
            return None;
        }
        Some(bytes)
    }

    /// The current tensor, whose values are at `bytes`, if a product multiplies with it.
    fn weights(&self, bytes: &Range<usize>) -> Option<WeightsAt> {
        let tensor = pb::TensorProto::decode(&*self.tensor).ok()?;
        let [rows, columns] = tensor.dims[..] else { return None };
        let shape = [usize::try_from(rows).ok()?, usize::try_from(columns).ok()?];
        let fits = shape[0].checked_mul(shape[1]) == Some(bytes.len())
            && shape.iter().zip(self.multiples).all(|(size, multiple)| size.is_multiple_of(multiple));
        (fits && tensor.data_type == DataType::Int8 as i32 && self.operands.contains(&tensor.name))
            .then(|| WeightsAt { bytes: bytes.clone(), shape })
    }
}

/// The name of the weights, if the encoded `node` is a MatMulInteger.
fn weights_of(node: &[u8]) -> Option<String> {
    let node = pb::NodeProto::decode(node).ok().filter(|node| node.op_type == "MatMulInteger")?;
    node.input.into_iter().nth(1)
}
