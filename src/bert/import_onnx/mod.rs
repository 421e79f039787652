//! Imports ONNX exports of BERT classifiers. Finds the weights by the structure of the graph, not by names, and
//! verifies the result: the original and the imported model must return the same logits.
//!
//! The steps, each in a file: `dequantize` rewrites INT8 files of other tools to FP32, if the caller wants that; `outputs`
//! chooses the logits; `prepare` checks the operators and removes dead nodes; `plain` rewrites half precision and foreign
//! GELUs; `layers` walks from the logits to the embeddings, with the help of `pooling`, `attention`, `activation` and
//! `graph`; `heads` finds the number of heads; `embeddings`, `positions` and `weights` load the tensors; `inputs` names the
//! inputs; `verify` compares logits. `beside` finds a config.json. If anything fails, `family` looks for the name of
//! another architecture.

mod activation;
mod attention;
mod beside;
mod constants;
mod dequantize;
mod embeddings;
mod family;
mod graph;
mod heads;
mod inputs;
mod layers;
mod outputs;
mod plain;
mod pooling;
mod positions;
mod prepare;
mod verify;
mod weights;

use super::{Bert, BertConfig, Head, embedded_config};
use crate::error::{Error, Result};
use crate::files::{Disk, Files};
use crate::onnx::{GraphIndex, decode_model, load_external, pb, refuse_external};
use crate::task::Problem;
use graph::Graph;
use heads::Heads;
use std::path::Path;
use verify::Original;
use weights::Weights;

/// Facts that an ONNX file may lack.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The number of attention heads, for graphs that do not show it.
    pub heads: Option<usize>,
    /// The name of each class, by class id.
    pub labels: Option<Vec<String>>,
    /// The name of the output that holds the logits, for files with several.
    pub output: Option<String>,
    /// Whether to accept a file that another tool quantized to INT8, and to dequantize its weights. They keep the errors of
    /// that quantization.
    pub requantize: bool,
}

/// Imports the BERT sequence classifier in the bytes of an ONNX file. `file_name` is for errors.
///
/// The file may come from any exporter that writes standard ONNX operators. Runs the imported model and the original on
/// a few inputs, and refuses the model if their logits differ.
///
/// # Errors
/// If the bytes are no such model, or tensors are in other files, which only [`import_onnx_file`] reads.
pub fn import_onnx(bytes: &[u8], file_name: &str, options: &ImportOptions) -> Result<Bert> {
    import(bytes, None, file_name, options)
}

/// Like [`import_onnx`], for a file on disk. Also reads tensors from the files in which the model keeps them, and class
/// names, heads and the kind of problem from a config.json in the same folder, or above a folder called `onnx`.
///
/// # Errors
/// As [`import_onnx`]; also if a tensor's file is missing, too short or outside of the model's folder, or if the
/// config.json belongs to another kind of model.
pub fn import_onnx_file(path: &Path, options: &ImportOptions) -> Result<Bert> {
    import_onnx_in(&Disk, path, options)
}

/// Like [`import_onnx_file`], for a file of `files`.
///
/// # Errors
/// As [`import_onnx_file`].
pub fn import_onnx_in(files: &dyn Files, path: &Path, options: &ImportOptions) -> Result<Bert> {
    let bytes = files.read(path).map_err(|e| Error::io("read", path, e))?;
    import(&bytes, Some(Place { files, path }), &path.display().to_string(), options)
}

/// Where an ONNX file is, and other files may be beside it.
#[derive(Clone, Copy)]
struct Place<'a> {
    files: &'a dyn Files,
    path: &'a Path,
}

/// Loads into `graph` the tensors that a model keeps in other files. Returns the number of bytes read. Without a `place`, there
/// must be none.
fn load_others(graph: &mut pb::GraphProto, place: Option<Place>, file_name: &str) -> Result<usize> {
    match place {
        Some(Place { files, path }) => load_external(graph, files, path),
        None => refuse_external(graph, file_name).map(|()| 0),
    }
}

fn import(bytes: &[u8], place: Option<Place>, file_name: &str, options: &ImportOptions) -> Result<Bert> {
    let mut model = decode_model(bytes, file_name)?;
    let hint = match (embedded_config(&model), place) {
        (None, Some(Place { files, path })) => beside::config(files, path)?,
        (embedded, _) => embedded,
    };
    let mut size = bytes.len();
    if options.requantize {
        size += dequantize::dequantize(&mut model, place, size, file_name)?;
    }
    let prepared = prepare::prepare(&mut model, options.output.as_deref(), file_name);
    let ending = family::explain(prepared, &model, file_name)?;
    let graph = model.graph.get_or_insert_default();
    let beside = load_others(graph, place, file_name)?;
    let half = plain::widen(graph, file_name)?;
    let graph = Graph::new(GraphIndex::new(graph), file_name, half);
    let found = read(graph, size + beside, options, hint, ending);
    let Found { bert, inputs, padding, counts_padding } = family::explain(found, &model, file_name)?;
    inputs.rename(&mut model, file_name)?;
    verify::verify(Original { model, half, padding, counts_padding }, &bert, file_name)?;
    Ok(bert)
}

