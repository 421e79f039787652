//! The FP32 model [`Bert`]: every importer returns one, and everything else starts from one.
//!
//! - **Import**: [`import_folder`] reads a Hugging Face model folder, [`import_onnx`](import_onnx()) and [`import_onnx_file`] an ONNX export.
//!   The ONNX importer recognizes BERT by the structure of the graph, and checks its result by running both models.
//!   [`random_bert`] makes a model with random weights.
//! - **Graph**: [`build_graph`] writes the ONNX graph of a model. It leaves embedding tables, linear layers and attention
//!   scores, the parts that quantization changes, to a [`Lowering`]. [`Float`] is the FP32 lowering; `quantize` has those of
//!   the INT8 formats, and one that records calibration statistics.
//! - **Export**: [`emit_fp32`] returns the FP32 ONNX model; [`config_json`] and [`safetensors`](safetensors()) return the files of a Hugging
//!   Face model folder.
//!
//! # Names
//!
//! Weight tensors have their Hugging Face names without the `bert.` prefix, such as `encoder.layer.0.intermediate.dense.weight`.
//! The graph's nodes and values follow them: the value `encoder.layer.0.intermediate.dense` is that layer's output.
//! [`BertConfig::tensor_shapes`] lists all tensors.

mod checkpoint;
mod config;
mod emit;
mod families;
mod folder;
mod graph;
mod head;
mod hf_config;
mod hf_fields;
mod import_onnx;
mod padding;
mod random;
mod save;

pub use config::BertConfig;
pub use emit::{Float, emit_fp32};
pub use folder::{import_bytes, import_folder, import_folder_in};
pub(crate) use graph::transpose;
pub use graph::{Lowering, build_graph, embedded_config};
pub use head::{Head, HeadActivation, Pooling};
pub use import_onnx::{ImportOptions, import_onnx, import_onnx_file, import_onnx_in};
pub use random::random_bert;
pub use save::{config_json, safetensors};

use crate::error::{Error, Result};
use crate::files::{Files, model_file};
use crate::task::{Problem, Texts};
use std::collections::BTreeMap;
use std::path::Path;

/// Imports `model` of `files`: an ONNX file, a folder with one, or a Hugging Face folder. [`model_file`] decides which.
///
/// # Errors
/// As [`import_folder`] and [`import_onnx_file`].
pub fn import_model(files: &dyn Files, model: &Path, options: &ImportOptions) -> Result<Bert> {
    match model_file(files, model) {
        Some(file) => import_onnx_in(files, &file, options),
        None => import_folder_in(files, model),
    }
}

/// A BERT sequence classifier in FP32: its architecture and all its weights. Weights are row-major, with the names and shapes of
/// [`BertConfig::tensor_shapes`].
#[derive(Debug, Clone, PartialEq)]
pub struct Bert {
    config: BertConfig,
    weights: BTreeMap<String, Vec<f32>>,
    notes: Vec<String>,
}

impl Bert {
    /// Builds a model from its weights. `weights` holds the shape and the values of each tensor by name; tensors that the
    /// architecture does not have are dropped.
    ///
    /// # Errors
    /// Fails if `config` is not valid, or if a tensor is missing, has another shape, or holds a value that is not finite. Errors
    /// name the file `file_name`.
    pub fn new(
        config: BertConfig,
        mut weights: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
        file_name: &str,
    ) -> Result<Self> {
        config.validate(file_name)?;
        let mut kept = BTreeMap::new();
        for (name, shape) in config.tensor_shapes() {
            let Some((found, values)) = weights.remove(&name) else {
                return Err(Error::tensor(file_name, name, format!("is missing; expected shape {shape:?}")));
            };
            if found != shape || values.len() != shape.iter().product::<usize>() {
                return Err(Error::tensor(file_name, name, format!("has shape {found:?}, expected {shape:?}")));
            }
            if let Some(at) = values.iter().position(|v| !v.is_finite()) {
                return Err(Error::tensor(
                    file_name,
                    name,
                    format!("holds {} at index {at}; every weight must be a finite number", values[at]),
                ));
            }
            kept.insert(name, values);
        }
        Ok(Bert { config, weights: kept, notes: Vec::new() })
    }

    /// The architecture.
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// What the importer decided that the model's user should know, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the model with another meaning of its logits, or another number of texts.
    ///
    /// # Errors
    /// Fails if `problem` does not fit the number of labels.
    pub fn with_task(mut self, problem: Problem, texts: Option<Texts>) -> Result<Self> {
        (self.config.problem, self.config.texts) = (problem, texts);
        self.config.validate("the task")?;
        Ok(self)
    }

    /// The values of the weight tensor `name`, row-major.
    ///
    /// # Panics
    /// If [`BertConfig::tensor_shapes`] does not list `name`.
    pub fn weight(&self, name: &str) -> &[f32] {
        self.weights.get(name).unwrap_or_else(|| panic!("the architecture has no tensor `{name}`"))
    }
}
