//! Recognises how a graph chooses rows of an embedding table: by an input, by counting tokens, or always the same row.

use super::graph::Graph;
use crate::onnx::{attribute_int, pb, tensor_i64};

/// The most operators between a table and the numbers that choose its rows.
const DEPTH: usize = 16;

/// How rows of a table are chosen.
#[derive(Debug, Clone, Copy)]
pub enum Choice<'a> {
    /// By the graph input of this name.
    Input(&'a str),
    /// By the positions of the tokens.
    Position(Positions<'a>),
    /// Always this row.
    Same(usize),
}

/// How positions count.
#[derive(Debug, Clone, Copy)]
pub struct Positions<'a> {
    /// The row of the first token.
    pub first: usize,
    /// The graph input whose tokens are counted, and the id of padding, which does not count. `None` if all tokens count.
    pub padding: Option<(&'a str, i64)>,
}

impl<'a> Graph<'a> {
    /// How the INT64 value `ids` chooses rows. `None` if that is unknown.
    pub fn choice(&self, ids: &'a str) -> Option<Choice<'a>> {
        let at = self.source(ids);
        if self.inputs().any(|input| input == at) {
            return Some(Choice::Input(at));
        }
        let row = |id: i64| usize::try_from(id).ok();
        if let Some(id) = self.repeated(ids, DEPTH) {
            return row(id).map(Choice::Same);
        }
        if let Some(first) = self.counting(ids, DEPTH) {
            return Some(Choice::Position(Positions { first: row(first)?, padding: None }));
        }
        let (offset, padding) = self.counted_tokens(ids, DEPTH)?;
        Some(Choice::Position(Positions { first: row(offset.checked_add(1)?)?, padding: Some(padding) }))
    }

    /// The number that every element of `value` is.
    fn repeated(&self, value: &'a str, depth: usize) -> Option<i64> {
        let depth = depth.checked_sub(1)?;
        let at = self.source(value);
        if let Some(ints) = self.ints(at) {
            let first = *ints.first()?;
            return ints.iter().all(|&int| int == first).then_some(first);
        }
        let node = self.producer(at)?;
        match node.op_type.as_str() {
            "Expand" | "Slice" | "Gather" | "GatherElements" | "GatherND" | "Tile" => {
                self.repeated(node.input.first()?, depth)
            }
            "ConstantOfShape" => match node.attribute.first() {
                Some(value) => tensor_i64(value.t.as_ref()?, self.file_name).ok()?.1.first().copied(),
                None => Some(0),
            },
            _ => None,
        }
    }

    /// The first number, if `value` holds numbers that count up by one along the tokens.
    fn counting(&self, value: &'a str, depth: usize) -> Option<i64> {
        let depth = depth.checked_sub(1)?;
        let at = self.source(value);
        if let Some(ints) = self.ints(at) {
            let first = *ints.first()?;
            let counts = |(at, int): (usize, &i64)| first.checked_add(at as i64) == Some(*int);
            return (ints.len() > 1 && ints.iter().enumerate().all(counts)).then_some(first);
        }
        let node = self.producer(at)?;
        match (node.op_type.as_str(), node.input.as_slice()) {
            ("Range", [first, _, step]) => (self.scalar(step) == Some(1.0)).then(|| self.int(first)).flatten(),
            ("Add", _) => {
                let (counted, offset) = self.with_constant(node)?;
                self.counting(counted, depth)?.checked_add(self.int(offset)?)
            }
            ("Expand" | "Slice", [data, ..]) => self.counting(data, depth),
            _ => None,
        }
    }

    /// Matches RoBERTa's positions, `cumsum(ids ≠ padding) · (ids ≠ padding) + offset`. Returns the offset, and the
    /// input and the id of padding.
    fn counted_tokens(&self, value: &'a str, depth: usize) -> Option<(i64, (&'a str, i64))> {
        let depth = depth.checked_sub(1)?;
        let node = self.producer(self.source(value))?;
        match node.op_type.as_str() {
            "Add" => {
                let (counted, offset) = self.with_constant(node)?;
                let (known, padding) = self.counted_tokens(counted, depth)?;
                Some((known.checked_add(self.int(offset)?)?, padding))
            }
            "Mul" => {
                let [a, b] = [node.input.first()?, node.input.get(1)?].map(|value| self.source(value));
                let counts = |sum: &'a str, mask| Some(self.source(self.running_sum(sum)?) == mask);
                let mask = [(a, b), (b, a)].into_iter().find(|&(sum, mask)| counts(sum, mask) == Some(true))?.1;
                Some((0, self.not_padding(mask)?))
            }
            _ => None,
        }
    }

    /// x, if `value` is the running sum of x along the tokens. Some exporters add a past length of 0.
    fn running_sum(&self, value: &'a str) -> Option<&'a str> {
        let mut node = self.producer(value)?;
        if node.op_type == "Add" {
            let (sum, past) = self.with_constant(node)?;
            (self.int(past)? == 0).then_some(())?;
            node = self.producer(self.source(sum))?;
        }
        let axis = node.input.get(1).and_then(|axis| self.int(axis));
        let plain =
            |node: &pb::NodeProto| ["exclusive", "reverse"].iter().all(|name| attribute_int(node, name, 0) == 0);
        let sums = node.op_type == "CumSum" && [Some(1), Some(-1)].contains(&axis) && plain(node);
        sums.then(|| node.input.first().map(String::as_str))?
    }

    /// The input and the id, if `value` is 1 where the input is not that id.
    fn not_padding(&self, value: &'a str) -> Option<(&'a str, i64)> {
        let equal = self.made_by(self.made_by(value, "Not")?.input.first()?, "Equal")?;
        let (ids, id) = self.with_constant(equal)?;
        let input = self.source(ids);
        self.inputs().any(|known| known == input).then_some((input, self.int(id)?))
    }

    /// The integer that the constant `value` holds, if it has one element.
    fn int(&self, value: &str) -> Option<i64> {
        let number = self.scalar(value)?;
        (number.fract() == 0.0 && number.abs() < 1e9).then_some(number as i64)
    }
}
