//! The sizes of a graph's embedding tables. Engines index these tables without a check.

use super::ModelInfo;
use crate::error::{Error, Result};
use crate::onnx::pattern::integers;
use crate::onnx::{GraphIndex, pb};
use crate::text::Tokens;

/// The most operators between a table and the numbers that choose its rows.
const DEPTH: usize = 16;

/// The number of rows of the tables; `None` if unknown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableRows {
    words: Option<usize>,
    types: Option<usize>,
    /// Rows from that of the first token on.
    positions: Option<usize>,
}

impl TableRows {
    /// Finds the tables of `model`.
    pub fn of(model: &pb::ModelProto) -> Self {
        let rows =
            |input: &str| table_shape(model, |index, ids| behind_casts(index, ids) == input).map(|(rows, _)| rows);
        TableRows { words: rows("input_ids"), types: rows("token_type_ids"), positions: positions(model) }
    }

    /// Checks that there is a row for each position that the model is said to have.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn check_positions(&self, info: &ModelInfo, file_name: &str) -> Result<()> {
        match self.positions {
            Some(rows) if rows < info.max_positions.max(1) => {
                let problem = format!(
                    "has position embeddings for {rows} tokens, but should read {}; is the file damaged?",
                    info.max_positions.max(1)
                );
                Err(Error::file(file_name, problem))
            }
            _ => Ok(()),
        }
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
    tables(&index).filter(|(_, ids)| wanted(&index, ids)).map(|(shape, _)| shape).max()
}

/// Returns the number of positions, counted from that of the first token: the rows of the largest table, as wide as that of
/// words, whose rows are not chosen by an input.
pub(crate) fn positions(model: &pb::ModelProto) -> Option<usize> {
    let index = GraphIndex::new(model.graph.as_ref()?);
    let by_input = |input: &str, ids| behind_casts(&index, ids) == input;
    let ((_, width), _) = tables(&index).filter(|(_, ids)| by_input("input_ids", ids)).max()?;
    let other = |ids| !["input_ids", "token_type_ids"].iter().any(|input| by_input(input, ids));
    let ((rows, _), ids) = tables(&index).filter(|((_, columns), ids)| *columns == width && other(ids)).max()?;
    Some(rows.saturating_sub(first_position(&index, ids)))
}

/// The shape `(rows, columns)` of each matrix from which a Gather picks rows, and the ids that choose them.
fn tables<'a>(index: &GraphIndex<'a>) -> impl Iterator<Item = ((usize, usize), &'a str)> {
    let gathers = index.graph().node.iter().filter(|n| n.op_type == "Gather");
    gathers.filter_map(|node| {
        let [table, ids] = node.input.as_slice() else { return None };
        let [rows, columns] = index.constant(table)?.dims[..] else { return None };
        let shape = (usize::try_from(rows).ok()?, usize::try_from(columns).ok()?);
        (rows > 0 && columns > 1).then_some((shape, ids.as_str()))
    })
}

/// The row that `ids` choose for the first token, or 0 if unknown. RoBERTa counts from the id of padding plus 1; a table
/// that counts from elsewhere cannot be told from one that counts from 0, if the graph does not say it in a constant.
fn first_position<'a>(index: &GraphIndex<'a>, ids: &'a str) -> usize {
    let int = |value: &str| integers(index, value).and_then(|ints| ints.first().copied());
    let (mut first, mut at) = (0i64, ids);
    for _ in 0..DEPTH {
        if let Some(constant) = int(at) {
            first = first.saturating_add(constant);
            break;
        }
        let Some(node) = index.producer(at) else { break };
        let inputs: Vec<&str> = node.input.iter().map(String::as_str).collect();
        at = match (node.op_type.as_str(), &inputs[..]) {
            ("Add", &[a, b]) => {
                let (counted, offset) = if int(b).is_some() { (a, int(b)) } else { (b, int(a)) };
                first = first.saturating_add(offset.unwrap_or(0));
                counted
            }
            ("Mul", &[a, b]) => {
                // The running number of a token that is not padding; some exporters add a past length of 0 to it.
                if is_sum(index, a) { a } else { b }
            }
            ("CumSum", _) => {
                first = first.saturating_add(1);
                break;
            }
            ("Range", &[start, ..]) => start,
            ("Cast" | "Identity" | "Unsqueeze" | "Squeeze" | "Reshape" | "Expand" | "Slice", &[input, ..]) => input,
            _ => break,
        };
    }
    usize::try_from(first).unwrap_or(0)
}

/// Whether `value` is a running sum, perhaps with a constant added, in any type.
fn is_sum<'a>(index: &GraphIndex<'a>, mut value: &'a str) -> bool {
    for _ in 0..DEPTH {
        let Some(node) = index.producer(value) else { return false };
        value = match (node.op_type.as_str(), node.input.first()) {
            ("CumSum", _) => return true,
            ("Add" | "Cast" | "Identity", Some(input)) => input,
            _ => return false,
        };
    }
    false
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
