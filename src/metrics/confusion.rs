//! Metrics of models that choose one class.

use super::ratio;
use serde::Serialize;

/// Counts predictions against labels: one row per label, one column per prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConfusionMatrix {
    /// `[label][prediction]`.
    rows: Vec<Vec<usize>>,
}

impl ConfusionMatrix {
    /// Creates a matrix of zeros for `classes` classes.
    pub fn new(classes: usize) -> Self {
        ConfusionMatrix { rows: vec![vec![0; classes]; classes] }
    }

    /// Counts one prediction. Both arguments are class ids.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn add(&mut self, predicted: usize, label: usize) {
        self.rows[label][predicted] += 1;
    }

    /// The counts `[label][prediction]`.
    pub fn rows(&self) -> &[Vec<usize>] {
        &self.rows
    }

    /// The number of predictions.
    pub fn total(&self) -> usize {
        self.rows.iter().flatten().sum()
    }

    /// The share of correct predictions, 0 to 1. Returns 0 if nothing was counted.
    pub fn accuracy(&self) -> f64 {
        ratio(self.correct(), self.total())
    }

    /// F1 of one class: `2·TP / (2·TP + FP + FN)`, 0 to 1. Returns 0 if the denominator is 0. GLUE's F1 is that of class 1.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn f1(&self, class: usize) -> f64 {
        ratio(2 * self.rows[class][class], self.labelled(class) + self.predicted(class))
    }

    /// The mean of F1 over the classes that occur as labels or predictions, as scikit-learn defines it.
    pub fn macro_f1(&self) -> f64 {
        let occurring = (0..self.rows.len()).filter(|&class| self.labelled(class) + self.predicted(class) > 0);
        let (sum, count) = occurring.fold((0.0, 0), |(sum, count), class| (sum + self.f1(class), count + 1));
        sum / count.max(1) as f64
    }

    /// The mean of F1 over classes, weighted by the number of their labels.
    pub fn weighted_f1(&self) -> f64 {
        let weighted = (0..self.rows.len()).map(|class| self.labelled(class) as f64 * self.f1(class));
        weighted.sum::<f64>() / self.total().max(1) as f64
    }

    /// The Matthews correlation coefficient, -1 to 1, for any number of classes:
    /// `(c·s − Σ pₖ·tₖ) / √((s² − Σ pₖ²)(s² − Σ tₖ²))`, with `s` predictions, `c` of them correct, `pₖ` predictions of class k
    /// and `tₖ` labels of class k. Returns 0 if the denominator is 0.
    ///
    /// After Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".
    pub fn matthews(&self) -> f64 {
        let classes = || (0..self.rows.len()).map(|class| (self.predicted(class) as f64, self.labelled(class) as f64));
        let (total, correct) = (self.total() as f64, self.correct() as f64);
        let covariance = correct * total - classes().map(|(p, t)| p * t).sum::<f64>();
        let predictions = total * total - classes().map(|(p, _)| p * p).sum::<f64>();
        let labels = total * total - classes().map(|(_, t)| t * t).sum::<f64>();
        if predictions * labels > 0.0 { covariance / (predictions * labels).sqrt() } else { 0.0 }
    }

    fn correct(&self) -> usize {
        (0..self.rows.len()).map(|class| self.rows[class][class]).sum()
    }

    fn labelled(&self, class: usize) -> usize {
        self.rows[class].iter().sum()
    }

    fn predicted(&self, class: usize) -> usize {
        self.rows.iter().map(|row| row[class]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(classes: usize, pairs: &[(usize, usize)]) -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(classes);
        pairs.iter().for_each(|&(predicted, label)| matrix.add(predicted, label));
        matrix
    }

    #[test]
    fn two_classes() {
        // TP 2, FP 1, FN 1, TN 2.
        let matrix = matrix(2, &[(1, 1), (1, 1), (1, 0), (0, 1), (0, 0), (0, 0)]);
        assert_eq!(matrix.rows(), [[2, 1], [1, 2]]);
        assert!((matrix.accuracy() - 4.0 / 6.0).abs() < 1e-12);
        assert!((matrix.f1(1) - 4.0 / 6.0).abs() < 1e-12);
        // (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)) = 3 / 9
        assert!((matrix.matthews() - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn three_classes() {
        // scikit-learn's example: labels 0 1 2 0 1 2, predictions 0 2 1 0 0 1: macro F1 0.2666…, weighted F1 0.2666….
        let matrix = matrix(3, &[(0, 0), (2, 1), (1, 2), (0, 0), (0, 1), (1, 2)]);
        assert!((matrix.macro_f1() - 0.8 / 3.0).abs() < 1e-12);
        assert!((matrix.weighted_f1() - 0.8 / 3.0).abs() < 1e-12);
        // c 2, s 6, p 3 2 1, t 2 2 2: (12 − 12) / …
        assert_eq!(matrix.matthews(), 0.0);
        // F1 0.8, 0, 0.5 with 2, 1, 1 labels.
        let matrix = self::matrix(4, &[(0, 0), (0, 0), (0, 1), (3, 3), (3, 2)]);
        let f1 = [0, 1, 2, 3].map(|class| matrix.f1(class));
        assert_eq!(f1, [0.8, 0.0, 0.0, 2.0 / 3.0]);
        assert!((matrix.macro_f1() - (0.8 + 2.0 / 3.0) / 4.0).abs() < 1e-12);
        assert!((matrix.weighted_f1() - (1.6 + 2.0 / 3.0) / 5.0).abs() < 1e-12);
        // c 3, s 5, p 3 0 0 2, t 2 1 1 1: (15 − 8) / √((25 − 13)(25 − 7))
        assert!((matrix.matthews() - 7.0 / (12.0f64 * 18.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn classes_that_never_occur_do_not_count() {
        let matrix = matrix(5, &[(0, 0), (1, 1)]);
        assert_eq!((matrix.macro_f1(), matrix.weighted_f1(), matrix.matthews()), (1.0, 1.0, 1.0));
    }

    #[test]
    fn nothing_counted_is_0() {
        let matrix = ConfusionMatrix::new(2);
        let all = [matrix.accuracy(), matrix.f1(1), matrix.macro_f1(), matrix.weighted_f1(), matrix.matthews()];
        assert_eq!(all, [0.0; 5]);
    }
}
