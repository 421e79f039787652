//! `Bert8SelfAttention`: self-attention of sequences laid end to end, with queries, keys and values from linear layers
//! in integers over the same rows.

use super::attributes::{NodeReader, NodeWriter};
use super::both_forms::encoded;
use super::fused_op::{FUSED_INPUTS, FusedOp, Output, sequence_ends, values};
use super::recognise::{AttentionPart, LinearPart, Quantized};
use crate::kernels::{AttentionParams, ContextRows, GROUP, Kernel, MAX_K, Quantizer, SelfAttention};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name. Inputs: rows in the kernel's encoded form, INT64 sequence starts. Output: the context, as FP32
/// rows or, if it is quantized, in the encoded form with heads padded to a multiple of [`GROUP`] features.
pub(super) const OP: &str = "Bert8SelfAttention";

/// Writes the node that computes the context from the encoded form of the rows `x`: for every token, or with
/// `first_query_only` for the first token of every sequence. `scales` are those of queries and keys. The output is called
/// `context` or, if it is quantized, like its encoded form.
pub(super) fn node(
    kernel: Kernel,
    x: &str,
    context: &str,
    part: &AttentionPart,
    [query_scale, key_scale]: [f32; 2],
    first_query_only: bool,
    output: Option<&Quantized>,
) -> NodeProto {
    let context = output.map_or(context.to_owned(), |_| encoded(context));
    let mut node = NodeWriter::new(OP, kernel, &[&encoded(x), FUSED_INPUTS[2]], &[&context]);
    for (name, part) in ["query", "key", "value"].into_iter().zip(part.parts()) {
        if let LinearPart::Integer(layer) = part {
            node = node.linear(name, layer);
        }
    }
    node.count("heads", part.heads)
        .float("query_output_scale", query_scale)
        .float("key_output_scale", key_scale)
        .float("score_scale", part.score_scale)
        .int("first_query_only", i64::from(first_query_only))
        .output(output)
        .finish()
}

/// Reads such a node.
pub(super) fn read(node: &NodeProto) -> TractResult<AttentionOp> {
    let node = NodeReader::new(node);
    let heads = node.count("heads")?;
    let parts = [node.linear("query")?, node.linear("key")?, node.linear("value")?];
    let (k, n) = (parts[0].k, parts[0].n);
    let same = parts.iter().all(|part| (part.k, part.n, part.zero_point) == (k, n, parts[0].zero_point));
    ensure!(same && heads > 0 && n.is_multiple_of(heads), "queries, keys and values do not fit {heads} heads");
    ensure!(k.is_multiple_of(GROUP), "{k} inputs, expected a multiple of {GROUP}");
    let (head_size, padded) = (n / heads, (n / heads).next_multiple_of(GROUP));
    ensure!(padded <= MAX_K, "a head has at most {MAX_K} features");
    let (query, key) = (node.float("query_output_scale")?, node.float("key_output_scale")?);
    let params = AttentionParams {
        heads,
        head_size,
        query: Quantizer::uniform(query, Quantizer::SYMMETRIC, padded),
        key: Quantizer::narrow_range(key, padded),
        score_scale: node.float("score_scale")?,
        first_query_only: node.count("first_query_only")? == 1,
    };
    let kernel = node.kernel()?;
    let [query, key, value] = parts.map(|part| part.with_output_heads(kernel, heads));
    let output = node.output(heads, head_size)?;
    Ok(AttentionOp { attention: SelfAttention::new([query?, key?, value?], params), output })
}

#[derive(Debug, PartialEq)]
pub(super) struct AttentionOp {
    attention: SelfAttention,
    output: Option<Quantizer>,
}

impl FusedOp for AttentionOp {
    fn name(&self) -> &'static str {
        OP
    }

    fn inputs(&self) -> Vec<(DatumType, Option<usize>)> {
        vec![(DatumType::U8, Some(self.attention.input_bytes())), (DatumType::I64, None)]
    }

    fn outputs(&self) -> Vec<Output> {
        let rows_of = usize::from(self.attention.first_query_only());
        let (datum_type, features) = match &self.output {
            Some(output) => (DatumType::U8, output.features() * self.attention.kernel().encoded_width()),
            None => (DatumType::F32, self.attention.features()),
        };
        vec![Output { datum_type, rows_of, features }]
    }

    fn run(&self, inputs: &[TValue], outputs: &mut [Tensor]) -> TractResult<()> {
        let ends = sequence_ends(&inputs[1], inputs[0].shape()[0])?;
        let mut out = outputs[0].try_as_plain_ram_mut()?;
        let out = match &self.output {
            Some(output) => ContextRows::Encoded(output, out.as_slice_mut()?),
            None => ContextRows::Float(out.as_slice_mut()?),
        };
        let a = values(&inputs[0])?;
        self.attention.run(a, &ends, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::recognise::Scores;
    use crate::ops::samples;

    #[test]
    fn a_node_is_read_as_written() {
        let kernel = Kernel::detect();
        let tensors = ["query", "key", "value"].map(|name| samples::weights(name, 24, 16));
        let layers = tensors.each_ref().map(samples::linear);
        let [query, key, value] = tensors.each_ref().map(|tensor| LinearPart::Integer(samples::linear(tensor)));
        let scores = Scores::Integer { query_scale: 0.1, key_scale: 0.2 };
        let part = AttentionPart { query, key, value, heads: 2, scores, score_scale: 0.35 };
        for (output, first_query_only) in [(None, false), (Some(samples::quantized(16)), true)] {
            let node = node(kernel, "x", "context", &part, [0.1, 0.2], first_query_only, output.as_ref());
            assert_eq!(node.input, ["x.encoded", "sequence_starts"]);
            assert_eq!(node.output, [if first_query_only { "context.encoded" } else { "context" }]);
            let read = read(&samples::with_tensors(node, tensors.clone())).unwrap();
            let params = AttentionParams {
                heads: 2,
                head_size: 8,
                query: Quantizer::uniform(0.1, 128, 8),
                key: Quantizer::narrow_range(0.2, 8),
                score_scale: 0.35,
                first_query_only,
            };
            let layers = layers.each_ref().map(|layer| samples::layer(kernel, layer));
            let output = output.map(|output| samples::quantizer(&output, 16));
            assert_eq!(read, AttentionOp { attention: SelfAttention::new(layers, params), output });
        }
    }
}
