//! The choice of smoothing and range for one activation, by the error of the layers that read it.

use super::matrix::product;
use super::observer::Observer;
use super::options::{Options, Range, Shift, Smoothing};
use super::params::{QuantParams, QuantizedRows};
use super::range::range;
use super::smooth::{FeatureMap, centers, divisors, smoothed};

/// Calibration tokens that errors are measured on.
pub const ROWS: usize = 512;

/// The α that a search tries, beside no smoothing.
const ALPHAS: [f32; 7] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0];

/// What a [`Choice`] is made by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Whether the middle of every feature is taken off.
    pub shift: bool,
    /// SmoothQuant's α, if there is to be smoothing.
    pub alpha: Option<f32>,
    /// How the range is chosen.
    pub method: Range,
    /// Whether the zero point is 128.
    pub symmetric: bool,
}

/// How an activation is quantized.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// SmoothQuant's α; `None` where nothing is smoothed.
    pub alpha: Option<f32>,
    /// What is done to every feature.
    pub map: FeatureMap,
    /// How the range was chosen.
    pub method: Range,
    /// The range of the mapped activation.
    pub range: (f32, f32),
    /// Scale and zero point.
    pub params: QuantParams,
}

impl Choice {
    /// The choice that `candidate` leads to for `weights`, one matrix `[out, in]` for every layer that reads.
    pub fn new(observer: &Observer, weights: &[&[f32]], candidate: Candidate) -> Self {
        let Candidate { shift, alpha, method, symmetric } = candidate;
        let mut map = FeatureMap::identity(observer.features());
        let ranges = observer.feature_ranges();
        if shift {
            map.centers = centers(&ranges);
        }
        if let Some(alpha) = alpha {
            let magnitude = |((low, high), center): (&(f32, f32), &f32)| (high - center).max(center - low);
            let magnitudes: Vec<f32> = ranges.iter().zip(&map.centers).map(magnitude).collect();
            map.divisors = divisors(alpha, &magnitudes, weights);
        }
        let (low, high) = range(method, observer, &map);
        let (range, params) = match symmetric {
            true => ((-high.max(-low), high.max(-low)), QuantParams::symmetric(high.max(-low))),
            false => ((low.min(0.0), high.max(0.0)), QuantParams::asymmetric(low, high)),
        };
        Choice { alpha, map, method, range, params }
    }

    /// At most `count` rows of the mapped activation, as its integers stand for them.
    pub fn quantized_rows(&self, observer: &Observer, count: usize) -> Vec<f32> {
        let mut rows = observer.rows(count, &self.map);
        rows.iter_mut().for_each(|x| *x = self.params.round_trip(*x));
        rows
    }
}

/// Chooses as `options` say for layers of `weights` that read the activation of `observer`, once for each of `shares`: of what
/// rounding to the nearest does to the weights, a search counts so much (of the square).
pub fn choose(options: &Options, observer: &Observer, weights: &[&[f32]], shares: &[f32]) -> Vec<Choice> {
    let alphas: Vec<Option<f32>> = match options.smoothing {
        Smoothing::Off => vec![None],
        Smoothing::Fixed(alpha) => vec![Some(alpha)],
        Smoothing::Search => std::iter::once(None).chain(ALPHAS.map(Some)).collect(),
    };
    let methods = match options.range {
        Range::Search => vec![Range::MeanMinMax, Range::MinMax, Range::Mse],
        method => vec![method],
    };
    let shifts = match options.shift {
        Shift::Off => vec![false],
        Shift::On => vec![true],
        Shift::Search => vec![false, true],
    };
    let mut choices: Vec<Choice> = Vec::new();
    for (&shift, &alpha) in shifts.iter().flat_map(|shift| alphas.iter().map(move |alpha| (shift, alpha))) {
        let candidate = |&method| Candidate { shift, alpha, method, symmetric: options.symmetric };
        choices.extend(methods.iter().map(|method| Choice::new(observer, weights, candidate(method))));
    }
    if let [only] = &choices[..] {
        return vec![only.clone(); shares.len()];
    }
    let inputs = observer.features();
    let joined = weights.concat();
    let exact = product(&observer.rows(ROWS, &FeatureMap::identity(inputs)), &joined, inputs);
    let scored: Vec<Vec<f64>> =
        choices.iter().map(|choice| errors(choice, observer, &joined, shares, &exact)).collect();
    let best = |share: usize| {
        let least = (0..choices.len()).min_by(|&a, &b| scored[a][share].total_cmp(&scored[b][share]));
        choices[least.unwrap_or(0)].clone()
    };
    (0..shares.len()).map(best).collect()
}

