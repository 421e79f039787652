//! Import of ONNX exports: finds a BERT classifier's weights by the structure of the graph, whatever its values and
//! nodes are called, and proves the result by running the original and the imported model side by side.

mod activation;
mod attention;
mod constants;
mod embeddings;
mod graph;
mod heads;
mod layers;
mod prepare;
mod verify;
mod weights;

use super::{Bert, BertConfig, embedded_config};
use crate::error::{Error, Result};
use crate::onnx::{GraphIndex, decode_model, pb};
use graph::Graph;
use heads::Heads;
use weights::Weights;

/// What an ONNX file may not tell about its model.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Attention heads, where the graph does not tell.
    pub heads: Option<usize>,
    /// A name for every class, by class id; from a configuration beside the file, if the caller has one.
    pub labels: Option<Vec<String>>,
}

/// Reads the BERT sequence classifier that an ONNX file holds. `file` is named in errors.
///
/// The file may come from any exporter that writes plain ONNX operators. The imported model is run against the
/// original on a few inputs and refused if their logits disagree.
pub fn import_onnx(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Bert> {
    let mut model = decode_model(bytes, file)?;
    let hint = embedded_config(&model);
    let graph = prepare::prepare(&mut model, file)?;
    let (bert, inputs) = read(graph, bytes.len(), file, options, hint)?;
    inputs.rename(&mut model, file)?;
    verify::verify(model, &bert, file)?;
    Ok(bert)
}

fn read(
    graph: &pb::GraphProto,
    file_size: usize,
    file: &str,
    options: &ImportOptions,
    hint: Option<BertConfig>,
) -> Result<(Bert, embeddings::Inputs)> {
    let graph = Graph::new(GraphIndex::new(graph), file);
    graph.check_sizes()?;
    let found = layers::find(&graph)?;
    let mut weights = Weights::new(&graph, file_size);
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
