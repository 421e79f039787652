//! The architecture of a BERT sequence classifier: sizes, activation function, labels, and the weight tensors they imply.

use super::Head;
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::task::{Problem, Texts};
use serde::{Deserialize, Serialize};

/// Sizes and settings of a BERT encoder with a classification head. Models of related families (DistilBERT, RoBERTa, ELECTRA)
/// have the same encoder; they differ in their embeddings and their head.
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
    /// The number of rows of the token type (segment) embedding table, or 0 if the model has no token types.
    pub type_vocab: usize,
    /// The id of padding, if padding has no position of its own and does not count in the positions of other tokens, as in
    /// RoBERTa. A text must not hold it. `None` if every token counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding_id: Option<usize>,
    /// The number of features of the embedding tables, if the linear layer `embeddings_project` maps them to `hidden`.
    /// `None` if the tables have `hidden` features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding_size: Option<usize>,
    /// The ε of every LayerNorm.
    pub layer_norm_eps: f32,
    /// The activation function of feed-forward blocks.
    pub activation: Activation,
    /// How the rows of the last encoder layer become logits.
    #[serde(default, skip_serializing_if = "Head::is_bert")]
    pub head: Head,
    /// The name of every label, by label id: one for each logit.
    pub labels: Vec<String>,
    /// What the logits mean.
    #[serde(default)]
    pub problem: Problem,
    /// How many texts the model reads at a time, or `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<Texts>,
}

impl BertConfig {
    /// Checks that a classifier can have these sizes and settings.
    ///
    /// # Errors
    /// Fails with [`Error::Config`] if a size is 0 or implausibly large, if `heads` does not divide `hidden`, if the ε of
    /// LayerNorm is not a positive number, or if `problem` does not fit the number of labels. The error names the file
    /// `file_name`.
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
            ("embedding_size", self.embedding_size.unwrap_or(self.hidden)),
            ("id2label", self.labels.len()),
        ] {
            if value == 0 && field != "type_vocab_size" {
                return bad(field, "is 0; a BERT classifier needs at least 1");
            }
            let limit = if field == "num_hidden_layers" { 1 << 10 } else { 1 << 24 };
            if value > limit {
                return bad(field, &format!("is {value}, far beyond any BERT; is the file damaged?"));
            }
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
        self.problem.fault(self.labels.len()).map_or(Ok(()), |problem| bad("problem_type", &problem))
    }

    /// The number of features of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden / self.heads
    }

    /// The number of features of the embedding tables.
    pub fn embedding_features(&self) -> usize {
        self.embedding_size.unwrap_or(self.hidden)
    }

    /// The name of the value that the first encoder layer reads.
    pub fn encoder_input(&self) -> &'static str {
        if self.embedding_size.is_some() { "embeddings_project" } else { "embeddings.LayerNorm" }
    }

    /// The name and shape of every weight tensor of the model. Names are those of a Hugging Face BERT without the `bert.`
    /// prefix, whatever the family; the projection of the embeddings is `embeddings_project`. Weights of linear layers are
    /// `[out, in]`.
    pub fn tensor_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (h, i, e) = (self.hidden, self.intermediate, self.embedding_features());
        let tables = [
            ("embeddings.word_embeddings.weight", self.vocab_size),
            ("embeddings.position_embeddings.weight", self.max_positions),
            ("embeddings.token_type_embeddings.weight", self.type_vocab),
        ];
        let tables = tables.into_iter().filter(|(_, rows)| *rows > 0);
        let mut shapes: Vec<_> = tables.map(|(name, rows)| (name.to_owned(), vec![rows, e])).collect();
        let mut norm = |prefix: String, features: usize| {
            shapes.push((format!("{prefix}.weight"), vec![features]));
            shapes.push((format!("{prefix}.bias"), vec![features]));
        };
        norm("embeddings.LayerNorm".to_owned(), e);
        for layer in 0..self.layers {
            norm(format!("encoder.layer.{layer}.attention.output.LayerNorm"), h);
            norm(format!("encoder.layer.{layer}.output.LayerNorm"), h);
        }
        let mut linear = |prefix: String, out: usize, input: usize| {
            shapes.push((format!("{prefix}.weight"), vec![out, input]));
            shapes.push((format!("{prefix}.bias"), vec![out]));
        };
        if self.embedding_size.is_some() {
            linear("embeddings_project".to_owned(), h, e);
        }
        for layer in 0..self.layers {
            let at = format!("encoder.layer.{layer}");
            for part in ["query", "key", "value"] {
                linear(format!("{at}.attention.self.{part}"), h, h);
            }
            linear(format!("{at}.attention.output.dense"), h, h);
            linear(format!("{at}.intermediate.dense"), i, h);
            linear(format!("{at}.output.dense"), h, i);
        }
        if self.head.dense.is_some() {
            linear("pooler.dense".to_owned(), h, h);
        }
        linear("classifier".to_owned(), self.labels.len(), h);
        shapes
    }

    /// A small model for tests: 2 layers, 4 heads of 8 features, 2 labels.
    #[cfg(test)]
    pub(crate) fn tiny() -> Self {
        BertConfig {
            vocab_size: 50,
            hidden: 32,
            layers: 2,
            heads: 4,
            intermediate: 64,
            max_positions: 20,
            type_vocab: 2,
            padding_id: None,
            embedding_size: None,
            layer_norm_eps: 1e-5,
            activation: Activation::Gelu,
            head: Head::BERT,
            labels: vec!["no".to_owned(), "yes".to_owned()],
            problem: Problem::SingleLabel,
            texts: None,
        }
    }
}
