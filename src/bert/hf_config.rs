//! Reads the config.json of Hugging Face models.

use super::{BertConfig, Head};
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::task::Problem;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// Architectures with other heads than a sequence classifier's.
const OTHER_HEADS: [&str; 8] = [
    "BertModel",
    "BertForMaskedLM",
    "BertForMultipleChoice",
    "BertForNextSentencePrediction",
    "BertForPreTraining",
    "BertForQuestionAnswering",
    "BertForTokenClassification",
    "BertLMHeadModel",
];

/// The fields of config.json that are used, with transformers' defaults.
#[derive(Deserialize)]
struct HfConfig {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "default_eps")]
    layer_norm_eps: f32,
    #[serde(default = "default_act")]
    hidden_act: String,
    #[serde(default)]
    id2label: BTreeMap<String, Value>,
    num_labels: Option<usize>,
    problem_type: Option<String>,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    #[serde(default)]
    is_decoder: bool,
    #[serde(default)]
    pruned_heads: Map<String, Value>,
}

fn two() -> usize {
    2
}
fn default_eps() -> f32 {
    1e-12
}
fn default_act() -> String {
    "gelu".to_owned()
}
fn absolute() -> String {
    "absolute".to_owned()
}

/// Parses a Hugging Face config.json; errors name the file `file_name`.
pub fn parse_config(bytes: &[u8], file_name: &str) -> Result<BertConfig> {
    let not_a_config = |e: serde_json::Error| Error::file_from(file_name, "is not a BERT configuration", e);
    let bad = |field, problem: String| Err(Error::Config { file: file_name.to_owned(), field, problem });
    let mut fields: Map<String, Value> = serde_json::from_slice(bytes).map_err(not_a_config)?;
    fields.retain(|_, value| !value.is_null());
    // Checked first, because other architectures name their sizes differently.
    check_architecture(&fields, file_name)?;
    let hf: HfConfig = serde_json::from_value(Value::Object(fields)).map_err(not_a_config)?;
    if hf.position_embedding_type != "absolute" {
        return bad(
            "position_embedding_type",
            format!("is `{}`; only `absolute` is supported", hf.position_embedding_type),
        );
    }
    if hf.is_decoder {
        return bad("is_decoder", "is true; only encoders are supported".to_owned());
    }
    if !hf.pruned_heads.is_empty() {
        return bad("pruned_heads", "names attention heads; models with pruned heads are not supported".to_owned());
    }
    let Some(activation) = Activation::from_hidden_act(&hf.hidden_act) else {
        return bad(
            "hidden_act",
            format!("is `{}`; supported: gelu, gelu_new, gelu_pytorch_tanh, relu", hf.hidden_act),
        );
    };
    let labels = labels(&hf, file_name)?;
    match hf.problem_type.as_deref() {
        Some("regression") if labels.len() != 1 => {
            return bad("problem_type", format!("is `regression` with {} outputs; expected one", labels.len()));
        }
        Some("multi_label_classification") => {
            let problem =
                "is `multi_label_classification`; supported: models that choose one class or return one score";
            return bad("problem_type", problem.to_owned());
        }
        _ => {}
    }
    let config = BertConfig {
        vocab_size: hf.vocab_size,
        hidden: hf.hidden_size,
        layers: hf.num_hidden_layers,
        heads: hf.num_attention_heads,
        intermediate: hf.intermediate_size,
        max_positions: hf.max_position_embeddings,
        type_vocab: hf.type_vocab_size,
        embedding_size: None,
        layer_norm_eps: hf.layer_norm_eps,
        activation,
        head: Head::BERT,
        problem: if labels.len() == 1 { Problem::Regression } else { Problem::SingleLabel },
        labels,
        texts: None,
    };
    config.validate(file_name)?;
    Ok(config)
}

/// Reads the config.json beside the ONNX file `model`, where exporters put it. Returns `None` if there is none or if it is not
/// the config.json of a Hugging Face model.
///
/// # Errors
/// Fails as [`parse_config`] does.
pub fn config_beside(model: &Path) -> Result<Option<BertConfig>> {
    let path = model.with_file_name("config.json");
    let Ok(bytes) = std::fs::read(&path) else { return Ok(None) };
    let fields: Option<Map<String, Value>> = serde_json::from_slice(&bytes).ok();
    match fields.is_some_and(|fields| fields.contains_key("model_type")) {
        true => parse_config(&bytes, &path.display().to_string()).map(Some),
        false => Ok(None),
    }
}

/// Fails unless the fields describe a BERT sequence classifier.
fn check_architecture(fields: &Map<String, Value>, file_name: &str) -> Result<()> {
    let bad = |field, problem: String| Err(Error::Config { file: file_name.to_owned(), field, problem });
    if let Some(kind) = fields.get("model_type").filter(|kind| *kind != "bert") {
        let kind = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
        return bad("model_type", format!("is `{kind}`; only `bert` is supported"));
    }
    let names = fields.get("architectures").and_then(Value::as_array);
    match names.into_iter().flatten().find_map(Value::as_str) {
        Some(name) if !name.starts_with("Bert") || OTHER_HEADS.contains(&name) => {
            bad("architectures", format!("names `{name}`; only `BertForSequenceClassification` is supported"))
        }
        _ => Ok(()),
    }
}

/// The name of every class, by class id.
fn labels(hf: &HfConfig, file_name: &str) -> Result<Vec<String>> {
    if hf.id2label.is_empty() {
        return Ok((0..hf.num_labels.unwrap_or(2).min(1 << 16)).map(|id| format!("LABEL_{id}")).collect());
    }
    let name = |id: usize| match hf.id2label.get(&id.to_string()) {
        Some(Value::String(label)) => Ok(label.clone()),
        Some(label @ (Value::Number(_) | Value::Bool(_))) => Ok(label.to_string()),
        other => {
            let problem = match other {
                Some(label) => format!("names class {id} {label}; expected a string"),
                None => format!("has {} labels but no id {id}", hf.id2label.len()),
            };
            Err(Error::Config { file: file_name.to_owned(), field: "id2label", problem })
        }
    };
    (0..hf.id2label.len()).map(name).collect()
}
