//! Recognises the sum of the embeddings, its LayerNorm, and the linear layer after it, if any.

use super::norm::NormPart;
use crate::onnx::pattern::*;
use crate::onnx::{GraphIndex, attribute_int, pb};

/// An embedding table: FP32, or INT8 with one scale per row.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ops) struct TablePart<'a> {
    /// The initializer of the rows.
    pub values: &'a pb::TensorProto,
    /// The initializer of the scales, for INT8 rows.
    pub scales: Option<&'a pb::TensorProto>,
}

/// The LayerNorm of the sum of the embeddings.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ops) struct EmbeddingPart<'a> {
    /// The table of words.
    pub words: TablePart<'a>,
    /// The table of token types, if any.
    pub types: Option<TablePart<'a>>,
    /// The table of positions.
    pub positions: TablePart<'a>,
    /// The LayerNorm.
    pub norm: NormPart<'a>,
}

/// The embeddings, if `norm` normalises `(words + types) + positions` or `words + positions`.
pub(super) fn embedding<'a>(index: &GraphIndex<'a>, norm: NormPart<'a>) -> Result<EmbeddingPart<'a>, String> {
    let parts = || {
        let (words, types) = match made_by(index, norm.a, "Add") {
            Some(node) => {
                let [words, types] = inputs(node)?;
                (words, Some(table(index, types)?))
            }
            None => (norm.a, None),
        };
        let (words, ids) = table(index, words)?;
        let (positions, count) = table(index, norm.b)?;
        let typed = types.as_ref().is_none_or(|(_, ids)| *ids == "token_type_ids");
        let types = types.map(|(table, _)| table);
        (ids == "input_ids" && typed && counts_tokens(index, count)?).then_some((words, types, positions))
    };
    let problem = || format!("`{}` + `{}` is neither a residual sum nor a sum of embeddings", norm.a, norm.b);
    let (words, types, positions) = parts().ok_or_else(problem)?;
    Ok(EmbeddingPart { words, types, positions, norm })
}

/// The table and the ids of the look-up that makes `value`: `Gather(table, ids)`, or for INT8 rows
/// `Cast(Gather(table, ids)) · Gather(scales, ids)`.
fn table<'a>(index: &GraphIndex<'a>, value: &str) -> Option<(TablePart<'a>, &'a str)> {
    let gather = |value: &str| {
        let node = made_by(index, value, "Gather")?;
        let [table, ids] = inputs(node)?;
        (attribute_int(node, "axis", 0) == 0).then_some((initializer(index, table)?, ids))
    };
    if let Some((values, ids)) = gather(value) {
        return Some((TablePart { values, scales: None }, ids));
    }
    let [picked, scale] = inputs(made_by(index, value, "Mul")?)?;
    let (values, ids) = gather(cast_to_float(index, picked)?)?;
    let (scales, scale_ids) = gather(scale)?;
    (ids == scale_ids).then_some((TablePart { values, scales: Some(scales) }, ids))
}

/// Whether `value` is `Range(0, sequence length, 1)`.
fn counts_tokens(index: &GraphIndex, value: &str) -> Option<bool> {
    let [start, length, step] = inputs(made_by(index, value, "Range")?)?;
    let [shape, axis] = inputs(made_by(index, length, "Gather")?)?;
    let tokens = input_of(index, shape, "Shape")? == "input_ids";
    let is = |value: &str, expected: i64| integers(index, value).as_deref() == Some(&[expected]);
    Some(tokens && is(start, 0) && is(axis, 1) && is(step, 1))
}
