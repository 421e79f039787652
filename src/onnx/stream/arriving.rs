//! Finding weights in a model file while it comes in.

use super::skeleton::{GRAPH_INITIALIZER, GRAPH_NODE, LARGE, MODEL_GRAPH, TENSOR_RAW_DATA};
use super::source::Source;
use super::wire::{Field, HEADER};
use crate::onnx::pb;
use pb::tensor_proto::DataType;
use prost::Message;
use std::collections::HashSet;
use std::ops::Range;

/// Weights of more bytes are no BERT's: they are left alone, so that what a damaged file says of itself makes no one wait or ask
/// for memory.
const MOST: usize = 64 << 20;

/// Fields to look at; those of the largest BERTs are a tenth of this.
const FIELDS: usize = 1 << 18;

/// Where a source has the INT8 weights of an integer product.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WeightsAt {
    /// Their bytes.
    pub bytes: Range<usize>,
    /// Rows and columns: as many values as there are bytes.
    pub shape: [usize; 2],
}

/// Goes through a model file as far as it has come in, and finds the large weights of MatMulInteger nodes that stand before
/// them. In a file that is ordered in another way, or damaged, it finds fewer or none.
#[derive(Debug)]
pub struct Arriving {
    /// What the weights' rows and columns are multiples of.
    multiples: [usize; 2],
    /// How many more fields are looked at.
    fields: usize,
    /// Where the next field begins; `None` after something that is no ONNX file.
    at: Option<usize>,
    /// Where the messages around it end.
    ends: Vec<usize>,
    /// The second inputs of the products so far.
    operands: HashSet<String>,
    /// The fields of the tensor at hand, those before its values.
    tensor: Vec<u8>,
}

impl Arriving {
    /// A file of which nothing has come in, for weights whose rows and columns are multiples of `multiples`.
    pub fn new(multiples: [usize; 2]) -> Self {
        Arriving {
            multiples,
            fields: FIELDS,
            at: Some(0),
            ends: Vec::new(),
            operands: HashSet::new(),
            tensor: Vec::new(),
        }
    }

    /// The next weights that begin in `source`, which holds what has come in so far, the values of weights apart; `None` until
    /// more has.
    pub fn next(&mut self, source: &dyn Source) -> Option<WeightsAt> {
        loop {
            let at = self.at?;
            while self.ends.pop_if(|end| *end <= at).is_some() {}
            let end = self.ends.last().copied().unwrap_or(usize::MAX);
            let mut header = [0; HEADER];
            let header = &mut header[..HEADER.min(end - at)];
            let there = source.read_some(at, header);
            let field = match Field::decode(&header[..there], at, end) {
                Ok(field) => field,
                Err(_) => {
                    self.at = (there < header.len()).then_some(at);
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
                // A product's node is small.
                (1, GRAPH_NODE) if field.value.len() < LARGE => {
                    let node = self.arrived(source, field.whole.start, field.value)?;
                    self.operands.extend(weights_of(&node));
                }
                (2, TENSOR_RAW_DATA) if field.delimited && (LARGE + 1..=MOST).contains(&field.value.len()) => {
                    let found = self.weights(&field.value);
                    if found.is_some() {
                        return found;
                    }
                }
                (2, _) if self.tensor.len() + field.whole.len() < LARGE => {
                    let bytes = self.arrived(source, field.whole.start, field.whole)?;
                    self.tensor.extend(bytes);
                }
                _ => {}
            }
        }
    }

    /// The bytes at `range`; `None` if they are not there yet, and the field at `start` is looked at again.
    fn arrived(&mut self, source: &dyn Source, start: usize, range: Range<usize>) -> Option<Vec<u8>> {
        let mut bytes = vec![0; range.len()];
        if source.read(range.start, &mut bytes).is_err() {
            self.at = Some(start);
            return None;
        }
        Some(bytes)
    }

    /// The tensor at hand, whose values are at `bytes`, if it is weights.
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

/// What the node's integer product multiplies with, if it is one.
fn weights_of(node: &[u8]) -> Option<String> {
    let node = pb::NodeProto::decode(node).ok().filter(|node| node.op_type == "MatMulInteger")?;
    node.input.into_iter().nth(1)
}
