//! The names of metrics.

use crate::task::Problem;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A metric; larger values are better, and 1 is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// F1 of class 1, as GLUE defines it, of a model with two classes.
    F1,
    /// The mean of F1 over classes, or over labels that apply independently.
    MacroF1,
    /// The mean of F1 over classes, weighted by the number of their labels.
    WeightedF1,
    /// F1 over all decisions about labels that apply independently.
    MicroF1,
    /// The share of inputs whose predicted class is their label.
    Accuracy,
    /// The share of inputs for which every label is predicted right.
    ExactMatch,
    /// The Matthews correlation coefficient.
    Matthews,
    /// Pearson's correlation coefficient of scores and labels.
    Pearson,
    /// Spearman's rank correlation coefficient of scores and labels.
    Spearman,
    /// The share of inputs for which the decision is the FP32 model's.
    Agreement,
    /// The mean over labels of Spearman's coefficient of their logits and the FP32 model's.
    RankCorrelation,
}

impl Metric {
    /// Every metric with its name.
    const NAMES: [(Metric, &str); 11] = [
        (Metric::F1, "f1"),
        (Metric::MacroF1, "macro-f1"),
        (Metric::WeightedF1, "weighted-f1"),
        (Metric::MicroF1, "micro-f1"),
        (Metric::Accuracy, "accuracy"),
        (Metric::ExactMatch, "exact-match"),
        (Metric::Matthews, "matthews"),
        (Metric::Pearson, "pearson"),
        (Metric::Spearman, "spearman"),
        (Metric::Agreement, "agreement"),
        (Metric::RankCorrelation, "rank-correlation"),
    ];

    /// The metrics, most telling first, of models with `labels` labels that answer `problem`: those that compare with labels.
    pub fn of(problem: Problem, labels: usize) -> &'static [Metric] {
        match problem {
            Problem::SingleLabel if labels <= 2 => &[Metric::Accuracy, Metric::F1, Metric::Matthews],
            Problem::SingleLabel => &[Metric::Accuracy, Metric::MacroF1, Metric::WeightedF1, Metric::Matthews],
            Problem::MultiLabel => &[Metric::MicroF1, Metric::MacroF1, Metric::ExactMatch],
            Problem::Regression => &[Metric::Pearson, Metric::Spearman],
        }
    }

    /// Whether the metric compares with the FP32 model instead of labels.
    pub fn needs_no_labels(self) -> bool {
        matches!(self, Metric::Agreement | Metric::RankCorrelation)
    }

    /// The name as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Metric::F1 => "F1 of class 1",
            Metric::MacroF1 => "macro F1",
            Metric::WeightedF1 => "weighted F1",
            Metric::MicroF1 => "micro F1",
            Metric::Accuracy => "accuracy",
            Metric::ExactMatch => "exact match",
            Metric::Matthews => "Matthews correlation",
            Metric::Pearson => "Pearson correlation",
            Metric::Spearman => "Spearman correlation",
            Metric::Agreement => "agreement with FP32",
            Metric::RankCorrelation => "rank correlation with FP32",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = Metric::NAMES.iter().find(|(metric, _)| metric == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Metric::NAMES.iter().find(|(_, known)| *known == name).map(|(metric, _)| *metric).ok_or_else(|| {
            let names: Vec<&str> = Metric::NAMES.iter().map(|(_, name)| *name).collect();
            format!("expected {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for (metric, name) in Metric::NAMES {
            assert_eq!((name.parse(), metric.to_string().as_str()), (Ok(metric), name));
            assert_eq!(serde_json::to_value(metric).unwrap(), name);
        }
        assert!("recall".parse::<Metric>().unwrap_err().contains("f1, macro-f1"));
    }
}
