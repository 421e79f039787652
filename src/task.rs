//! What a classifier reads and what its logits mean.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How many texts a model reads at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Texts {
    /// One text.
    Single,
    /// A pair of texts.
    Pair,
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Texts::Single => "one text",
            Texts::Pair => "a pair of texts",
        })
    }
}

/// What the logits of a model mean. These are the values of `problem_type` in a Hugging Face config.json.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// Exactly one label applies. The softmax of the logits holds their probabilities.
    #[default]
    SingleLabel,
    /// Any number of labels apply. The sigmoid of a logit is the probability of its label. With one label, the model
    /// decides whether it applies.
    MultiLabel,
    /// The only logit is a score.
    Regression,
}

impl Problem {
    /// Returns what is wrong with this problem for a model with this many outputs, or `None` if it fits.
    pub(crate) fn fault(self, outputs: usize) -> Option<String> {
        match (self, outputs) {
            (Problem::Regression, 1) | (Problem::SingleLabel, 2..) | (Problem::MultiLabel, _) => None,
            (Problem::Regression, _) => {
                Some(format!("is `regression` with {outputs} outputs; a score needs exactly one"))
            }
            (Problem::SingleLabel, _) => Some(
                "is `single_label_classification` with one label; it needs two, or `regression` or \
                 `multi_label_classification`"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Problem::SingleLabel => "single-label",
            Problem::MultiLabel => "multi-label",
            Problem::Regression => "regression",
        })
    }
}