/// What was found in a graph.
struct Found {
    bert: Bert,
    /// The roles of the graph's inputs.
    inputs: inputs::Inputs,
    /// The id of padding, if positions depend on it.
    padding: Option<i64>,
    /// Whether padding counts in the mean over tokens.
    counts_padding: bool,
}

/// The model in `graph`, whose files have `size` bytes. `hint` is a configuration that belongs to the file, and `ending`
/// what the end of the graph tells about the logits.
fn read(
    graph: Graph,
    size: usize,
    options: &ImportOptions,
    hint: Option<BertConfig>,
    ending: Option<Problem>,
) -> Result<Found> {
    let file_name = graph.file_name;
    graph.check_sizes()?;
    let found = layers::find(&graph)?;
    let mut weights = Weights::new(&graph, size);
    let embeddings = embeddings::load(&graph, &found.embeddings, &mut weights)?;
    let layer_norm_eps = layers::epsilon(&graph, &found)?;
    let (hidden, embedding_size) = match &found.project {
        Some(project) => (weights.linear("embeddings_project", project)?, Some(embeddings.features)),
        None => (embeddings.features, None),
    };
    let heads = Heads { options: options.heads, hint: hint.as_ref().map(|config| config.heads) };
    let heads = heads.find(&graph, &found.layers, hidden)?;
    let activation = layers::activation(&graph, &found)?;
    let intermediate = layers::load(&found, &mut weights)?;
    family::refuse_shared_layers(&found, &weights, file_name)?;
    let classes = weights.linear("classifier", &found.classifier)?;
    let pooler = found.pooler;
    if let Some((_, dense)) = &pooler.dense {
        weights.linear("pooler.dense", dense)?;
    }
    let fits = hint.as_ref().filter(|config| config.labels.len() == classes);
    let problem = match (ending, fits.map(|config| config.problem)) {
        (Some(Problem::SingleLabel), _) if classes == 1 => {
            let problem = "has one label and a softmax, which is always 1; is this a sequence classifier?";
            return Err(Error::file(file_name, problem));
        }
        (Some(problem), _) | (None, Some(problem)) => problem,
        (None, None) if classes == 1 => Problem::Regression,
        (None, None) => Problem::SingleLabel,
    };
    let config = BertConfig {
        vocab_size: embeddings.vocab_size,
        hidden,
        layers: found.layers.len(),
        heads,
        intermediate,
        max_positions: embeddings.max_positions,
        type_vocab: embeddings.type_vocab,
        padding_id: match embeddings.padding {
            Some(id) => usize::try_from(id).ok(),
            // A file of bert8 counts every token, and has this from the file that it comes from.
            None => hint.as_ref().and_then(|config| config.padding_id),
        },
        embedding_size,
        layer_norm_eps,
        activation,
        head: Head { pooling: pooler.rows.pooling, dense: pooler.dense.map(|(function, _)| function) },
        labels: labels(classes, file_name, options, fits)?,
        problem,
        texts: hint.as_ref().and_then(|config| config.texts),
    };
    Ok(Found {
        bert: Bert::new(config, weights.finish(), file_name)?,
        inputs: embeddings.inputs,
        padding: embeddings.padding,
        counts_padding: pooler.rows.counts_padding,
    })
}

/// The class names of a classifier with `classes` classes. `hint` is a configuration with as many.
fn labels(classes: usize, file_name: &str, options: &ImportOptions, hint: Option<&BertConfig>) -> Result<Vec<String>> {
    match (&options.labels, hint) {
        (Some(labels), _) if labels.len() == classes => Ok(labels.clone()),
        (Some(labels), _) => Err(Error::Argument(format!(
            "{} class names were given, but the classifier in {file_name} has {classes} classes",
            labels.len()
        ))),
        (None, Some(hint)) => Ok(hint.labels.clone()),
        (None, _) if classes > 1 << 16 => Err(Error::file(
            file_name,
            format!("has a classifier of {classes} classes; is this a sequence classifier?"),
        )),
        (None, _) => Ok((0..classes).map(|id| format!("LABEL_{id}")).collect()),
    }
}
