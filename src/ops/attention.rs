//! Self-attention of sequences laid end to end: queries, keys and values of the same rows.

use super::attributes::Attributes;
use super::fused_op::{FusedOp, Output, parsed, sequence_ends, values};
use crate::kernels::{AttentionParams, AttentionScratch, ContextRows, GROUP, MAX_K, Quantizer, SelfAttention};
use std::cell::RefCell;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Inputs: rows in the kernel's encoded form, INT64 sequence starts. Output: the
/// context, where `output_scale` is given in the encoded form with heads filled up to a multiple of 8, else in FP32 rows.
/// Attributes: three linear layers (`query_…`, `key_…`, `value_…`), `heads`, `query_output_scale`, `key_output_scale`,
/// `score_scale`, `first_only` (1: the first token's row of every sequence alone), `output_scale`, `output_zero_point`,
/// `output_factors`, `output_offsets`.
pub(super) const OP: &str = "Bert8SelfAttention";

thread_local! {
    /// Shared by all layers.
    static SCRATCH: RefCell<AttentionScratch> = RefCell::default();
}

pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let attributes = Attributes::new(node);
    let heads = attributes.count("heads")?;
    let parts = [attributes.linear("query")?, attributes.linear("key")?, attributes.linear("value")?];
    let (k, n) = (parts[0].k, parts[0].n);
    let same = parts.iter().all(|part| (part.k, part.n, part.zero_point) == (k, n, parts[0].zero_point));
    ensure!(same && heads > 0 && n.is_multiple_of(heads), "queries, keys and values do not fit {heads} heads");
    ensure!(k.is_multiple_of(GROUP), "{k} inputs are no multiple of {GROUP}");
    let (head_size, filled) = (n / heads, (n / heads).next_multiple_of(GROUP));
    ensure!(filled <= MAX_K, "a head has at most {MAX_K} features");
    let (query, key) = (attributes.float("query_output_scale")?, attributes.float("key_output_scale")?);
    let params = AttentionParams {
        heads,
        head_size,
        query: Quantizer::uniform(query, Quantizer::SYMMETRIC, filled),
        key: Quantizer::narrow_range(key, filled),
        score_scale: attributes.float("score_scale")?,
        first_query_only: attributes.count("first_query_only")? == 1,
    };
    let kernel = attributes.kernel()?;
    let [query, key, value] = parts.map(|part| part.with_output_heads(kernel, heads));
    let output = attributes.output(heads, head_size)?;
    parsed(Attention { attention: SelfAttention::new([query?, key?, value?], params), output })
}

#[derive(Debug)]
struct Attention {
    attention: SelfAttention,
    output: Option<Quantizer>,
}

impl FusedOp for Attention {
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
        SCRATCH.with_borrow_mut(|scratch| self.attention.run(a, &ends, scratch, out));
        Ok(())
    }
}
