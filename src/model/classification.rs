//! The answer for one input, and how long it took.

use super::ModelInfo;
use crate::metrics::{argmax, sigmoid};
use crate::task::Problem;
use crate::text::Tokens;
use serde::Serialize;
use std::cmp::Ordering;

/// The answer for one text or pair. What it holds depends on [`Classification::problem`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Classification {
    /// What the logits mean.
    pub problem: Problem,
    /// The name of the label with the largest logit; `None` unless the model is single-label.
    pub label: Option<String>,
    /// The id of that label.
    pub label_id: Option<usize>,
    /// The labels whose probability is at or above the threshold, by id; empty unless the model is multi-label.
    pub labels: Vec<AppliedLabel>,
    /// The probability of every label, by label id: the softmax of the logits of a single-label model, or the sigmoid of
    /// each logit of a multi-label model. Empty for a regression model.
    pub probabilities: Vec<f32>,
    /// The score of a model with one output: the logit of a regression model, or the sigmoid of the logit of a multi-label
    /// model with one label. `None` for all other models.
    pub score: Option<f32>,
    /// The model's outputs, by label id.
    pub logits: Vec<f32>,
    /// The number of tokens of the input, including special tokens.
    pub tokens: usize,
    /// How many of them stand for words or characters that the tokenizer does not know.
    pub unknown: usize,
    /// Whether the input was longer than the limit and was cut.
    pub truncated: bool,
    /// How long the answer took.
    pub timing: Timing,
}

/// A label of a multi-label model that applies to an input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AppliedLabel {
    /// The label's id.
    pub id: usize,
    /// The label's name.
    pub name: String,
    /// The sigmoid of the label's logit.
    pub probability: f32,
}

/// A text that [`Classifier::rerank`](super::Classifier::rerank) has scored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RankedText {
    /// The text's position in the list that was given, counted from 0.
    pub index: usize,
    /// The score of the query with this text; see [`Classification::score`].
    pub score: f32,
    /// The logit that the score comes from. Texts are sorted by it: it still tells texts apart whose scores are rounded to
    /// the same value.
    pub logit: f32,
    /// The number of tokens of the query with this text, including special tokens.
    pub tokens: usize,
    /// Whether they were more than the limit and were cut.
    pub truncated: bool,
    /// How long the answer took.
    pub timing: Timing,
}

/// Durations of one classification; medians if it was repeated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// Milliseconds from texts to token ids.
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
    /// Interprets the logits that a model described by `info` returned for `tokens`, among which is `unknown_id` for every
    /// unknown word. In a multi-label model, the labels with a probability of `threshold` or more apply.
    pub(super) fn new(
        info: &ModelInfo,
        threshold: f32,
        (tokens, unknown_id): (&Tokens, Option<i64>),
        logits: Vec<f32>,
        timing: Timing,
    ) -> Self {
        let probabilities = match info.problem {
            Problem::SingleLabel => softmax(&logits),
            Problem::MultiLabel => logits.iter().copied().map(sigmoid).collect(),
            Problem::Regression => Vec::new(),
        };
        let label_id = (info.problem == Problem::SingleLabel).then(|| argmax(&logits));
        let applied =
            |(id, &probability): (usize, &f32)| AppliedLabel { id, name: info.labels[id].clone(), probability };
        let labels = match info.problem {
            Problem::MultiLabel => {
                probabilities.iter().enumerate().filter(|(_, p)| **p >= threshold).map(applied).collect()
            }
            Problem::SingleLabel | Problem::Regression => Vec::new(),
        };
        let score = match (info.problem, logits.as_slice()) {
            (Problem::Regression, [logit]) => Some(*logit),
            (Problem::MultiLabel, [logit]) => Some(sigmoid(*logit)),
            _ => None,
        };
        Classification {
            problem: info.problem,
            label: label_id.map(|id| info.labels[id].clone()),
            label_id,
            labels,
            probabilities,
            score,
            logits,
            tokens: tokens.ids.len(),
            unknown: tokens.ids.iter().filter(|&&id| Some(id) == unknown_id).count(),
            truncated: tokens.truncated,
            timing,
        }
    }
}

