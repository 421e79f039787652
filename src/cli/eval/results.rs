//! What an evaluation found.

use super::{Run, Sample};
use bert8::integrity::Integrity;
use bert8::metrics::{Answers, Difference, Interval, Measured, agreement_interval, measure, same_decisions};
use bert8::model::{Accuracy, MeasuredMetric};
use bert8::task::{Problem, Texts};

/// Everything that is printed.
pub struct Results<'a> {
    pub rows: usize,
    pub texts: Texts,
    pub problem: Problem,
    pub answers: Option<Answers>,
    pub measured: Vec<Measured>,
    /// The difference to the baseline, and the interval of the agreement.
    pub difference: Option<(Difference, Option<Interval>)>,
    pub found: &'a Run,
    pub reference: Option<&'a Run>,
}

impl<'a> Results<'a> {
    pub fn new(
        samples: &[Sample],
        texts: Texts,
        (problem, threshold): (Problem, f32),
        found: &'a Run,
        reference: Option<&'a Run>,
    ) -> Self {
        let answers = |run: &Run| {
            let rows = run.logits.iter().zip(samples);
            let rows = rows.filter_map(|(logits, sample)| Some((logits.as_slice(), sample.target.as_ref()?)));
            Answers::new(problem, threshold, rows)
        };
        let (ours, theirs) = (answers(found), reference.and_then(answers));
        let measured = ours.as_ref().map_or_else(Vec::new, |ours| measure(ours, theirs.as_ref()));
        let difference = reference.map(|reference| {
            let difference = Difference::new(problem, threshold, &reference.logits, &found.logits);
            let same = same_decisions(problem, threshold, &reference.logits, &found.logits);
            (difference, same.map(|same| agreement_interval(&same)))
        });
        Results { rows: samples.len(), texts, problem, answers: ours, measured, difference, found, reference }
    }

    /// What a model's file says of these results, which are about `data`.
    pub fn accuracy(&self, data: Integrity) -> Accuracy {
        let difference = self.difference.as_ref().map(|(difference, _)| difference);
        let metric = self.measured.first();
        Accuracy {
            rows: self.rows,
            data,
            unseen: None,
            agreement: difference.and_then(|difference| difference.agreement),
            sqnr: difference.and_then(|difference| difference.sqnr_db),
            metric: metric.map(|found| MeasuredMetric {
                name: found.metric,
                value: found.value,
                interval: found.interval,
            }),
        }
    }

    /// The number of rows with a label.
    pub fn labelled(&self) -> usize {
        self.answers.as_ref().map_or(0, Answers::len)
    }
}
