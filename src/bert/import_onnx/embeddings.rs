//! Finds the embeddings: the tables of words, positions and token types, and the graph input that feeds each.

use super::constants::matrix;
use super::graph::{Graph, LayerNorm};
use super::inputs::Inputs;
use super::positions::{Choice, Positions};
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::onnx::attribute_int;
use crate::onnx::pattern::inputs;

const WORDS: &str = "embeddings.word_embeddings.weight";
const POSITIONS: &str = "embeddings.position_embeddings.weight";
const TYPES: &str = "embeddings.token_type_embeddings.weight";
/// The most terms of the embeddings' sum.
const TERMS: usize = 3;

/// The sizes of the embeddings, and the graph's inputs.
pub struct Embeddings {
    /// Rows of the word table.
    pub vocab_size: usize,
    /// Positions, counted from 0: rows of the position table from the first token's on.
    pub max_positions: usize,
    /// Rows of the token-type table, or 0 if the graph has no token types.
    pub type_vocab: usize,
    /// Columns of every table.
    pub features: usize,
    /// The id of padding, if positions depend on it.
    pub padding: Option<i64>,
    /// The role of each graph input.
    pub inputs: Inputs,
}

/// A term of the embeddings' sum: rows of a table.
struct Term<'a> {
    shape: [usize; 2],
    values: Vec<f32>,
    choice: Choice<'a>,
}

/// The terms by what they stand for.
struct Terms<'a> {
    words: Term<'a>,
    types: Option<Term<'a>>,
    /// Rows of which always the same one is added.
    same: Vec<Term<'a>>,
    positions: Term<'a>,
}

/// Loads the embeddings whose sum `norm` normalizes.
pub fn load<'a>(graph: &Graph<'a>, norm: &LayerNorm<'a>, weights: &mut Weights<'_, 'a>) -> Result<Embeddings> {
    let Terms { words, types, same, positions } = terms(graph, norm)?;
    let roles = [
        (input_of(&words), "input_ids"),
        (types.as_ref().and_then(input_of), "token_type_ids"),
        (input_of(&positions), "position_ids"),
    ];
    let inputs = Inputs::new(graph, &roles)?;
    let [_, features] = words.shape;
    let counted = match positions.choice {
        Choice::Position(positions) => positions,
        _ => Positions { first: 0, padding: None },
    };
    if let Some((input, _)) = counted.padding.filter(|(input, _)| Some(*input) != input_of(&words)) {
        return Err(Error::file(
            graph.file_name,
            format!("counts positions in `{input}`, which is not the input of words"),
        ));
    }
    let type_vocab = types.as_ref().map_or(0, |types| types.shape[0]);
    let (vocab_size, max_positions) = (words.shape[0], positions.shape[0].saturating_sub(counted.first));
    let mut table = positions.values.get(counted.first * positions.shape[1]..).unwrap_or_default().to_vec();
    for term in same {
        let Choice::Same(row) = term.choice else { continue };
        let Some(values) =
            term.values.chunks_exact(term.shape[1]).nth(row).filter(|row| row.len() == positions.shape[1])
        else {
            let problem = format!("adds row {row} of a table of shape {:?} to every position", term.shape);
            return Err(Error::file(graph.file_name, problem));
        };
        table.chunks_exact_mut(values.len()).for_each(|row| row.iter_mut().zip(values).for_each(|(x, y)| *x += y));
    }
    weights.add(POSITIONS, vec![max_positions, positions.shape[1]], table)?;
    weights.add(WORDS, words.shape.to_vec(), words.values)?;
    if let Some(types) = types {
        weights.add(TYPES, types.shape.to_vec(), types.values)?;
    }
    weights.layer_norm("embeddings.LayerNorm", norm)?;
    let padding = counted.padding.map(|(_, id)| id);
    Ok(Embeddings { vocab_size, max_positions, type_vocab, features, padding, inputs })
}

/// The graph input that chooses the rows of `term`.
fn input_of<'a>(term: &Term<'a>) -> Option<&'a str> {
    match term.choice {
        Choice::Input(input) => Some(input),
        _ => None,
    }
}

