//! Finds the embeddings: the tables of words, positions and token types, and the graph input that feeds each.

use super::constants::matrix;
use super::graph::{Graph, LayerNorm};
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::onnx::pattern::inputs;
use crate::onnx::{attribute_int, pb};

const WORDS: &str = "embeddings.word_embeddings.weight";
const POSITIONS: &str = "embeddings.position_embeddings.weight";
const TYPES: &str = "embeddings.token_type_embeddings.weight";
/// Rows of the token-type table for a graph without token types. All rows are the same.
const SEGMENTS: usize = 2;

/// The sizes of the embeddings, and the graph's inputs.
pub struct Embeddings {
    /// Rows of the word table.
    pub vocab_size: usize,
    /// Rows of the position table.
    pub max_positions: usize,
    /// Rows of the token-type table.
    pub type_vocab: usize,
    /// Columns of every table.
    pub hidden: usize,
    /// The role of each graph input.
    pub inputs: Inputs,
}

/// The role of each graph input.
pub struct Inputs {
    /// `(name in the file, standard name)`.
    roles: Vec<(String, &'static str)>,
}

impl Inputs {
    /// Renames the inputs of `model` to their standard names.
    ///
    /// # Errors
    /// If another value has such a name.
    pub fn rename(&self, model: &mut pb::ModelProto, file_name: &str) -> Result<()> {
        let Some(graph) = &mut model.graph else { return Ok(()) };
        for (from, to) in self.roles.iter().filter(|(from, to)| from != to) {
            let clash = |name: &String| name == to;
            if graph.input.iter().any(|i| clash(&i.name)) || graph.node.iter().any(|n| n.output.iter().any(clash)) {
                return Err(Error::file(
                    file_name,
                    format!("has the input `{from}` where `{to}` was expected, and another value `{to}`"),
                ));
            }
            let named =
                graph.input.iter_mut().map(|i| &mut i.name).chain(graph.node.iter_mut().flat_map(|n| &mut n.input));
            named.filter(|name| *name == from).for_each(|name| *name = (*to).to_owned());
        }
        Ok(())
    }
}

/// A term of the embeddings' sum.
struct Leaf<'a> {
    /// Rows and columns.
    shape: [usize; 2],
    values: Vec<f32>,
    /// The ids that choose rows, or `None` if constant rows are added.
    ids: Option<&'a str>,
    /// The graph input that the ids come from, if any.
    input: Option<&'a str>,
}

/// Loads the embeddings whose sum `norm` normalizes.
pub fn load<'a>(graph: &Graph<'a>, norm: &LayerNorm<'a>, weights: &mut Weights<'_, 'a>) -> Result<Embeddings> {
    let mut leaves = Vec::new();
    let mut open = vec![norm.input];
    while let Some(value) = open.pop() {
        match graph.made_by(value, "Add").and_then(inputs::<2>) {
            Some(terms) => open.extend(terms),
            None if leaves.len() == 3 => {
                return Err(graph.unexpected(value, "a sum of word, position and token-type embeddings alone"));
            }
            None => leaves.push(leaf(graph, value)?),
        }
    }
    let (fed, mut unfed): (Vec<_>, Vec<_>) = leaves.into_iter().partition(|leaf| leaf.input.is_some());
    let (words, types) = match <[_; 2]>::try_from(fed) {
        Ok([a, b]) if words_first(&a, &b) => (a, Some(b)),
        Ok([a, b]) => (b, Some(a)),
        Err(mut fed) => match (fed.pop(), fed.pop()) {
            (Some(words), None) => (words, None),
            (Some(third), Some(_)) => {
                let input = third.input.unwrap_or_default();
                let problem = format!(
                    "chooses rows of three embeddings by inputs, among them `{input}`; expected input_ids and \
                     token_type_ids only (positions count from 0)"
                );
                return Err(Error::file(graph.file_name, problem));
            }
            _ => return Err(graph.unexpected(norm.input, "a sum of embeddings, one of them chosen by input_ids")),
        },
    };
    if unfed.len() == 2 && is_position(graph, &unfed[0]) != is_position(graph, &unfed[1]) {
        unfed.sort_by_key(|leaf| is_position(graph, leaf));
    } else {
        unfed.sort_by_key(|leaf| leaf.shape[0]);
    }
    let (positions, constant_types) = match (unfed.pop(), unfed.pop()) {
        (Some(positions), constant) if types.is_none() || constant.is_none() => (positions, constant),
        _ => return Err(graph.unexpected(norm.input, "a sum of word, position and token-type embeddings")),
    };
    let inputs = input_roles(graph, &words, types.as_ref())?;
    let hidden = words.shape[1];
    let (type_rows, type_values) = match types.or(constant_types) {
        Some(table) if table.input.is_some() => (table.shape[0], table.values),
        Some(row) => (SEGMENTS, row.values[..row.shape[1]].repeat(SEGMENTS)),
        None => (SEGMENTS, vec![0.0; SEGMENTS * hidden]),
    };
    let sizes = [words.shape[0], positions.shape[0]];
    weights.add(TYPES, vec![type_rows, type_values.len() / type_rows], type_values)?;
    weights.add(WORDS, words.shape.to_vec(), words.values)?;
    weights.add(POSITIONS, positions.shape.to_vec(), positions.values)?;
    weights.layer_norm("embeddings.LayerNorm", norm)?;
    Ok(Embeddings { vocab_size: sizes[0], max_positions: sizes[1], type_vocab: type_rows, hidden, inputs })
}

