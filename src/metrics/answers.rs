//! Predictions beside the right answers.

use super::{ConfusionMatrix, LabelCounts, Metric, Target, argmax, pearson, sigmoid, spearman};
use crate::task::Problem;

/// What a model predicts for some inputs, beside the right answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answers {
    /// Classes: their number, and the class ids `(predicted, right)` of every input.
    Classes(usize, Vec<(usize, usize)>),
    /// Labels that apply independently: their number, and the sets `(predicted, right)` of every input.
    Labels(usize, Vec<(Vec<bool>, Vec<bool>)>),
    /// The scores `(predicted, right)` of every input.
    Scores(Vec<(f64, f64)>),
}

impl Answers {
    /// Interprets the `logits` that a model for `problem` returned for inputs with these `targets`. Labels that apply
    /// independently are predicted if their probability is at least `threshold`. A model with one such label returns scores,
    /// its probabilities, if the targets are scores.
    ///
    /// Returns `None` if there are no targets, or if they are not all of one kind that fits `problem`.
    pub fn new<'a>(
        problem: Problem,
        threshold: f32,
        rows: impl IntoIterator<Item = (&'a [f32], &'a Target)>,
    ) -> Option<Self> {
        let mut answers: Option<Answers> = None;
        for (logits, target) in rows {
            match (problem, target) {
                (Problem::SingleLabel, &Target::Class(class)) if class < logits.len() => {
                    let empty = || Answers::Classes(logits.len(), Vec::new());
                    let Answers::Classes(_, all) = answers.get_or_insert_with(empty) else { return None };
                    all.push((argmax(logits), class));
                }
                (Problem::MultiLabel, Target::Labels(labels)) if labels.len() == logits.len() => {
                    let empty = || Answers::Labels(logits.len(), Vec::new());
                    let Answers::Labels(_, all) = answers.get_or_insert_with(empty) else { return None };
                    let decided = logits.iter().map(|logit| sigmoid(*logit) >= threshold).collect();
                    all.push((decided, labels.clone()));
                }
                (Problem::Regression | Problem::MultiLabel, &Target::Score(right)) if logits.len() == 1 => {
                    let Answers::Scores(all) = answers.get_or_insert(Answers::Scores(Vec::new())) else { return None };
                    let score = if problem == Problem::Regression { logits[0] } else { sigmoid(logits[0]) };
                    all.push((score.into(), right));
                }
                _ => return None,
            }
        }
        answers
    }

    /// The number of inputs.
    pub fn len(&self) -> usize {
        match self {
            Answers::Classes(_, all) => all.len(),
            Answers::Labels(_, all) => all.len(),
            Answers::Scores(all) => all.len(),
        }
    }

    /// Whether there are no inputs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The metrics that fit, most telling first.
    pub fn metrics(&self) -> &'static [Metric] {
        match self {
            Answers::Classes(classes, _) => Metric::of(Problem::SingleLabel, *classes),
            Answers::Labels(labels, _) => Metric::of(Problem::MultiLabel, *labels),
            Answers::Scores(_) => Metric::of(Problem::Regression, 1),
        }
    }

    /// Returns the values of [`Answers::metrics`] over the inputs at the indices `chosen`, which may repeat.
    ///
    /// # Panics
    /// If there is no input at an index.
    pub fn values(&self, chosen: &[usize]) -> Vec<f64> {
        match self {
            Answers::Classes(classes, all) => {
                let mut matrix = ConfusionMatrix::new(*classes);
                chosen.iter().for_each(|&at| matrix.add(all[at].0, all[at].1));
                let value = |metric: &Metric| match metric {
                    Metric::Accuracy => matrix.accuracy(),
                    Metric::F1 => {
                        if *classes > 1 {
                            matrix.f1(1)
                        } else {
                            0.0
                        }
                    }
                    Metric::MacroF1 => matrix.macro_f1(),
                    Metric::WeightedF1 => matrix.weighted_f1(),
                    _ => matrix.matthews(),
                };
                self.metrics().iter().map(value).collect()
            }
            Answers::Labels(labels, all) => {
                let mut counts = LabelCounts::new(*labels);
                chosen.iter().for_each(|&at| counts.add(&all[at].0, &all[at].1));
                vec![counts.micro_f1(), counts.macro_f1(), counts.exact_match()]
            }
            Answers::Scores(all) => {
                let pairs: Vec<(f64, f64)> = chosen.iter().map(|&at| all[at]).collect();
                vec![pearson(&pairs), spearman(&pairs)]
            }
        }
    }

    /// Returns the value of one metric over all inputs, or `None` if it does not fit.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        let at = self.metrics().iter().position(|fitting| *fitting == metric)?;
        let all: Vec<usize> = (0..self.len()).collect();
        Some(self.values(&all)[at])
    }

    /// Counts predicted classes against labels. Returns `None` unless the answers are classes.
    pub fn confusion(&self) -> Option<ConfusionMatrix> {
        let Answers::Classes(classes, all) = self else { return None };
        let mut matrix = ConfusionMatrix::new(*classes);
        all.iter().for_each(|&(predicted, label)| matrix.add(predicted, label));
        Some(matrix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(problem: Problem, rows: &[(&[f32], Target)]) -> Option<Answers> {
        Answers::new(problem, 0.5, rows.iter().map(|(logits, target)| (*logits, target)))
    }

    #[test]
    fn every_problem_has_its_metrics() {
        let rows: [(&[f32], Target); 3] =
            [(&[1.0, 2.0], Target::Class(1)), (&[1.0, 2.0], Target::Class(0)), (&[3.0, 2.0], Target::Class(0))];
        let classes = answers(Problem::SingleLabel, &rows).unwrap();
        assert_eq!(classes.value(Metric::Accuracy), Some(2.0 / 3.0));
        assert_eq!(classes.value(Metric::F1), Some(2.0 / 3.0));
        assert_eq!(classes.value(Metric::MacroF1), None);
        assert_eq!(classes.confusion().unwrap().rows(), [[1, 1], [0, 1]]);
        assert_eq!(classes.values(&[2, 2])[0], 1.0);

        let rows: [(&[f32], Target); 2] =
            [(&[0.0, -0.1], Target::Labels(vec![true, false])), (&[-1.0, 2.0], Target::Labels(vec![true, true]))];
        let labels = answers(Problem::MultiLabel, &rows).unwrap();
        assert_eq!((labels.value(Metric::MicroF1), labels.value(Metric::ExactMatch)), (Some(0.8), Some(0.5)));

        let rows: [(&[f32], Target); 3] =
            [(&[0.0], Target::Score(1.0)), (&[1.0], Target::Score(2.0)), (&[2.0], Target::Score(3.0))];
        let scores = answers(Problem::Regression, &rows).unwrap();
        assert_eq!((scores.value(Metric::Pearson), scores.value(Metric::Spearman)), (Some(1.0), Some(1.0)));
        let sigmoids = answers(Problem::MultiLabel, &rows).unwrap();
        assert!(sigmoids.value(Metric::Pearson).unwrap() < 1.0);
        assert_eq!(sigmoids.value(Metric::Spearman), Some(1.0));
    }

    #[test]
    fn targets_must_fit_the_problem() {
        assert_eq!(answers(Problem::SingleLabel, &[]), None);
        assert_eq!(answers(Problem::SingleLabel, &[(&[1.0, 2.0], Target::Class(2))]), None);
        assert_eq!(answers(Problem::SingleLabel, &[(&[1.0, 2.0], Target::Score(1.0))]), None);
        assert_eq!(answers(Problem::MultiLabel, &[(&[1.0, 2.0], Target::Labels(vec![true]))]), None);
        assert_eq!(answers(Problem::Regression, &[(&[1.0, 2.0], Target::Score(1.0))]), None);
    }
}