/// The terms of the sum that `norm` normalizes.
fn terms<'a>(graph: &Graph<'a>, norm: &LayerNorm<'a>) -> Result<Terms<'a>> {
    let mut found = Vec::new();
    let mut open = vec![norm.input];
    while let Some(value) = open.pop() {
        match graph.made_by(value, "Add").and_then(inputs::<2>) {
            Some(terms) => open.extend(terms),
            None if found.len() == TERMS => {
                return Err(graph.unexpected(value, "a sum of word, position and token-type embeddings alone"));
            }
            None => found.push(term(graph, value)?),
        }
    }
    let (mut fed, mut rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|term| input_of(term).is_some());
    let mut positions: Vec<_> = rest.extract_if(.., |term| matches!(term.choice, Choice::Position(_))).collect();
    if positions.is_empty() {
        positions.extend(fed.extract_if(.., |term| input_of(term) == Some("position_ids")));
        if let Some(table) = rest.iter().find(|term| term.shape[0] == 1).filter(|_| !positions.is_empty()) {
            let problem = format!(
                "takes the input position_ids, and its token types are a table of shape {:?}, as in RoBERTa; it does not tell \
                 the first position. Export it without position_ids",
                table.shape
            );
            return Err(Error::file(graph.file_name, problem));
        }
    }
    let (words, types) = match <[_; 2]>::try_from(fed) {
        Ok([a, b]) if words_first(&a, &b) => (a, Some(b)),
        Ok([a, b]) => (b, Some(a)),
        Err(mut fed) => match (fed.pop(), fed.pop()) {
            (Some(words), None) => (words, None),
            (Some(third), Some(_)) => {
                let input = input_of(&third).unwrap_or_default();
                let problem = format!(
                    "chooses rows of three embeddings by inputs, among them `{input}`; expected input_ids, token_type_ids and \
                     position_ids"
                );
                return Err(Error::file(graph.file_name, problem));
            }
            _ => return Err(graph.unexpected(norm.input, "a sum of embeddings, one of them chosen by input_ids")),
        },
    };
    match <[_; 1]>::try_from(positions) {
        Ok([positions]) => Ok(Terms { words, types, same: rest, positions }),
        Err(_) => Err(graph.unexpected(norm.input, "a sum of word, position and token-type embeddings")),
    }
}

/// Reads a term of the sum: rows that a Gather chooses from a constant table, or constant rows.
fn term<'a>(graph: &Graph<'a>, value: &'a str) -> Result<Term<'a>> {
    let expected = "an embedding (Gather from a constant table, or a constant)";
    let from_start = Choice::Position(Positions { first: 0, padding: None });
    let mut at = graph.source(value);
    if let Some(node) = graph.producer(at).filter(|n| n.op_type == "Gather" && attribute_int(n, "axis", 0) == 0)
        && let Some([table, ids]) = inputs(node)
        && graph.is_constant(table)
    {
        let (shape, values) = graph.floats(table)?;
        let shape = matrix(&shape, table, graph.file_name)?;
        let choice = match graph.choice(ids) {
            // All ids of such a table are 0.
            Some(Choice::Position(_)) | None if shape[0] == 1 => Choice::Same(0),
            Some(choice) => choice,
            None if graph.inputs_behind(ids).is_empty() => from_start,
            None => {
                let problem = "chooses rows by numbers that it computes from the tokens in an unknown way; positions must \
                               count from 0 as in BERT, or skip padding as in RoBERTa";
                return Err(graph.error_at(node, problem));
            }
        };
        return Ok(Term { shape, values, choice });
    }
    while let Some(node) = graph.producer(at).filter(|n| ["Slice", "Expand"].contains(&n.op_type.as_str()))
        && let Some(input) = node.input.first().filter(|input| graph.is_constant(input))
    {
        at = input;
    }
    if !graph.is_constant(at) {
        return Err(graph.unexpected(at, expected));
    }
    let (mut shape, values) = graph.floats(at)?;
    if shape.len() == 1 {
        shape.insert(0, 1);
    }
    let shape = matrix(&shape, at, graph.file_name)?;
    let first = values.get(..shape[1]).unwrap_or_default();
    let choice = if values.chunks_exact(shape[1]).all(|row| row == first) { Choice::Same(0) } else { from_start };
    Ok(Term { shape, values, choice })
}

/// Whether `a` and not `b` is the table of words, if inputs feed both. A table of token types has few rows.
fn words_first(a: &Term, b: &Term) -> bool {
    match (input_of(a), input_of(b)) {
        _ if a.shape[0] != b.shape[0] => a.shape[0] > b.shape[0],
        (Some("input_ids"), _) | (_, Some("token_type_ids")) => true,
        _ => false,
    }
}
