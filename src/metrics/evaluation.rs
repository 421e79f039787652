//! Everything that an evaluation finds: how good a model's answers are, and how far they are from those of its FP32 baseline.

use super::{Answers, Difference, Interval, Measured, Metric, Target, agreement_interval, measure, same_decisions};
use crate::task::{Problem, Texts};
use serde_json::{Map, Value, json};

/// What a model returned for the rows of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The logits of every row.
    pub logits: Vec<Vec<f32>>,
    /// How many rows the model answered per second.
    pub rows_per_second: f64,
}

/// A model's answers to the rows of a dataset, compared with the rows' labels and with the answers of a baseline.
#[derive(Debug)]
pub struct Evaluation<'a> {
    /// Whether a row is one text or two.
    pub texts: Texts,
    /// What the logits mean.
    pub problem: Problem,
    /// The model's answers to the rows that have a label; `None` if there are none.
    pub answers: Option<Answers>,
    /// Every metric that fits the answers.
    pub measured: Vec<Measured>,
    /// The difference to the baseline, and the interval of the agreement.
    pub difference: Option<(Difference, Option<Interval>)>,
    /// What the model returned.
    pub found: &'a Run,
    /// What the baseline returned.
    pub reference: Option<&'a Run>,
}

impl<'a> Evaluation<'a> {
    /// Compares what a model `found` with the `targets`, one for each row, and with what its baseline returned. Labels that apply
    /// independently are predicted if their probability is at least `threshold`.
    ///
    /// # Panics
    /// If the baseline returned another number of rows or of logits.
    pub fn new(
        texts: Texts,
        (problem, threshold): (Problem, f32),
        targets: &[Option<Target>],
        found: &'a Run,
        reference: Option<&'a Run>,
    ) -> Self {
        let answers = |run: &Run| {
            let rows = run.logits.iter().zip(targets);
            let rows = rows.filter_map(|(logits, target)| Some((logits.as_slice(), target.as_ref()?)));
            Answers::new(problem, threshold, rows)
        };
        let (ours, theirs) = (answers(found), reference.and_then(answers));
        let measured = ours.as_ref().map_or_else(Vec::new, |ours| measure(ours, theirs.as_ref()));
        let difference = reference.map(|reference| {
            let difference = Difference::new(problem, threshold, &reference.logits, &found.logits);
            let same = same_decisions(problem, threshold, &reference.logits, &found.logits);
            (difference, same.map(|same| agreement_interval(&same)))
        });
        Evaluation { texts, problem, answers: ours, measured, difference, found, reference }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.found.logits.len()
    }

    /// The number of rows with a label.
    pub fn labelled(&self) -> usize {
        self.answers.as_ref().map_or(0, Answers::len)
    }

    /// The results as a JSON object; `skipped` is the number of rows that were left out. `bert8 eval --json` prints it.
    pub fn json(&self, skipped: usize) -> Value {
        let key = |metric: Metric| metric.to_string().replace('-', "_");
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("rows", json!(self.rows()));
        set("labelled", json!(self.labelled()));
        set("skipped", json!(skipped));
        set("texts", json!(self.texts));
        set("problem", json!(self.problem));
        set("rows_per_second", json!(self.found.rows_per_second));
        let (mut intervals, mut changes) = (Map::new(), Map::new());
        let (mut baseline, mut baseline_intervals) = (Map::new(), Map::new());
        for Measured { metric, value, interval, baseline: theirs } in &self.measured {
            set(&key(*metric), json!(value));
            intervals.insert(key(*metric), json!(interval));
            if let Some((theirs, their_interval, change)) = theirs {
                baseline.insert(key(*metric), json!(theirs));
                baseline_intervals.insert(key(*metric), json!(their_interval));
                changes.insert(key(*metric), json!({ "value": value - theirs, "interval": change }));
            }
        }
        if let Some(confusion) = self.answers.as_ref().and_then(Answers::confusion) {
            set("confusion", json!(confusion));
        }
        if let (Some((difference, agreement)), Some(reference)) = (&self.difference, self.reference) {
            if let Value::Object(difference) = json!(difference) {
                difference.into_iter().for_each(|(name, value)| {
                    set(&name, value);
                });
            }
            if let Some(agreement) = agreement {
                intervals.insert("agreement".to_owned(), json!(agreement));
            }
            baseline.insert("rows_per_second".to_owned(), json!(reference.rows_per_second));
            baseline.insert("intervals".to_owned(), Value::Object(baseline_intervals));
            set("baseline", Value::Object(baseline));
            set("changes", Value::Object(changes));
        }
        set("intervals", Value::Object(intervals));
        Value::Object(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_baseline_are_compared() {
        let run = |first: [f32; 2]| Run { logits: vec![first.to_vec(), vec![0.0, 1.0]], rows_per_second: 8.0 };
        let (found, reference) = (run([0.5, 1.0]), run([1.0, 0.5]));
        let targets = [Some(Target::Class(0)), None];
        let decision = (Problem::SingleLabel, 0.5);
        let evaluation = Evaluation::new(Texts::Pair, decision, &targets, &found, Some(&reference));
        let results = evaluation.json(3);
        assert_eq!((&results["rows"], &results["labelled"], &results["skipped"]), (&json!(2), &json!(1), &json!(3)));
        assert_eq!((&results["accuracy"], &results["baseline"]["accuracy"]), (&json!(0.0), &json!(1.0)));
        assert_eq!((&results["agreement"], &results["flips"]), (&json!(0.5), &json!(1)));

        let alone = Evaluation::new(Texts::Pair, decision, &[None, None], &found, None).json(0);
        assert_eq!((&alone["labelled"], alone.get("accuracy"), alone.get("baseline")), (&json!(0), None, None));
    }
}
