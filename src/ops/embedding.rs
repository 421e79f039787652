//! `Bert8Embedding`: embedding look-up and LayerNorm, also quantized for the first product.

use super::attributes::NodeReader;
use super::both_forms;
use super::fused_op::{FUSED_INPUTS, FusedOp, Output, sequence_ends, values};
use super::recognise::{EmbeddingPart, Quantized};
use crate::kernels::{Embedding, Kernel};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Inputs: INT64 vectors of token ids, token types and sequence starts. Outputs: FP32 rows, and
/// the same in the kernel's encoded form if they are quantized.
pub(super) const OP: &str = "Bert8Embedding";

/// Writes the node that computes the rows `y` from [`FUSED_INPUTS`].
pub(super) fn node(kernel: Kernel, y: &str, part: &EmbeddingPart, output: Option<&Quantized>) -> NodeProto {
    let node = both_forms::node(OP, kernel, &FUSED_INPUTS, y, output.is_some()).table("words", &part.words);
    let node = match &part.types {
        Some(types) => node.table("types", types),
        None => node,
    };
    node.table("positions", &part.positions).norm(&part.norm, output).finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<EmbeddingOp> {
    let node = NodeReader::new(node);
    let norm = node.norm()?;
    let table = |name| node.table(name, norm.features());
    let types = if node.has("types") { Some(table("types")?) } else { None };
    Ok(EmbeddingOp(Embedding::new(node.kernel()?, table("words")?, types, table("positions")?, norm)))
}

#[derive(Debug, PartialEq)]
pub(super) struct EmbeddingOp(Embedding);

impl FusedOp for EmbeddingOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::I64, None); 3]
    }

    fn outputs(&self) -> Vec<Output> {
        both_forms::outputs(self.0.norm(), self.0.kernel())
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let (ids, types) = (values::<i64>(&inputs[0])?, values::<i64>(&inputs[1])?);
        let ends = sequence_ends(&inputs[2], ids.len())?;
        let (words, positions) = (self.0.vocab_size(), self.0.max_positions());
        let inside = |ids: &[i64], rows: usize| ids.iter().all(|&id| usize::try_from(id).is_ok_and(|id| id < rows));
        ensure!(ids.len() == types.len(), "{} token types for {} tokens", types.len(), ids.len());
        ensure!(inside(ids, words), "a token id lies outside of the vocabulary of {words}");
        if let Some(kinds) = self.0.type_vocab() {
            ensure!(inside(types, kinds), "a token type lies outside of the {kinds} known types");
        }
        let longest = ends.iter().scan(0, |start, &end| Some(end - std::mem::replace(start, end))).max();
        ensure!(longest <= Some(positions), "a sequence is longer than the {positions} positions");
        both_forms::fill(outputs, |rows, encoded| self.0.run(ids, types, &ends, rows, encoded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::recognise::TablePart;
    use crate::ops::samples;

    #[test]
    fn a_node_is_read_as_written() {
        let kernel = Kernel::detect();
        let words = (samples::weights("words", 5, 16), samples::floats("words.scales", 5, 1));
        let (types, positions) = (samples::floats("types", 2, 16), samples::floats("positions", 4, 16));
        let typed = EmbeddingPart {
            words: TablePart { values: &words.0, scales: Some(&words.1) },
            types: Some(TablePart { values: &types, scales: None }),
            positions: TablePart { values: &positions, scales: None },
            norm: samples::norm(16),
        };
        let untyped = EmbeddingPart { types: None, ..typed.clone() };
        let outputs = [None, Some(samples::quantized(16))];
        for (part, output) in [&typed, &untyped].into_iter().flat_map(|part| outputs.iter().map(move |o| (part, o))) {
            let node = node(kernel, "y", part, output.as_ref());
            assert_eq!(node.input, FUSED_INPUTS);
            assert_eq!(node.output, ["y", "y.encoded"][..1 + usize::from(output.is_some())]);
            let tensors = [&words.0, &words.1, &types, &positions].map(Clone::clone);
            let read = read(&samples::with_tensors(node, tensors)).unwrap();
            let table = |part: &TablePart| samples::table(part.values, part.scales);
            let norm = samples::layer_norm(&part.norm, output.as_ref());
            let types = part.types.as_ref().map(table);
            assert_eq!(
                read,
                EmbeddingOp(Embedding::new(kernel, table(&part.words), types, table(&part.positions), norm))
            );
        }
    }
}
