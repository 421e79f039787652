//! Metrics of models whose labels apply independently.

use super::ratio;

/// Counts, label by label, predictions against truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelCounts {
    /// True positives, false positives and false negatives of every label.
    counts: Vec<[usize; 3]>,
    exact: usize,
    total: usize,
}

impl LabelCounts {
    /// Creates zeros for `labels` labels.
    pub fn new(labels: usize) -> Self {
        LabelCounts { counts: vec![[0; 3]; labels], exact: 0, total: 0 }
    }

    /// Counts one input: whether each label is `predicted`, and whether it `applies`.
    pub fn add(&mut self, predicted: &[bool], applies: &[bool]) {
        self.total += 1;
        self.exact += usize::from(predicted == applies);
        for ((counts, predicted), applies) in self.counts.iter_mut().zip(predicted).zip(applies) {
            match (predicted, applies) {
                (true, true) => counts[0] += 1,
                (true, false) => counts[1] += 1,
                (false, true) => counts[2] += 1,
                (false, false) => {}
            }
        }
    }

    /// The share of inputs with every label right, 0 to 1. Returns 0 if nothing was counted.
    pub fn exact_match(&self) -> f64 {
        ratio(self.exact, self.total)
    }

    /// F1 over all decisions, label by label: `2·ΣTP / (2·ΣTP + ΣFP + ΣFN)`, 0 to 1. Returns 0 if the denominator is 0.
    pub fn micro_f1(&self) -> f64 {
        let sum = |at: usize| self.counts.iter().map(|counts| counts[at]).sum();
        f1([sum(0), sum(1), sum(2)])
    }

    /// The mean over labels of their F1. A label that never applies and is never predicted has F1 0, as in scikit-learn.
    pub fn macro_f1(&self) -> f64 {
        self.counts.iter().map(|counts| f1(*counts)).sum::<f64>() / self.counts.len().max(1) as f64
    }
}

fn f1([tp, fp, fn_]: [usize; 3]) -> f64 {
    ratio(2 * tp, 2 * tp + fp + fn_)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_one_by_one() {
        let mut counts = LabelCounts::new(3);
        for (predicted, applies) in [
            ([true, false, false], [true, false, false]),
            ([true, true, false], [true, false, false]),
            ([false, true, false], [true, true, false]),
            ([false, false, false], [false, false, false]),
        ] {
            counts.add(&predicted, &applies);
        }
        // TP 2, 1, 0; FP 0, 1, 0; FN 1, 0, 0.
        assert_eq!(counts.exact_match(), 0.5);
        assert!((counts.micro_f1() - 6.0 / 8.0).abs() < 1e-12);
        assert!((counts.macro_f1() - (4.0 / 5.0 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
        let none = LabelCounts::new(2);
        assert_eq!([none.exact_match(), none.micro_f1(), none.macro_f1()], [0.0; 3]);
    }
}
