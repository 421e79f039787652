//! The architecture of a BERT sequence classifier: sizes, activation function, labels, and the weight tensors they imply.

use crate::activation::Activation;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Sizes and settings of a BERT encoder with a pooler and a classification head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// The number of rows of the word embedding table.
    pub vocab_size: usize,
    /// The hidden size H: features per token.
    pub hidden: usize,
    /// The number of encoder layers.
    pub layers: usize,
    /// The number of attention heads. It divides `hidden`.
    pub heads: usize,
    /// The intermediate size: features between the two linear layers of a feed-forward block.
    pub intermediate: usize,
    /// The number of rows of the position embedding table: the longest input in tokens.
    pub max_positions: usize,
    /// The number of rows of the token type (segment) embedding table.
    pub type_vocab: usize,
    /// The ε of every LayerNorm.
    pub layer_norm_eps: f32,
    /// The activation function of feed-forward blocks.
    pub activation: Activation,
    /// The name of every class, by class id. A model with only one is a regression model: its logit is a score.
    pub labels: Vec<String>,
}

impl BertConfig {
    /// Checks that a sentence-pair classifier can have these sizes.
    ///
    /// # Errors
    /// Fails with [`Error::Config`] if a size is 0 or implausibly large, if there is only one token type, if `heads` does not
    /// divide `hidden`, or if the ε of LayerNorm is not a positive number. The error names the file `file_name`.
    pub fn validate(&self, file_name: &str) -> Result<()> {
        let bad = |field, problem: &str| {
            Err(Error::Config { file: file_name.to_owned(), field, problem: problem.to_owned() })
        };
        for (field, value) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden),
            ("num_hidden_layers", self.layers),
            ("num_attention_heads", self.heads),
            ("intermediate_size", self.intermediate),
            ("max_position_embeddings", self.max_positions),
            ("type_vocab_size", self.type_vocab),
            ("id2label", self.labels.len()),
        ] {
            if value == 0 {
                return bad(field, "is 0; a BERT classifier needs at least 1");
            }
            let limit = if field == "num_hidden_layers" { 1 << 10 } else { 1 << 24 };
            if value > limit {
                return bad(field, &format!("is {value}, far beyond any BERT; is the file damaged?"));
            }
        }
        if self.type_vocab < 2 {
            return bad("type_vocab_size", "is 1; a sentence-pair classifier needs 2, one for each sentence");
        }
        if !self.hidden.is_multiple_of(self.heads) {
            return bad(
                "num_attention_heads",
                &format!("is {}, which does not divide the hidden size {}", self.heads, self.hidden),
            );
        }
        if !(self.layer_norm_eps.is_finite() && self.layer_norm_eps > 0.0) {
            return bad("layer_norm_eps", &format!("is {}, not a small positive number", self.layer_norm_eps));
        }
        Ok(())
    }

    /// The number of features of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden / self.heads
    }

    /// The name and shape of every weight tensor of the model. Names are Hugging Face's without the `bert.` prefix. Weights of
    /// linear layers are `[out, in]`.
    pub fn tensor_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (h, i) = (self.hidden, self.intermediate);
        let mut shapes = vec![
            ("embeddings.word_embeddings.weight".to_owned(), vec![self.vocab_size, h]),
            ("embeddings.position_embeddings.weight".to_owned(), vec![self.max_positions, h]),
            ("embeddings.token_type_embeddings.weight".to_owned(), vec![self.type_vocab, h]),
        ];
        let mut norm = |prefix: String| {
            shapes.push((format!("{prefix}.weight"), vec![h]));
            shapes.push((format!("{prefix}.bias"), vec![h]));
        };
        norm("embeddings.LayerNorm".to_owned());
        for layer in 0..self.layers {
            norm(format!("encoder.layer.{layer}.attention.output.LayerNorm"));
            norm(format!("encoder.layer.{layer}.output.LayerNorm"));
        }
        let mut linear = |prefix: String, out: usize, input: usize| {
            shapes.push((format!("{prefix}.weight"), vec![out, input]));
            shapes.push((format!("{prefix}.bias"), vec![out]));
        };
        for layer in 0..self.layers {
            let at = format!("encoder.layer.{layer}");
            for part in ["query", "key", "value"] {
                linear(format!("{at}.attention.self.{part}"), h, h);
            }
            linear(format!("{at}.attention.output.dense"), h, h);
            linear(format!("{at}.intermediate.dense"), i, h);
            linear(format!("{at}.output.dense"), h, i);
        }
        linear("pooler.dense".to_owned(), h, h);
        linear("classifier".to_owned(), self.labels.len(), h);
        shapes
    }
}
