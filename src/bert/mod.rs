//! The FP32 model: what every importer produces and everything else reads.

mod config;
mod emit;
mod folder;
mod graph;
mod hf_config;
mod import_onnx;
mod random;
mod save;

pub use config::BertConfig;
pub use emit::{Float, emit_fp32};
pub use folder::import_folder;
pub(crate) use graph::transpose;
pub use graph::{Lowering, build_graph, embedded_config};
pub use import_onnx::{ImportOptions, import_onnx, import_onnx_file};
pub use random::random_bert;
pub use save::{config_json, safetensors};

use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// A BERT sequence classifier in FP32: its configuration and every weight by its Hugging Face name without the `bert.`
/// prefix, row-major, in the shapes of [`BertConfig::tensor_shapes`].
#[derive(Debug, Clone, PartialEq)]
pub struct Bert {
    config: BertConfig,
    weights: BTreeMap<String, Vec<f32>>,
}

impl Bert {
    /// Puts a model together after checking that every weight is there, has the right number of values and is finite.
    /// `weights` gives each tensor's shape and values; tensors the architecture does not name are dropped. `file` is
    /// named in errors.
    pub fn new(config: BertConfig, mut weights: BTreeMap<String, (Vec<usize>, Vec<f32>)>, file: &str) -> Result<Self> {
        config.validate(file)?;
        let mut kept = BTreeMap::new();
        for (name, shape) in config.tensor_shapes() {
            let Some((found, values)) = weights.remove(&name) else {
                return Err(Error::tensor(file, name, format!("is missing; expected shape {shape:?}")));
            };
            if found != shape || values.len() != shape.iter().product::<usize>() {
                return Err(Error::tensor(file, name, format!("has shape {found:?}, expected {shape:?}")));
            }
            if let Some(at) = values.iter().position(|v| !v.is_finite()) {
                return Err(Error::tensor(
                    file,
                    name,
                    format!("holds {} at index {at}; every weight must be a finite number", values[at]),
                ));
            }
            kept.insert(name, values);
        }
        Ok(Bert { config, weights: kept })
    }

    /// The architecture.
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// The values of one tensor that [`BertConfig::tensor_shapes`] names.
    ///
    /// # Panics
    /// If the architecture has no such tensor.
    pub fn weight(&self, name: &str) -> &[f32] {
        self.weights.get(name).unwrap_or_else(|| panic!("the architecture has no tensor `{name}`"))
    }
}
