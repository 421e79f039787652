//! Quality and speed metrics: accuracy, F1, correlation, signal to noise ratio, latency; and their confidence intervals.

mod answers;
mod confusion;
mod correlation;
mod difference;
mod evaluation;
mod interval;
mod label_counts;
mod latency;
mod margin;
mod measured;
mod metric;
mod noise;
mod target;

pub use answers::Answers;
pub use confusion::ConfusionMatrix;
pub use correlation::{pearson, spearman};
pub use difference::{Difference, agreement_interval, rank_correlation, same_decisions};
pub use evaluation::{Evaluation, Run};
pub use interval::{Interval, bootstrap, share_interval};
pub use label_counts::LabelCounts;
pub use latency::Latency;
pub use margin::decision_margin;
pub use measured::{Measured, measure};
pub use metric::Metric;
pub use noise::{max_difference, rmse, sqnr_db};
pub use target::Target;

/// The index of the largest value; the first if several are equal. Returns 0 for an empty slice.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best
}

/// The logistic function `1 / (1 + e^−x)`.
pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-logit))
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_values_wins() {
        assert_eq!(argmax(&[0.5, 2.0, 2.0, -1.0]), 1);
    }

    #[test]
    fn sigmoids_do_not_overflow() {
        assert_eq!([f32::NEG_INFINITY, -200.0, 0.0, 200.0].map(sigmoid), [0.0, 0.0, 0.5, 1.0]);
    }
}
