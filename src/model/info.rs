//! A model's sizes and labels: from the metadata in bert8's own files, or from the graph of any other file.

use super::Accuracy;
use super::encoder_width::encoder_width;
use super::table_rows::{behind_casts, positions, table_shape};
use crate::bert::embedded_config;
use crate::onnx::pb;
use crate::task::{Problem, Texts};
use serde::Serialize;

/// The arithmetic of a model's matrix products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Floating point.
    Fp32,
    /// 8-bit integers.
    Int8,
}

/// The properties of a BERT classifier that matter for running it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelInfo {
    /// The arithmetic of the matrix products.
    pub precision: Precision,
    /// The number of encoder layers.
    pub layers: usize,
    /// The number of features per token.
    pub hidden: usize,
    /// The number of vocabulary entries, or `None` if the graph does not tell.
    pub vocab_size: Option<usize>,
    /// The id of padding, if a text must not hold it: in the models of RoBERTa's family that bert8 writes, every token counts
    /// in the positions, but in transformers padding does not. `None` otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub padding_id: Option<usize>,
    /// The longest input in tokens.
    pub max_positions: usize,
    /// The name of every label, by label id: one for each logit.
    pub labels: Vec<String>,
    /// What the logits mean. A file without bert8's metadata does not tell: with one label it is taken for a regression
    /// model, with more for a single-label one.
    pub problem: Problem,
    /// How many texts the model reads at a time, or `None` if the file does not tell.
    pub texts: Option<Texts>,
    /// How good the model was found to be, if its file tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
}

/// The length limit of a model that does not state its own: that of the published BERT models.
const DEFAULT_POSITIONS: usize = 512;

impl ModelInfo {
    /// Describes `model`. The labels are empty if the file does not name them.
    pub fn new(model: &pb::ModelProto) -> Self {
        let nodes = || model.graph.iter().flat_map(|g| &g.node);
        let integer = ["MatMulInteger", "QLinearMatMul", "DynamicQuantizeLinear", "QuantizeLinear", "DequantizeLinear"];
        let quantized = nodes().any(|n| integer.contains(&n.op_type.as_str()));
        let precision = if quantized { Precision::Int8 } else { Precision::Fp32 };
        if let Some(config) = embedded_config(model) {
            return ModelInfo {
                precision,
                layers: config.layers,
                hidden: config.hidden,
                vocab_size: Some(config.vocab_size),
                padding_id: config.padding_id,
                max_positions: config.max_positions,
                labels: config.labels,
                problem: config.problem,
                texts: config.texts,
                accuracy: Accuracy::of(model),
            };
        }
        let words = table_shape(model, |index, ids| behind_casts(index, ids) == "input_ids");
        let hidden = encoder_width(model).or(words.map(|(_, columns)| columns));
        ModelInfo {
            precision,
            layers: nodes().filter(|n| n.op_type == "Softmax").count(),
            hidden: hidden.unwrap_or(0),
            vocab_size: words.map(|(rows, _)| rows),
            padding_id: None,
            max_positions: positions(model).unwrap_or(DEFAULT_POSITIONS),
            labels: Vec::new(),
            problem: Problem::SingleLabel,
            texts: None,
            accuracy: None,
        }
    }

    /// Names `count` labels as Hugging Face names them by default, `LABEL_0` and so on.
    pub(super) fn set_label_count(&mut self, count: usize) {
        self.labels = (0..count).map(|id| format!("LABEL_{id}")).collect();
        self.problem = if count == 1 { Problem::Regression } else { Problem::SingleLabel };
    }
}