/// The squared errors against `exact` of layers of `weights` that are off by parts of what rounding to the nearest does, less
/// what a bias for each output takes away: one for each of `shares`.
fn errors(choice: &Choice, observer: &Observer, weights: &[f32], shares: &[f32], exact: &[f32]) -> Vec<f64> {
    let inputs = observer.features();
    let smooth = smoothed(weights, &choice.map.divisors);
    let off: Vec<f32> =
        smooth.iter().zip(QuantizedRows::new(&smooth, inputs).dequantized()).map(|(w, q)| q - w).collect();
    let rows = choice.quantized_rows(observer, ROWS);
    // A layer's outputs are those of its weights and, in part, those of what these are off by.
    let [of_weights, of_off] = [smooth, off].map(|weights| product(&rows, &weights, inputs));
    let outputs = weights.len() / inputs;
    let error = |share: &f32| {
        let part = share.sqrt();
        let (mut sums, mut squares) = (vec![0.0f64; outputs], 0.0);
        let of_layers = of_weights.chunks_exact(outputs).zip(of_off.chunks_exact(outputs));
        for (exact, (of_weights, of_off)) in exact.chunks_exact(outputs).zip(of_layers) {
            for (((sum, exact), of_weights), of_off) in sums.iter_mut().zip(exact).zip(of_weights).zip(of_off) {
                let error = f64::from(exact - of_weights - part * of_off);
                *sum += error;
                squares += error * error;
            }
        }
        let count = (exact.len() / outputs).max(1) as f64;
        squares - sums.iter().map(|sum| sum * sum / count).sum::<f64>()
    };
    shares.iter().map(error).collect()
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
        let choice = &choose(&options, &observer, &[&weights], &[1.0])[0];
        assert!(choice.alpha.is_some_and(|alpha| alpha >= 0.5), "{choice:?}");
        assert!(choice.map.divisors[5] > 5.0 * choice.map.divisors[6], "{choice:?}");
    }

    #[test]
    fn the_searched_choice_is_no_worse_than_any_fixed_one() {
        let (observer, weights) = outlier();
        let exact = product(&observer.rows(ROWS, &FeatureMap::identity(16)), &weights, 16);
        let error = |options: &Options| {
            errors(&choose(options, &observer, &[&weights], &[1.0])[0], &observer, &weights, &[1.0], &exact)[0]
        };
        let searched = Options { smoothing: Smoothing::Search, range: Range::Search, ..Options::default() };
        let least = error(&searched);
        for smoothing in [Smoothing::Off, Smoothing::Fixed(0.5), Smoothing::Fixed(0.95)] {
            for range in [Range::MinMax, Range::Mse] {
                let fixed = Options { smoothing, range, ..Options::default() };
                assert!(least <= error(&fixed), "{fixed:?}");
            }
        }
    }

    #[test]
    fn features_far_from_zero_are_shifted_and_sparse_ones_are_not() {
        let mut rng = Rng::new(4);
        let weights: Vec<f32> = (0..16 * 8).map(|_| rng.normal()).collect();
        let mut choice = |value: &mut dyn FnMut(&mut Rng) -> f32| {
            let mut observer = Observer::new(16, 400);
            let values: Vec<f32> = (0..6400).map(|_| value(&mut rng)).collect();
            observer.observe(&values, "x").unwrap();
            choose(&Options { shift: Shift::Search, ..Options::default() }, &observer, &[&weights], &[1.0]).remove(0)
        };
        let shifted = |choice: Choice| choice.map.centers.iter().any(|&center| center != 0.0);
        assert!(shifted(choice(&mut |rng| 20.0 + rng.normal())));
        let mut at = 0;
        assert!(!shifted(choice(&mut |rng| {
            at += 1;
            if at % 50 == 0 { rng.normal().abs() } else { 0.0 }
        })));
    }

    #[test]
    fn symmetric_activations_have_zero_point_128() {
        let (observer, weights) = outlier();
        let candidate = Candidate { shift: false, alpha: None, method: Range::MinMax, symmetric: true };
        let choice = Choice::new(&observer, &[&weights], candidate);
        assert_eq!(choice.params.zero_point, 128);
    }
}
