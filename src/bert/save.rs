//! Writes the files of a Hugging Face model folder, as [`super::import_folder`] reads them.

use super::{Bert, BertConfig, Head};
use crate::activation::Activation;
use crate::error::{Error, Result};
use safetensors::{Dtype, View, serialize};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::HashMap;

/// The content of config.json for a sequence classifier of this architecture.
pub fn config_json(config: &BertConfig) -> Value {
    let hidden_act = match config.activation {
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_new",
        Activation::Relu => "relu",
    };
    let names = config.labels.iter().enumerate();
    let id2label: Map<String, Value> = names.clone().map(|(id, label)| (id.to_string(), json!(label))).collect();
    let label2id: Map<String, Value> = names.map(|(id, label)| (label.clone(), json!(id))).collect();
    json!({
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "intermediate_size": config.intermediate,
        "max_position_embeddings": config.max_positions,
        "type_vocab_size": config.type_vocab,
        "layer_norm_eps": config.layer_norm_eps,
        "hidden_act": hidden_act,
        "id2label": id2label,
        "label2id": label2id,
    })
}

/// The bytes of model.safetensors: every tensor of `bert` in FP32, with the names that transformers expects of a classifier.
///
/// # Errors
/// If the model has a head or embeddings that the config.json of a BERT cannot describe, so that nothing could read the folder.
pub fn safetensors(bert: &Bert) -> Result<Vec<u8>> {
    let config = bert.config();
    if config.head != Head::BERT || config.embedding_size.is_some() || config.padding_id.is_some() {
        let problem = "is another one than that of a BERT; only the folder of a BERT can be written".to_owned();
        return Err(Error::Config { file: "config.json".to_owned(), field: "architectures", problem });
    }
    let tensors = bert.config().tensor_shapes().into_iter().map(|(name, shape)| {
        let tensor = Tensor { shape, values: bert.weight(&name) };
        (if name.starts_with("classifier.") { name } else { format!("bert.{name}") }, tensor)
    });
    // transformers rejects files without this metadata.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    serialize(tensors, Some(metadata)).map_err(|e| Error::file("model.safetensors", e.to_string()))
}

/// An FP32 tensor. It is converted to bytes only when it is written, so only one tensor is in memory twice.
struct Tensor<'a> {
    shape: Vec<usize>,
    values: &'a [f32],
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}
