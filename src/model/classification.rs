//! The answer for one pair, and how long it took.

use super::ModelInfo;
use crate::metrics::argmax;
use crate::text::Tokens;
use serde::Serialize;

/// The answer for one pair: a class or, from a regression model, a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Classification {
    /// The name of the class with the largest logit; `None` for a regression model.
    pub label: Option<String>,
    /// The id of that class.
    pub label_id: Option<usize>,
    /// Softmax of the logits, by class id; empty for a regression model.
    pub probabilities: Vec<f32>,
    /// The one logit of a regression model; `None` for a classifier.
    pub score: Option<f32>,
    /// The model's outputs, by class id.
    pub logits: Vec<f32>,
    /// The number of tokens of the pair, including special tokens.
    pub tokens: usize,
    /// Whether the pair was longer than the limit and was cut.
    pub truncated: bool,
    /// How long the answer took.
    pub timing: Timing,
}

/// Durations of one classification; medians if it was repeated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// Milliseconds from sentences to token ids.
    pub tokenize_ms: f64,
    /// Milliseconds from token ids to logits.
    pub infer_ms: f64,
    /// The number of timed runs.
    pub runs: usize,
}

/// How often to repeat a classification to time it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeat {
    /// Runs before the clock starts.
    pub warmup: usize,
    /// Timed runs, at least one.
    pub runs: usize,
    /// No run starts after this many milliseconds.
    pub budget_ms: f64,
}

impl Default for Repeat {
    /// One timed run without warm-up.
    fn default() -> Self {
        Repeat { warmup: 0, runs: 1, budget_ms: f64::INFINITY }
    }
}

impl Classification {
    /// Interprets the logits that a model described by `info` returned for `tokens`.
    pub(super) fn new(info: &ModelInfo, tokens: &Tokens, logits: Vec<f32>, timing: Timing) -> Self {
        let label_id = (!info.is_regression()).then(|| argmax(&logits));
        Classification {
            label: label_id.map(|id| info.labels[id].clone()),
            label_id,
            probabilities: if info.is_regression() { Vec::new() } else { softmax(&logits) },
            score: logits.first().copied().filter(|_| info.is_regression()),
            logits,
            tokens: tokens.ids.len(),
            truncated: tokens.truncated,
            timing,
        }
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let numerators: Vec<f32> = logits.iter().map(|logit| (logit - max).exp()).collect();
    let sum: f32 = numerators.iter().sum();
    numerators.into_iter().map(|numerator| numerator / sum).collect()
}
