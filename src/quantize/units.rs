//! The parts of a model that can be quantized, and their names.

use crate::bert::BertConfig;

/// The embedding tables that are quantized. The token type table has only a few rows and stays in FP32.
pub const EMBEDDING_TABLES: [&str; 2] = ["embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"];

/// A quantization unit: the linear layers that read one activation. They share the activation's scale, and accuracy control
/// reverts them to FP32 together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The unit's name, which is the prefix of its layers' names.
    pub name: String,
    /// The name in the graph of the activation that its linear layers read.
    pub input: String,
    /// The names of its linear layers.
    pub linears: Vec<String>,
    /// The name of the attention scores that its queries and keys make, if any.
    pub scores: Option<String>,
}

impl Unit {
    /// The pattern of [`Options::ignored`](super::Options::ignored) that matches the unit's layers and scores.
    pub fn pattern(&self) -> String {
        if self.linears.len() > 1 { format!("{}.*", self.name) } else { self.name.clone() }
    }
}

/// The units of a model's encoder, from the first to the last. The pooler and the classifier are not among them: they process
/// only one token per sequence, so INT8 would save almost nothing. Nor is the projection of the embeddings, which is small.
pub fn units(config: &BertConfig) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut x = config.encoder_input().to_owned();
    let single = |name: String, input: String| Unit { linears: vec![name.clone()], name, input, scores: None };
    for layer in 0..config.layers {
        let at = format!("encoder.layer.{layer}");
        let attention = format!("{at}.attention.self");
        units.push(Unit {
            input: x,
            linears: ["query", "key", "value"].map(|part| format!("{attention}.{part}")).into(),
            scores: Some(format!("{attention}.scores")),
            name: attention.clone(),
        });
        units.push(single(format!("{at}.attention.output.dense"), format!("{attention}.context")));
        units.push(single(format!("{at}.intermediate.dense"), format!("{at}.attention.output.LayerNorm")));
        units.push(single(format!("{at}.output.dense"), format!("{at}.intermediate.activation")));
        x = format!("{at}.output.LayerNorm");
    }
    units
}
