//! The sizes of a graph's word and token type tables. Engines index these tables without a check.

use crate::error::{Error, Result};
use crate::onnx::{GraphIndex, pb};
use crate::text::Tokens;

/// The number of rows of the word and token type tables; `None` if unknown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableRows {
    words: Option<usize>,
    types: Option<usize>,
}

impl TableRows {
    /// Finds the tables of `model`.
    pub fn of(model: &pb::ModelProto) -> Self {
        let rows =
            |input: &str| table_shape(model, |index, ids| behind_casts(index, ids) == input).map(|(rows, _)| rows);
        TableRows { words: rows("input_ids"), types: rows("token_type_ids") }
    }

    /// Checks that every id and type has a row.
    pub fn check(&self, tokens: &Tokens, file_name: &str) -> Result<()> {
        for (what, ids, rows) in [("id", &tokens.ids, self.words), ("type", &tokens.types, self.types)] {
            let Some(rows) = rows else { continue };
            if let Some(id) = ids.iter().find(|&&id| usize::try_from(id).is_ok_and(|id| id >= rows) || id < 0) {
                return Err(Error::Argument(format!(
                    "a token has the {what} {id}, but {file_name} knows {rows} {what}s; use the model's own tokenizer"
                )));
            }
        }
        Ok(())
    }
}

/// Returns `(rows, columns)` of the largest matrix from which a Gather picks rows by ids that `wanted` accepts.
pub(crate) fn table_shape(
    model: &pb::ModelProto,
    wanted: impl Fn(&GraphIndex, &str) -> bool,
) -> Option<(usize, usize)> {
    let index = GraphIndex::new(model.graph.as_ref()?);
    let gathers = index.graph().node.iter().filter(|n| n.op_type == "Gather");
    let tables = gathers.filter_map(|node| {
        let [table, ids] = node.input.as_slice() else { return None };
        let [rows, columns] = index.constant(table)?.dims[..] else { return None };
        (rows > 0 && columns > 1 && wanted(&index, ids))
            .then_some((usize::try_from(rows).ok()?, usize::try_from(columns).ok()?))
    });
    tables.max()
}

/// Follows Cast nodes from `value` back to their input. At most 8, in case they form a circle.
pub(crate) fn behind_casts<'v>(index: &GraphIndex<'v>, mut value: &'v str) -> &'v str {
    for _ in 0..8 {
        match index.producer(value).filter(|n| n.op_type == "Cast").and_then(|n| n.input.first()) {
            Some(input) => value = input,
            None => break,
        }
    }
    value
}