impl RankedText {
    /// Returns text `index` with the score of its answer, or `None` if the answer is not a score.
    pub(super) fn new((index, answer): (usize, Classification)) -> Option<Self> {
        let Classification { score, tokens, truncated, timing, logits, .. } = answer;
        Some(RankedText { index, score: score?, logit: *logits.first()?, tokens, truncated, timing })
    }
}

/// Returns the positions of `logits` from the highest to the lowest. Equal ones keep their order.
pub(crate) fn ranking(logits: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    // All logits are finite.
    order.sort_by(|&a, &b| logits[b].partial_cmp(&logits[a]).unwrap_or(Ordering::Equal));
    order
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let numerators: Vec<f32> = logits.iter().map(|logit| libm::expf(logit - max)).collect();
    let sum: f32 = numerators.iter().sum();
    numerators.into_iter().map(|numerator| numerator / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Precision;

    fn answer(problem: Problem, threshold: f32, logits: &[f32]) -> Classification {
        let info = ModelInfo {
            precision: Precision::Fp32,
            layers: 1,
            hidden: 8,
            vocab_size: None,
            padding_id: None,
            max_positions: 8,
            labels: ["a", "b", "c"][..logits.len()].iter().map(|&name| name.to_owned()).collect(),
            problem,
            texts: None,
            accuracy: None,
        };
        let tokens = Tokens { ids: vec![1, 100, 2], types: vec![0; 3], truncated: false };
        let timing = Timing { tokenize_ms: 0.0, infer_ms: 0.0, runs: 1 };
        Classification::new(&info, threshold, (&tokens, Some(100)), logits.to_vec(), timing)
    }

    fn names(answer: &Classification) -> Vec<&str> {
        answer.labels.iter().map(|label| label.name.as_str()).collect()
    }

    #[test]
    fn one_label_wins_if_labels_exclude_each_other() {
        let answer = answer(Problem::SingleLabel, 0.5, &[1.0, 1000.0, 2.0]);
        assert_eq!((answer.label.as_deref(), answer.label_id, answer.score), (Some("b"), Some(1), None));
        assert_eq!((answer.probabilities.as_slice(), answer.labels.len()), (&[0.0, 1.0, 0.0][..], 0));
        assert_eq!((answer.tokens, answer.unknown), (3, 1));
    }

    #[test]
    fn labels_at_the_threshold_apply() {
        let logits = [0.0, -2.0, 3.0];
        let half = answer(Problem::MultiLabel, 0.5, &logits);
        assert_eq!((half.label, half.label_id, half.score), (None, None, None));
        let half = answer(Problem::MultiLabel, 0.5, &logits);
        assert_eq!(names(&half), ["a", "c"]);
        assert_eq!((half.labels[1].id, half.labels[1].probability), (2, half.probabilities[2]));
        for (probability, expected) in half.probabilities.iter().zip([0.5, 0.119_202_92, 0.952_574_13]) {
            // One rounding error of a 32-bit float.
            assert!((probability - expected).abs() < 1e-7, "{probability}, not {expected}");
        }
        assert!(names(&answer(Problem::MultiLabel, 1.0, &logits)).is_empty());
        assert_eq!(names(&answer(Problem::MultiLabel, 0.1, &logits)), ["a", "b", "c"]);
        let extreme = answer(Problem::MultiLabel, 0.5, &[-1000.0, 1000.0]);
        assert_eq!(extreme.probabilities, [0.0, 1.0]);
    }

    #[test]
    fn texts_are_ranked_by_their_logits() {
        assert_eq!(ranking(&[0.5, -1.0, 2.0, 0.5, f32::MIN]), [2, 0, 3, 1, 4]);
        assert_eq!(ranking(&[0.0, -0.0, 0.0]), [0, 1, 2]);
        assert!(ranking(&[]).is_empty());
    }

    #[test]
    fn one_logit_is_a_score_or_a_decision() {
        let score = answer(Problem::Regression, 0.5, &[-3.5]);
        assert_eq!((score.label, score.score, score.probabilities.len(), score.labels.len()), (None, Some(-3.5), 0, 0));
        let yes = answer(Problem::MultiLabel, 0.5, &[2.363]);
        assert_eq!((yes.score, names(&yes)), (Some(yes.probabilities[0]), vec!["a"]));
        assert!((yes.probabilities[0] - 0.914).abs() < 1e-3);
        assert!(answer(Problem::MultiLabel, 0.95, &[2.363]).labels.is_empty());
    }
}
