//! What an evaluation found.

use super::{Run, Sample};
use bert8::metrics::{Answers, Difference, Interval, Measured, agreement_interval, measure, same_decisions};
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

    /// The number of rows with a label.
    pub fn labelled(&self) -> usize {
        self.answers.as_ref().map_or(0, Answers::len)
    }
}
