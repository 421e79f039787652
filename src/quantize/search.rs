//! The choice of smoothing and range for one activation, by the error of the layers that read it.

use super::matrix::product;
use super::observer::Observer;
use super::options::{Options, Range, Smoothing};
use super::params::{QuantParams, QuantizedRows};
use super::range::range;
use super::smooth::{divisors, smoothed};

/// Calibration tokens that errors are measured on.
pub const ROWS: usize = 512;

/// How an activation is quantized.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// SmoothQuant's α; `None` where nothing is smoothed.
    pub alpha: Option<f32>,
    /// What every feature is divided by; ones where nothing is smoothed.
    pub divisors: Vec<f32>,
    /// How the range was chosen.
    pub method: Range,
    /// The range after division.
    pub range: (f32, f32),
    /// Scale and zero point.
    pub params: QuantParams,
}

impl Choice {
    /// The choice that `alpha` and `method` lead to for `weights`, one matrix `[out, in]` for every layer that reads.
    pub fn new(observer: &Observer, weights: &[&[f32]], alpha: Option<f32>, method: Range, symmetric: bool) -> Self {
        let divisors = match alpha {
            Some(alpha) => divisors(alpha, &observer.feature_magnitudes(), weights),
            None => vec![1.0; observer.features()],
        };
        let factors: Vec<f32> = divisors.iter().map(|s| 1.0 / s).collect();
        let (low, high) = range(method, observer, &factors);
        let params = match symmetric {
            true => QuantParams::symmetric(high.max(-low)),
            false => QuantParams::asymmetric(low, high),
        };
        Choice { alpha, divisors, method, range: (low, high), params }
    }

    /// What every feature is multiplied with before it is quantized.
    pub fn factors(&self) -> Vec<f32> {
        self.divisors.iter().map(|s| 1.0 / s).collect()
    }

    /// At most `count` rows of the activation as its integers stand for them, smoothed.
    pub fn quantized_rows(&self, observer: &Observer, count: usize) -> Vec<f32> {
        let mut rows = observer.rows(count, &self.factors());
        rows.iter_mut().for_each(|x| *x = self.params.round_trip(*x));
        rows
    }
}

/// Chooses as `options` say for layers of `weights` that read the activation of `observer`.
pub fn choose(options: &Options, observer: &Observer, weights: &[&[f32]]) -> Choice {
    let alphas: Vec<Option<f32>> = match options.smoothing {
        Smoothing::Off => vec![None],
        Smoothing::Fixed(alpha) => vec![Some(alpha)],
        Smoothing::Search => std::iter::once(None).chain((10..=20).map(|step| Some(step as f32 / 20.0))).collect(),
    };
    let methods = match options.range {
        Range::Search => vec![Range::MeanMinMax, Range::MinMax, Range::Mse],
        method => vec![method],
    };
    let mut choices: Vec<Choice> = Vec::new();
    for alpha in alphas {
        choices.extend(methods.iter().map(|&method| Choice::new(observer, weights, alpha, method, options.symmetric)));
    }
    if choices.len() == 1 {
        return choices.remove(0);
    }
    let inputs = observer.features();
    let joined = weights.concat();
    let exact = product(&observer.rows(ROWS, &vec![1.0; inputs]), &joined, inputs);
    let error = |choice: &Choice| {
        let rounded: Vec<f32> =
            QuantizedRows::new(&smoothed(&joined, &choice.divisors), inputs).dequantized().collect();
        let got = product(&choice.quantized_rows(observer, ROWS), &rounded, inputs);
        squared_error(&exact, &got, joined.len() / inputs, options.bias_correction)
    };
    let scored: Vec<f64> = choices.iter().map(error).collect();
    let best = (0..choices.len()).min_by(|&a, &b| scored[a].total_cmp(&scored[b])).unwrap_or(0);
    choices.swap_remove(best)
}

/// `Σ (exact − got)²`, less what a bias for each of the `outputs` columns takes away where that is `corrected`.
fn squared_error(exact: &[f32], got: &[f32], outputs: usize, corrected: bool) -> f64 {
    let (mut sums, mut squares) = (vec![0.0f64; outputs], 0.0);
    for (exact, got) in exact.chunks_exact(outputs).zip(got.chunks_exact(outputs)) {
        for ((sum, exact), got) in sums.iter_mut().zip(exact).zip(got) {
            let error = f64::from(exact - got);
            *sum += error;
            squares += error * error;
        }
    }
    let rows = (exact.len() / outputs).max(1) as f64;
    let mean: f64 = sums.iter().map(|sum| sum * sum / rows).sum();
    if corrected { squares - mean } else { squares }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// 16 features of which one is 50 times as large as the others.
    fn outlier() -> (Observer, Vec<f32>) {
        let mut rng = Rng::new(9);
        let mut observer = Observer::new(16, 200);
        for _ in 0..10 {
            let values: Vec<f32> = (0..320).map(|at| rng.normal() * if at % 16 == 5 { 50.0 } else { 1.0 }).collect();
            observer.observe(&values, "x").unwrap();
        }
        (observer, (0..16 * 8).map(|_| rng.normal()).collect())
    }

    #[test]
    fn an_outlier_feature_is_smoothed() {
        let (observer, weights) = outlier();
        let options = Options { smoothing: Smoothing::Search, ..Options::default() };
        let choice = choose(&options, &observer, &[&weights]);
        assert!(choice.alpha.is_some_and(|alpha| alpha >= 0.5), "{choice:?}");
        assert!(choice.divisors[5] > 5.0 * choice.divisors[6], "{choice:?}");
    }

    #[test]
    fn the_searched_choice_is_no_worse_than_any_fixed_one() {
        let (observer, weights) = outlier();
        let exact = product(&observer.rows(ROWS, &[1.0; 16]), &weights, 16);
        let error = |choice: &Choice| {
            let rounded: Vec<f32> =
                QuantizedRows::new(&smoothed(&weights, &choice.divisors), 16).dequantized().collect();
            squared_error(&exact, &product(&choice.quantized_rows(&observer, ROWS), &rounded, 16), 8, true)
        };
        let searched = Options { smoothing: Smoothing::Search, range: Range::Search, ..Options::default() };
        let least = error(&choose(&searched, &observer, &[&weights]));
        for smoothing in [Smoothing::Off, Smoothing::Fixed(0.5), Smoothing::Fixed(0.95)] {
            for range in [Range::MinMax, Range::Mse] {
                let fixed = Options { smoothing, range, ..Options::default() };
                assert!(least <= error(&choose(&fixed, &observer, &[&weights])), "{fixed:?}");
            }
        }
    }

    #[test]
    fn symmetric_activations_have_zero_point_128() {
        let (observer, weights) = outlier();
        let choice = Choice::new(&observer, &[&weights], None, Range::MinMax, true);
        assert_eq!(choice.params.zero_point, 128);
    }
}
