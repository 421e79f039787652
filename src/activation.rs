//! The activation functions of feed-forward blocks and of heads.

use serde::{Deserialize, Serialize};

/// The activation function between the two linear layers of a feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Exact GELU, `x · Φ(x)` with the normal distribution function Φ: `0.5·x·(1 + erf(x/√2))`.
    Gelu,
    /// The tanh approximation of GELU: `0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`.
    GeluTanh,
    /// ReLU: `max(x, 0)`.
    Relu,
}

impl Activation {
    /// Returns the activation that a Hugging Face `hidden_act` names, or `None` if it is not supported.
    pub fn from_hidden_act(name: &str) -> Option<Self> {
        match name {
            "gelu" | "gelu_python" => Some(Activation::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" | "gelu_accurate" | "tanh_gelu" => {
                Some(Activation::GeluTanh)
            }
            "relu" => Some(Activation::Relu),
            _ => None,
        }
    }
}

/// The activation function of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeadActivation {
    /// The hyperbolic tangent, as in BERT and RoBERTa.
    Tanh,
    /// `max(x, 0)`, as in DistilBERT.
    Relu,
    /// `x · Φ(x)` by the error function, as in ELECTRA.
    Gelu,
}
