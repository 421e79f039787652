//! Reads the config.json that exporters put beside an ONNX file.

use crate::bert::BertConfig;
use crate::bert::hf_config::parse_config;
use crate::error::Result;
use crate::task::{Problem, Texts};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// What a configuration tells besides the graph.
#[derive(Default)]
pub struct Hint {
    /// The number of attention heads.
    pub heads: Option<usize>,
    /// The name of each class, by class id. Empty if unknown.
    pub labels: Vec<String>,
    /// What the logits mean.
    pub problem: Option<Problem>,
    /// How many texts the model reads at a time.
    pub texts: Option<Texts>,
}

impl From<BertConfig> for Hint {
    fn from(config: BertConfig) -> Self {
        Hint { heads: Some(config.heads), labels: config.labels, problem: Some(config.problem), texts: config.texts }
    }
}

/// The families, besides BERT, of which a config.json is only read for the labels: the graph tells the rest.
const FAMILIES: [&str; 5] = ["camembert", "distilbert", "electra", "roberta", "xlm-roberta"];

/// Reads the config.json of the ONNX file `model`: in the same folder or, if that is called `onnx`, in the one above, as
/// transformers.js has it. Returns `None` if there is none or if it is not the config.json of a Hugging Face model.
///
/// # Errors
/// As [`parse_config`].
pub fn hint(model: &Path) -> Result<Option<Hint>> {
    for path in places(model) {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(&bytes) else { continue };
        let Some(family) = fields.get("model_type") else { continue };
        return match family.as_str() {
            Some(family) if FAMILIES.contains(&family) => Ok(Some(labels(&fields))),
            _ => parse_config(&bytes, &path.display().to_string()).map(|config| Some(config.into())),
        };
    }
    Ok(None)
}

/// The labels and the kind of problem in a configuration.
fn labels(fields: &Map<String, Value>) -> Hint {
    let names = fields.get("id2label").and_then(Value::as_object);
    let label = |id: usize| names.and_then(|names| names.get(&id.to_string())?.as_str().map(str::to_owned));
    let labels: Option<Vec<String>> = (0..names.map_or(0, Map::len)).map(label).collect();
    let problem = match fields.get("problem_type").and_then(Value::as_str) {
        Some("regression") => Some(Problem::Regression),
        Some("single_label_classification") => Some(Problem::SingleLabel),
        Some("multi_label_classification") => Some(Problem::MultiLabel),
        _ => None,
    };
    Hint { labels: labels.unwrap_or_default(), problem, ..Hint::default() }
}

/// Where the config.json of `model` may be.
fn places(model: &Path) -> Vec<PathBuf> {
    let folder = model.parent().filter(|folder| folder.file_name().is_some_and(|name| name == "onnx"));
    let above = folder.map(|folder| folder.with_file_name("config.json"));
    std::iter::once(model.with_file_name("config.json")).chain(above).collect()
}
