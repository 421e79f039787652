//! Imports a Hugging Face model folder: config.json and model.safetensors, or the shards of model.safetensors.

use super::checkpoint::{Checkpoint, Weights};
use super::hf_config::parse_config;
use super::{Bert, BertConfig};
use crate::error::{Error, Result};
use crate::files::{Disk, Files};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Reads a sequence classifier of a supported family (BERT, DistilBERT, RoBERTa, ELECTRA) from the Hugging Face model folder
/// `folder`.
///
/// Reads `config.json` and either `model.safetensors` or the shards that `model.safetensors.index.json` names. Weights may be
/// F32, F16 or BF16; their names may have the family's prefix, such as `bert.`, or not. If a weight is there with and without
/// prefix, the one with the prefix is read, and [`Bert::notes`] says so if the other has other values.
///
/// # Errors
/// Fails if a file cannot be read, the configuration is not that of a supported model, or a weight tensor is missing, has
/// another shape or element type, or holds a value that is not finite. If the folder holds weights only in another format,
/// such as PyTorch's, the error tells how to convert them.
pub fn import_folder(folder: &Path) -> Result<Bert> {
    import_folder_in(&Disk, folder)
}

/// Like [`import_folder`], from a folder of `files`.
///
/// # Errors
/// As [`import_folder`].
pub fn import_folder_in(files: &dyn Files, folder: &Path) -> Result<Bert> {
    let config_path = folder.join("config.json");
    let (config, checkpoint) = parse_config(&read(files, &config_path)?, &config_path.display().to_string())?;
    let (main, weights) = weight_files(files, folder)?;
    let mut reader = WeightReader::new(checkpoint, &config);
    for file in weights {
        reader.read(&read(files, &file)?, &file.display().to_string())?;
    }
    reader.finish(config, &main.display().to_string())
}

/// Like [`import_folder`], from the bytes of a config.json and of the only file of weights. Errors call both `file_name`.
///
/// # Errors
/// As [`import_folder`].
pub fn import_bytes(config: &[u8], weights: &[u8], file_name: &str) -> Result<Bert> {
    let (config, checkpoint) = parse_config(config, file_name)?;
    let mut reader = WeightReader::new(checkpoint, &config);
    reader.read(weights, file_name)?;
    reader.finish(config, file_name)
}

fn read<'a>(files: &'a dyn Files, path: &Path) -> Result<Cow<'a, [u8]>> {
    files.read(path).map_err(|e| Error::io("read", path, e))
}

/// The content of model.safetensors.index.json.
#[derive(Deserialize)]
struct ShardIndex {
    /// The shard's file name for every tensor name.
    weight_map: BTreeMap<String, String>,
}

/// Returns the file that errors name if weights are missing, and the files that hold weights.
fn weight_files(files: &dyn Files, folder: &Path) -> Result<(PathBuf, Vec<PathBuf>)> {
    let whole = folder.join("model.safetensors");
    let index_path = folder.join("model.safetensors.index.json");
    if files.exists(&whole) || !files.exists(&index_path) {
        return match weights_elsewhere(files, folder).filter(|_| !files.exists(&whole)) {
            Some(error) => Err(error),
            None => Ok((whole.clone(), vec![whole])),
        };
    }
    let file_name = index_path.display().to_string();
    let index: ShardIndex = serde_json::from_slice(&read(files, &index_path)?)
        .map_err(|e| Error::file_from(&file_name, "is not the index of a sharded model", e))?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    // A name with a path could point outside the folder.
    if let Some(name) = names.iter().find(|name| Path::new(name).file_name() != Some(name.as_str().as_ref())) {
        return Err(Error::file(file_name, format!("names the shard `{name}`, expected a file beside it")));
    }
    Ok((index_path, names.into_iter().map(|name| folder.join(name)).collect()))
}

/// The error for a folder whose weights are in a format other than safetensors; `None` if there are no such files.
fn weights_elsewhere(files: &dyn Files, folder: &Path) -> Option<Error> {
    let has = |name: &str| files.exists(&folder.join(name));
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

/// Collects the tensors that a model needs.
struct WeightReader {
    checkpoint: Checkpoint,
    wanted: BTreeMap<String, Vec<usize>>,
    weights: Weights,
    /// The stored name of every weight, and whether it has the family's prefix.
    stored: HashMap<String, (String, bool)>,
    /// The stored names `(taken, left)` of weights that are there twice, with other values.
    twins: Vec<(String, String)>,
}

impl WeightReader {
    fn new(checkpoint: Checkpoint, config: &BertConfig) -> Self {
        let wanted = checkpoint.stored_shapes(config);
        WeightReader { checkpoint, wanted, weights: Weights::new(), stored: HashMap::new(), twins: Vec::new() }
    }

    /// Adds the tensors of a safetensors file that the model needs. Ignores other tensors, such as those of a head for
    /// masked language modeling. A tensor with the family's prefix wins over one without, as in transformers.
    ///
    /// # Errors
    /// If the file is damaged, holds an adapter that is not merged into the weights, or has a weight under two names of
    /// which neither wins.
    fn read(&mut self, bytes: &[u8], file_name: &str) -> Result<()> {
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|e| Error::file_from(file_name, "is not a safetensors file, or is cut off", e))?;
        for (name, view) in tensors.iter() {
            if name.contains(".lora_") {
                let problem = "belongs to an adapter; merge it into the model first (PEFT's merge_and_unload)";
                return Err(Error::tensor(file_name, name, problem));
            }
            let (bert_name, prefixed) = self.checkpoint.bert_name(name);
            if !self.wanted.contains_key(&bert_name) {
                continue;
            }
            let tensor = (view.shape().to_vec(), to_f32(&view, file_name, name)?);
            if let Some((other, wins)) = self.stored.get(&bert_name).filter(|_| self.weights[&bert_name] != tensor) {
                match (prefixed, *wins) {
                    (true, false) => self.twins.push((name.to_owned(), other.clone())),
                    (false, true) => {
                        self.twins.push((other.clone(), name.to_owned()));
                        continue;
                    }
                    _ => {
                        let problem = format!(
                            "is the same weight of the model as `{other}`, but has other values; remove one of them"
                        );
                        return Err(Error::tensor(file_name, name, problem));
                    }
                }
            }
            self.stored.insert(bert_name.clone(), (name.to_owned(), prefixed));
            self.weights.insert(bert_name, tensor);
        }
        Ok(())
    }

    /// Returns the model of the tensors that were read.
    fn finish(self, config: BertConfig, file_name: &str) -> Result<Bert> {
        let note = self.note(file_name);
        let mut weights = self.weights;
        self.checkpoint.adapt(&config, &mut weights, file_name)?;
        Ok(Bert { notes: note.into_iter().collect(), ..Bert::new(config, weights, file_name)? })
    }

    /// Returns what to tell about weights that are there twice.
    fn note(&self, file_name: &str) -> Option<String> {
        // Files list tensors in any order.
        let (taken, left) = self.twins.iter().min()?;
        Some(format!(
            "{file_name} holds {} of the model's weights twice, with other values: `{taken}` is read and `{left}` is not, as in \
             transformers",
            self.twins.len()
        ))
    }
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
