//! Import of a Hugging Face model folder: config.json and model.safetensors.

use super::{Bert, BertConfig};
use crate::activation::Activation;
use crate::error::{Error, Result};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// Reads `config.json` and `model.safetensors` (f32, f16 or bf16, with or without the `bert.` prefix) from `folder`.
pub fn import_folder(folder: &Path) -> Result<Bert> {
    let config_path = folder.join("config.json");
    let config = parse_config(&read(&config_path)?, &config_path.display().to_string())?;
    let weights_path = folder.join("model.safetensors");
    if !weights_path.exists() && folder.join("pytorch_model.bin").exists() {
        return Err(Error::file(
            folder.display().to_string(),
            "has pytorch_model.bin but no model.safetensors; convert it with Python: model = \
             AutoModelForSequenceClassification.from_pretrained('.'); model.save_pretrained('.', safe_serialization=True)",
        ));
    }
    let file = weights_path.display().to_string();
    let weights = parse_weights(&read(&weights_path)?, &config, &file)?;
    Bert::new(config, weights, &file)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::io("read", path, e))
}

#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
}

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
    id2label: BTreeMap<String, String>,
    num_labels: Option<usize>,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    #[serde(default)]
    is_decoder: bool,
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

/// Parses a Hugging Face config.json; `file` is named in errors.
pub fn parse_config(bytes: &[u8], file: &str) -> Result<BertConfig> {
    let no_config = |e: serde_json::Error| Error::file(file, format!("is not a BERT configuration: {e}"));
    let bad = |field, problem: String| Err(Error::Config { file: file.to_owned(), field, problem });
    // Before the sizes, which other architectures have other names for.
    let kind: Kind = serde_json::from_slice(bytes).map_err(no_config)?;
    if let Some(kind) = kind.model_type.filter(|kind| kind != "bert") {
        return bad("model_type", format!("is `{kind}`; only `bert` is supported"));
    }
    let hf: HfConfig = serde_json::from_slice(bytes).map_err(no_config)?;
    if hf.position_embedding_type != "absolute" {
        return bad(
            "position_embedding_type",
            format!("is `{}`; only `absolute` is supported", hf.position_embedding_type),
        );
    }
    if hf.is_decoder {
        return bad("is_decoder", "is true; only encoders are supported".to_owned());
    }
    let Some(activation) = Activation::from_hidden_act(&hf.hidden_act) else {
        return bad(
            "hidden_act",
            format!("is `{}`; supported: gelu, gelu_new, gelu_pytorch_tanh, relu", hf.hidden_act),
        );
    };
    let labels = if hf.id2label.is_empty() {
        (0..hf.num_labels.unwrap_or(2).min(1 << 16)).map(|i| format!("LABEL_{i}")).collect()
    } else {
        let mut labels = Vec::new();
        for id in 0..hf.id2label.len() {
            match hf.id2label.get(&id.to_string()) {
                Some(label) => labels.push(label.clone()),
                None => return bad("id2label", format!("has {} labels but no id {id}", hf.id2label.len())),
            }
        }
        labels
    };
    let config = BertConfig {
        vocab_size: hf.vocab_size,
        hidden: hf.hidden_size,
        layers: hf.num_hidden_layers,
        heads: hf.num_attention_heads,
        intermediate: hf.intermediate_size,
        max_positions: hf.max_position_embeddings,
        type_vocab: hf.type_vocab_size,
        layer_norm_eps: hf.layer_norm_eps,
        activation,
        labels,
    };
    config.validate(file)?;
    Ok(config)
}

/// Every tensor's shape and values, by name.
type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn parse_weights(bytes: &[u8], config: &BertConfig, file: &str) -> Result<Weights> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|e| Error::file(file, format!("is not a safetensors file, or is cut off: {e}")))?;
    let wanted: HashSet<String> = config.tensor_shapes().into_iter().map(|(name, _)| name).collect();
    let mut weights = BTreeMap::new();
    for (name, view) in tensors.iter() {
        let short = name.strip_prefix("bert.").unwrap_or(name);
        if wanted.contains(short) {
            weights.insert(short.to_owned(), (view.shape().to_vec(), to_f32(&view, file, name)?));
        }
    }
    Ok(weights)
}

fn to_f32(view: &TensorView, file: &str, name: &str) -> Result<Vec<f32>> {
    let pairs = || view.data().chunks_exact(2).map(|b| [b[0], b[1]]);
    match view.dtype() {
        Dtype::F32 => Ok(view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
        Dtype::F16 => Ok(pairs().map(|b| f16::from_le_bytes(b).to_f32()).collect()),
        Dtype::BF16 => Ok(pairs().map(|b| bf16::from_le_bytes(b).to_f32()).collect()),
        other => Err(Error::tensor(file, name, format!("has element type {other:?}; supported: F32, F16, BF16"))),
    }
}
