//! The head of a classifier: how the rows of the last encoder layer become logits.

pub use crate::activation::HeadActivation;
use serde::{Deserialize, Serialize};

/// The part of a classifier after the encoder: pooling, an optional linear layer `pooler.dense` with an activation function,
/// and the linear layer `classifier`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How the rows of a sequence become one.
    pub pooling: Pooling,
    /// The activation function after `pooler.dense`, or `None` if the head has no such layer.
    pub dense: Option<HeadActivation>,
}

impl Head {
    /// The head of BERT: the first token, a linear layer and tanh.
    pub const BERT: Head = Head { pooling: Pooling::FirstToken, dense: Some(HeadActivation::Tanh) };

    /// Whether this is [`Head::BERT`].
    pub(super) fn is_bert(&self) -> bool {
        *self == Head::BERT
    }
}

impl Default for Head {
    fn default() -> Self {
        Head::BERT
    }
}

/// How the rows of a sequence become one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The row of the first token.
    FirstToken,
    /// The mean over all tokens, padding excluded.
    Mean,
}
