//! Imports a Hugging Face model folder: config.json and model.safetensors, or the shards of model.safetensors.

use super::hf_config::parse_config;
use super::{Bert, BertConfig};
use crate::error::{Error, Result};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Reads a BERT sequence classifier from the Hugging Face model folder `folder`.
///
/// Reads `config.json` and either `model.safetensors` or the shards that `model.safetensors.index.json` names. Weights may be
/// F32, F16 or BF16; their names may have the `bert.` prefix or not.
///
/// # Errors
/// Fails if a file cannot be read, the configuration is not that of a supported model, or a weight tensor is missing, has
/// another shape or element type, or holds a value that is not finite. If the folder holds weights only in another format,
/// such as PyTorch's, the error tells how to convert them.
pub fn import_folder(folder: &Path) -> Result<Bert> {
    let config_path = folder.join("config.json");
    let config = parse_config(&read(&config_path)?, &config_path.display().to_string())?;
    let (main, files) = weight_files(folder)?;
    let mut weights = Weights::new();
    for file in files {
        read_weights(&read(&file)?, &config, &mut weights, &file.display().to_string())?;
    }
    Bert::new(config, weights, &main.display().to_string())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::io("read", path, e))
}

/// The content of model.safetensors.index.json.
#[derive(Deserialize)]
struct ShardIndex {
    /// The shard's file name for every tensor name.
    weight_map: BTreeMap<String, String>,
}

/// Returns the file that errors name if weights are missing, and the files that hold weights.
fn weight_files(folder: &Path) -> Result<(PathBuf, Vec<PathBuf>)> {
    let whole = folder.join("model.safetensors");
    let index_path = folder.join("model.safetensors.index.json");
    if whole.exists() || !index_path.exists() {
        return match weights_elsewhere(folder).filter(|_| !whole.exists()) {
            Some(error) => Err(error),
            None => Ok((whole.clone(), vec![whole])),
        };
    }
    let file_name = index_path.display().to_string();
    let index: ShardIndex = serde_json::from_slice(&read(&index_path)?)
        .map_err(|e| Error::file_from(&file_name, "is not the index of a sharded model", e))?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    // A name with a path could point outside the folder.
    if let Some(name) = names.iter().find(|name| Path::new(name).file_name() != Some(name.as_str().as_ref())) {
        return Err(Error::file(file_name, format!("names the shard `{name}`, expected a file beside it")));
    }
    Ok((index_path, names.into_iter().map(|name| folder.join(name)).collect()))
}

/// The error for a folder whose weights are in a format other than safetensors; `None` if there are no such files.
fn weights_elsewhere(folder: &Path) -> Option<Error> {
    let has = |name: &str| folder.join(name).exists();
    if let Some(name) = ["pytorch_model.bin", "pytorch_model.bin.index.json"].into_iter().find(|name| has(name)) {
        let problem = format!(
            "has {name} but no model.safetensors; convert it with Python: from transformers import \
             AutoModelForSequenceClassification as M; M.from_pretrained({folder:?}).save_pretrained({folder:?}, \
             safe_serialization=True)"
        );
        return Some(Error::file(folder.display().to_string(), problem));
    }
    if let Some(name) = ["tf_model.h5", "flax_model.msgpack", "adapter_model.safetensors"].into_iter().find(|n| has(n))
    {
        let problem =
            format!("has {name} but no model.safetensors; save the whole model with PyTorch's save_pretrained");
        return Some(Error::file(folder.display().to_string(), problem));
    }
    if let Some(name) = ["model.onnx", "onnx/model.onnx"].into_iter().find(|name| has(name)) {
        let problem = format!("has no model.safetensors; pass its {name} instead of the folder");
        return Some(Error::file(folder.display().to_string(), problem));
    }
    None
}

/// The shape and values of every tensor, by name.
type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Adds those tensors of a safetensors file to `weights` that a model of this configuration needs.
fn read_weights(bytes: &[u8], config: &BertConfig, weights: &mut Weights, file_name: &str) -> Result<()> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|e| Error::file_from(file_name, "is not a safetensors file, or is cut off", e))?;
    let wanted: HashSet<String> = config.tensor_shapes().into_iter().map(|(name, _)| name).collect();
    for (name, view) in tensors.iter() {
        let short = name.strip_prefix("bert.").unwrap_or(name);
        // Early checkpoints use the names of BERT's original TensorFlow code.
        let short = short.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias");
        if wanted.contains(&short) {
            weights.insert(short, (view.shape().to_vec(), to_f32(&view, file_name, name)?));
        }
    }
    Ok(())
}

/// Converts the values of the tensor `name` to f32.
fn to_f32(view: &TensorView, file_name: &str, name: &str) -> Result<Vec<f32>> {
    let pairs = || view.data().chunks_exact(2).map(|b| [b[0], b[1]]);
    match view.dtype() {
        Dtype::F32 => Ok(view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
        Dtype::F16 => Ok(pairs().map(|b| f16::from_le_bytes(b).to_f32()).collect()),
        Dtype::BF16 => Ok(pairs().map(|b| bf16::from_le_bytes(b).to_f32()).collect()),
        other => Err(Error::tensor(file_name, name, format!("has element type {other:?}; supported: F32, F16, BF16"))),
    }
}