/// Reads a term of the sum: rows that a Gather chooses from a constant table, or constant rows.
fn leaf<'a>(graph: &Graph<'a>, value: &'a str) -> Result<Leaf<'a>> {
    let expected = "an embedding (Gather from a constant table, or a constant)";
    let mut at = graph.source(value);
    if let Some(node) = graph.producer(at).filter(|n| n.op_type == "Gather" && attribute_int(n, "axis", 0) == 0)
        && let Some([table, ids]) = inputs(node)
        && graph.is_constant(table)
    {
        let behind = graph.inputs_behind(ids);
        let input = behind.first().copied();
        if input.is_some_and(|input| behind.len() > 1 || graph.source(ids) != input) {
            let problem = "chooses rows by numbers that it computes from the tokens, as RoBERTa does; the positions of a \
                           BERT count from 0 in every row";
            return Err(graph.error_at(node, problem));
        }
        let (shape, values) = graph.floats(table)?;
        return Ok(Leaf { shape: matrix(&shape, table, graph.file_name)?, values, ids: Some(ids), input });
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
    Ok(Leaf { shape: matrix(&shape, at, graph.file_name)?, values, ids: None, input: None })
}

/// Whether `a` and not `b` is the table of words, if inputs feed both.
fn words_first(a: &Leaf, b: &Leaf) -> bool {
    match (a.input, b.input) {
        (Some("input_ids"), _) | (_, Some("token_type_ids")) => true,
        (Some("token_type_ids"), _) | (_, Some("input_ids")) => false,
        _ => a.shape[0] > b.shape[0],
    }
}

/// Whether the ids of a table count up: whether they come from a Range or from a constant `0, 1, 2, …`.
fn is_position<'a>(graph: &Graph<'a>, leaf: &Leaf<'a>) -> bool {
    let counts = |ids: Vec<i64>| ids.len() > 1 && ids.iter().enumerate().all(|(at, &id)| id == at as i64);
    leaf.ids.is_some_and(|ids| {
        graph.any_behind(ids, |value| {
            graph.ints(value).is_some_and(counts) || graph.producer(value).is_some_and(|n| n.op_type == "Range")
        })
    })
}

/// The role of each input. The one that feeds no table is the attention mask.
fn input_roles<'a>(graph: &Graph<'a>, words: &Leaf<'a>, types: Option<&Leaf<'a>>) -> Result<Inputs> {
    let (words, types) = (words.input, types.and_then(|leaf| leaf.input));
    let mut roles = Vec::new();
    for input in graph.inputs() {
        let role = match Some(input) {
            name if name == words => "input_ids",
            name if name == types => "token_type_ids",
            _ => "attention_mask",
        };
        if let Some((other, _)) = roles.iter().find(|(_, known)| *known == role) {
            let problem = format!("has the inputs `{other}` and `{input}`, but only one of them can be the {role}");
            return Err(Error::file(graph.file_name, problem));
        }
        roles.push((input.to_owned(), role));
    }
    Ok(Inputs { roles })
}
