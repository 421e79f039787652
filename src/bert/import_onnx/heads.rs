//! Finds the number of attention heads: from the shapes that split queries, the scale of the scores, or the caller.

use super::attention::{Attention, Factor};
use super::graph::Graph;
use super::layers::Layer;
use crate::error::{Error, Result};
use crate::onnx::pb;

/// The most operators that compute a factor of the scores.
const DEPTH: usize = 14;

/// What sources other than the graph say about the number of heads.
pub struct Heads {
    /// The caller's number.
    pub options: Option<usize>,
    /// The number in the file's metadata, or in a config.json beside the file.
    pub hint: Option<usize>,
}

impl Heads {
    /// The number of heads of a model with these layers.
    ///
    /// # Errors
    /// If no source knows the number, two disagree, or a layer does not scale its scores by `1/√(features per head)`.
    pub fn find(&self, graph: &Graph, layers: &[Layer], hidden: usize) -> Result<usize> {
        let first = &layers[0].attention;
        let derived = from_reshapes(graph, first, hidden).or_else(|| from_scale(graph, first, hidden));
        let heads = match (derived, self.options, self.hint) {
            (Some(derived), Some(given), _) if derived != given => {
                let problem = format!("splits queries into {derived} heads, but {given} heads were given");
                return Err(Error::heads(graph.file_name, problem));
            }
            (Some(heads), ..) | (None, Some(heads), _) | (None, None, Some(heads)) => heads,
            (None, None, None) => {
                return Err(Error::heads(
                    graph.file_name,
                    "does not tell how many attention heads it has; set the number of heads",
                ));
            }
        };
        if heads == 0 || !hidden.is_multiple_of(heads) {
            let problem = format!("{heads} attention heads do not divide the hidden size {hidden}");
            return Err(Error::heads(graph.file_name, problem));
        }
        let head_size = (hidden / heads) as f64;
        for layer in layers {
            let scale = scale(graph, &layer.attention.factors, head_size);
            if !scale.is_some_and(|s| (s * head_size.sqrt() - 1.0).abs() < 1e-3) {
                let found = scale.map_or("an unknown number".to_owned(), |s| s.to_string());
                let problem = format!(
                    "node `{}` (Softmax) reads scores scaled by {found}, expected 1/√{head_size} for {heads} heads; set the \
                     number of heads if it is another",
                    layer.attention.softmax.name
                );
                return Err(Error::heads(graph.file_name, problem));
            }
        }
        Ok(heads)
    }
}

/// The product of all factors, for heads of `head_size` features; `None` if a factor is unknown.
fn scale<'a>(graph: &Graph<'a>, factors: &[Factor<'a>], head_size: f64) -> Option<f64> {
    factors.iter().try_fold(1.0, |scale, factor| {
        let number = graph.factor(factor.value, head_size, DEPTH)?;
        Some(if factor.divides { scale / number } else { scale * number })
    })
}

/// Derives the heads from a constant scale, which is `1/√(features per head)`.
fn from_scale(graph: &Graph, attention: &Attention, hidden: usize) -> Option<usize> {
    let head_size = scale(graph, &attention.factors, f64::NAN)?.powi(-2);
    let rounded = head_size.round();
    let sound = (1.0..=hidden as f64).contains(&rounded) && (head_size / rounded - 1.0).abs() < 1e-3;
    (sound && hidden.is_multiple_of(rounded as usize)).then(|| hidden / rounded as usize)
}

/// Derives the heads from a Reshape to `[batch, sequence, heads, features per head]`.
fn from_reshapes(graph: &Graph, attention: &Attention, hidden: usize) -> Option<usize> {
    attention.reshapes.iter().find_map(|node| {
        let shape = shape_of(graph, node)?;
        let [_, _, heads, size] = shape[..] else { return None };
        let known = |d: Option<i64>| d.and_then(|d| usize::try_from(d).ok()).filter(|&d| d > 0);
        match (known(heads), known(size)) {
            (Some(heads), Some(size)) => (heads.checked_mul(size) == Some(hidden)).then_some(heads),
            (Some(heads), None) => hidden.is_multiple_of(heads).then_some(heads),
            (None, Some(size)) => hidden.is_multiple_of(size).then(|| hidden / size),
            (None, None) => None,
        }
    })
}

/// The target shape of a Reshape, with `None` for unknown sizes. It must be a constant, or a Concat of constants and
/// single sizes.
fn shape_of<'a>(graph: &Graph<'a>, reshape: &'a pb::NodeProto) -> Option<Vec<Option<i64>>> {
    let shape = reshape.input.get(1)?;
    if let Some(known) = graph.ints(shape) {
        return Some(known.into_iter().map(Some).collect());
    }
    let concat = graph.made_by(shape, "Concat")?;
    if concat.input.len() > 4 {
        return None;
    }
    let pieces = concat.input.iter().map(|piece| match graph.ints(piece) {
        Some(known) => known.into_iter().map(Some).collect(),
        None => vec![None],
    });
    Some(pieces.flatten().collect())
}
