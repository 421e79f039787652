//! Import of ONNX exports: finds a BERT classifier's weights by the structure of the graph, whatever its values and
//! nodes are called, and proves the result by running the original and the imported model side by side.

mod activation;
mod attention;
mod constants;
mod embeddings;
mod family;
mod graph;
mod heads;
mod layers;
mod plain;
mod prepare;
mod verify;
mod weights;

use super::hf_config::config_beside;
use super::{Bert, BertConfig, embedded_config};
use crate::error::{Error, Result};
use crate::onnx::{GraphIndex, decode_model, load_external, refuse_external};
use graph::Graph;
use heads::Heads;
use std::path::Path;
use weights::Weights;

/// What an ONNX file may not tell about its model.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Attention heads, where the graph does not tell.
    pub heads: Option<usize>,
    /// A name for every class, by class id; from a configuration beside the file, if the caller has one.
    pub labels: Option<Vec<String>>,
}

/// Reads the BERT sequence classifier that the bytes of an ONNX file hold. `file` is named in errors.
///
/// The file may come from any exporter that writes plain ONNX operators. The imported model is run against the
/// original on a few inputs and refused if their logits disagree.
///
/// # Errors
/// If the bytes are no such model, or leave tensors in other files, which [`import_onnx_file`] reads.
pub fn import_onnx(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Bert> {
    import(bytes, None, file, options)
}

/// [`import_onnx`] for a file on disk, with the tensors that it keeps in files beside it. What the graph does not tell,
/// class names above all, may come from the config.json in the same folder.
///
/// # Errors
/// As [`import_onnx`]; if a tensor's file is missing, too short or outside of the model's folder; and if the config.json is
/// that of another kind of model.
pub fn import_onnx_file(path: &Path, options: &ImportOptions) -> Result<Bert> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    import(&bytes, Some(path), &path.display().to_string(), options)
}

fn import(bytes: &[u8], path: Option<&Path>, file: &str, options: &ImportOptions) -> Result<Bert> {
    let mut model = decode_model(bytes, file)?;
    let hint = match (embedded_config(&model), path) {
        (None, Some(path)) => config_beside(path)?,
        (embedded, _) => embedded,
    };
    let prepared = prepare::prepare(&mut model, file);
    family::explain(prepared, &model, file)?;
    let graph = model.graph.get_or_insert_default();
    let beside = match path {
        Some(path) => load_external(graph, path)?,
        None => refuse_external(graph, file).map(|()| 0)?,
    };
    let half = plain::widen(graph, file)?;
    let found = read(Graph::new(GraphIndex::new(graph), file, half), bytes.len() + beside, options, hint);
    let (bert, inputs) = family::explain(found, &model, file)?;
    inputs.rename(&mut model, file)?;
    verify::verify(model, &bert, half, file)?;
    Ok(bert)
}

/// The model that `graph` holds, in files of `size` bytes, and the graph's inputs.
fn read(
    graph: Graph,
    size: usize,
    options: &ImportOptions,
    hint: Option<BertConfig>,
) -> Result<(Bert, embeddings::Inputs)> {
    let file = graph.file;
    graph.check_sizes()?;
    let found = layers::find(&graph)?;
    let mut weights = Weights::new(&graph, size);
    let embeddings = embeddings::load(&graph, &found.embeddings, &mut weights)?;
    let layer_norm_eps = layers::epsilon(&graph, &found)?;
    let heads = Heads { options: options.heads, hint: hint.as_ref().map(|config| config.heads) };
    let heads = heads.find(&graph, &found.layers, embeddings.hidden)?;
    let activation = layers::activation(&graph, &found)?;
    let intermediate = layers::load(&found, &mut weights)?;
    let classes = weights.linear("classifier", &found.classifier)?;
    weights.linear("pooler.dense", &found.pooler)?;
    let config = BertConfig {
        vocab_size: embeddings.vocab_size,
        hidden: embeddings.hidden,
        layers: found.layers.len(),
        heads,
        intermediate,
        max_positions: embeddings.max_positions,
        type_vocab: embeddings.type_vocab,
        layer_norm_eps,
        activation,
        labels: labels(classes, file, options, hint)?,
    };
    Ok((Bert::new(config, weights.finish(), file)?, embeddings.inputs))
}

fn labels(classes: usize, file: &str, options: &ImportOptions, hint: Option<BertConfig>) -> Result<Vec<String>> {
    match (&options.labels, hint) {
        (Some(labels), _) if labels.len() == classes => Ok(labels.clone()),
        (Some(labels), _) => Err(Error::Argument(format!(
            "{} class names were given, but the classifier in {file} has {classes} classes",
            labels.len()
        ))),
        (None, Some(hint)) if hint.labels.len() == classes => Ok(hint.labels),
        (None, _) if classes > 1 << 16 => {
            Err(Error::file(file, format!("has a classifier of {classes} classes; is this a sequence classifier?")))
        }
        (None, _) => Ok((0..classes).map(|id| format!("LABEL_{id}")).collect()),
    }
}
