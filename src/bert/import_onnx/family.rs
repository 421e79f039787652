//! Names the architecture of a model that is none of the supported ones.

use super::layers::Parts;
use super::weights::Weights;
use crate::bert::families::UNSUPPORTED;
use crate::error::{Error, Result};
use crate::onnx::pb;

/// What is supported.
const SUPPORTED: &str = "supported: BERT, DistilBERT, RoBERTa (CamemBERT, XLM-RoBERTa) and ELECTRA";

/// Replaces an error by one that names the architecture, if names in `model` show that it is not a supported one.
pub fn explain<T>(result: Result<T>, model: &pb::ModelProto, file_name: &str) -> Result<T> {
    let named = || model.graph.as_ref().and_then(named);
    match result {
        Err(error) => Err(named().map_or(error, |(name, family, needs)| {
            let problem = format!(
                "is no BERT but a model of the family {family}, as the name `{name}` in it shows, which would need {needs}; \
                 {SUPPORTED}"
            );
            Error::file(file_name, problem)
        })),
        done => done,
    }
}

/// Refuses an ALBERT: behind the projection of its embeddings, all layers have the same weights.
pub fn refuse_shared_layers(found: &Parts, weights: &Weights, file_name: &str) -> Result<()> {
    let layers = found.layers.len();
    let query = |layer: usize| weights.values(&format!("encoder.layer.{layer}.attention.self.query.weight"));
    if found.project.is_none() || layers == 1 || (1..layers).any(|layer| query(layer) != query(0)) {
        return Ok(());
    }
    let problem = format!(
        "is an ALBERT: its {layers} layers are one. It would need layers that share one set of weights; {SUPPORTED}"
    );
    Err(Error::file(file_name, problem))
}

/// The first name in `graph` that contains the word of a family, the family, and what it would need.
fn named(graph: &pb::GraphProto) -> Option<(&str, &'static str, &'static str)> {
    let names = graph.initializer.iter().map(|tensor| &tensor.name).chain(graph.node.iter().map(|node| &node.name));
    names.into_iter().find_map(|name| {
        // Some words have an underscore in them.
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let mut words = words.chain(name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        let is = |word: &str, known: &&str| word.eq_ignore_ascii_case(known);
        let family =
            words.find_map(|word| UNSUPPORTED.iter().find(|other| other.words.iter().any(|known| is(word, known))));
        family.map(|family| (name.as_str(), family.name, family.needs))
    })
}
