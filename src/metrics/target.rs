//! The right answers that predictions are compared with.

use super::{argmax, sigmoid};
use crate::task::Problem;
use serde::Serialize;

/// The right answer for one input.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Target {
    /// The class id.
    Class(usize),
    /// Whether each label applies, by label id.
    Labels(Vec<bool>),
    /// The score.
    Score(f64),
}

impl Target {
    /// What a model for `problem` answers with these `logits`. Labels that apply independently are predicted if their
    /// probability is at least `threshold`.
    pub fn predicted(problem: Problem, threshold: f32, logits: &[f32]) -> Self {
        match problem {
            Problem::SingleLabel => Target::Class(argmax(logits)),
            Problem::MultiLabel => Target::Labels(logits.iter().map(|logit| sigmoid(*logit) >= threshold).collect()),
            Problem::Regression => Target::Score(logits.first().copied().unwrap_or(f32::NAN).into()),
        }
    }
}
