//! How many words and token types a graph has rows for, which an engine does not ask before it reads one.

use crate::error::{Error, Result};
use crate::onnx::{GraphIndex, pb};
use crate::text::Tokens;

/// Rows of the tables of words and token types, as far as the graph tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableRows {
    words: Option<usize>,
    types: Option<usize>,
}

impl TableRows {
    /// Those of `model`.
    pub fn of(model: &pb::ModelProto) -> Self {
        let rows =
            |input: &str| table_shape(model, |index, ids| behind_casts(index, ids) == input).map(|(rows, _)| rows);
        TableRows { words: rows("input_ids"), types: rows("token_type_ids") }
    }

    /// Refuses ids and types that have no row.
    pub fn check(&self, tokens: &Tokens, file: &str) -> Result<()> {
        for (what, ids, rows) in [("id", &tokens.ids, self.words), ("type", &tokens.types, self.types)] {
            let Some(rows) = rows else { continue };
            if let Some(id) = ids.iter().find(|&&id| usize::try_from(id).is_ok_and(|id| id >= rows) || id < 0) {
                return Err(Error::Argument(format!(
                    "a token has the {what} {id}, but {file} knows {rows} {what}s; use the model's own tokenizer"
                )));
            }
        }
        Ok(())
    }
}

/// `(rows, columns)` of the largest matrix that a Gather picks rows of by ids that `wanted` accepts.
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

/// The value that `value` is a Cast of, through any number of them.
pub(crate) fn behind_casts<'v>(index: &GraphIndex<'v>, mut value: &'v str) -> &'v str {
    for _ in 0..8 {
        match index.producer(value).filter(|n| n.op_type == "Cast").and_then(|n| n.input.first()) {
            Some(input) => value = input,
            None => break,
        }
    }
    value
}
