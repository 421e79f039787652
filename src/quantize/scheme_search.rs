//! Searches how to quantize an activation: shift, SmoothQuant's α and range with the least error in the layers that read it.

use super::channel_transform::{ChannelTransform, channel_centers, scale_input_channels, smoothquant_divisors};
use super::matrix::matmul_transposed;
use super::observer::Observer;
use super::options::{Options, RangeEstimator, Shift, Smoothing};
use super::quant_params::{QuantParams, QuantizedRows};
use super::range_estimator::estimate_range;

/// Calibration tokens on which output errors are measured.
pub const ERROR_ROWS: usize = 512;

/// The values of α that a search tries, beside no smoothing.
const ALPHAS: [f32; 7] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0];

/// The settings that lead to an [`ActivationScheme`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Whether the center of every channel is subtracted.
    pub shift: bool,
    /// SmoothQuant's α, or `None` for no smoothing.
    pub alpha: Option<f32>,
    /// How the range is estimated.
    pub estimator: RangeEstimator,
    /// The share by which the estimated range is widened; see [`Options::range_margin`].
    pub margin: f32,
    /// Whether the range is symmetric, with zero point 128.
    pub symmetric: bool,
}

/// How an activation is quantized.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivationScheme {
    /// Whether the center of every channel is subtracted.
    pub shift: bool,
    /// SmoothQuant's α, or `None` for no smoothing.
    pub alpha: Option<f32>,
    /// The shift and smoothing of every channel, and the offsets before rounding
    /// ([`Observer::rounding_offsets`]).
    pub transform: ChannelTransform,
    /// How the range was estimated.
    pub estimator: RangeEstimator,
    /// The lowest and highest value, after the transform, that scale and zero point are chosen for.
    pub range: (f32, f32),
    /// Scale and zero point.
    pub params: QuantParams,
}

impl ActivationScheme {
    /// Applies the settings of `candidate` to the activation of `observer`. `weights` holds one matrix `[out, in]` for every
    /// layer that reads the activation.
    pub fn new(observer: &Observer, weights: &[&[f32]], candidate: Candidate) -> Self {
        let Candidate { shift, alpha, estimator, margin, symmetric } = candidate;
        let mut transform = ChannelTransform::identity(observer.channels());
        let ranges = observer.channel_ranges();
        if shift {
            transform.centers = channel_centers(&ranges);
        }
        if let Some(alpha) = alpha {
            let magnitude = |((low, high), center): (&(f32, f32), &f32)| (high - center).max(center - low);
            let magnitudes: Vec<f32> = ranges.iter().zip(&transform.centers).map(magnitude).collect();
            transform.divisors = smoothquant_divisors(alpha, &magnitudes, weights);
        }
        let (low, high) = estimate_range(estimator, observer, &transform);
        let (low, high) = (low * (1.0 + margin), high * (1.0 + margin));
        let (range, params) = match symmetric {
            true => ((-high.max(-low), high.max(-low)), QuantParams::symmetric(high.max(-low))),
            false => ((low.min(0.0), high.max(0.0)), QuantParams::asymmetric(low, high)),
        };
        let divisors = transform.divisors.iter();
        for ((center, divisor), offset) in transform.centers.iter_mut().zip(divisors).zip(observer.rounding_offsets()) {
            *center -= offset * params.scale * divisor;
        }
        ActivationScheme { shift, alpha, transform, estimator, range, params }
    }

    /// At most `count` calibration rows `[rows, channels]`, transformed, quantized and dequantized.
    pub fn fake_quantized_rows(&self, observer: &Observer, count: usize) -> Vec<f32> {
        let mut rows = observer.rows(count, &self.transform);
        rows.iter_mut().for_each(|x| *x = self.params.fake_quantize(*x));
        rows
    }
}

/// Searches the schemes that `options` allow for the activation of `observer` and returns the best one for each of
/// `fractions`. `weights` holds one matrix `[out, in]` for every layer that reads the activation.
///
/// The best scheme has the least squared error of these layers' outputs. The error counts activation rounding in full, and
/// `fraction` of the squared error that rounding the weights to nearest makes. A fraction below 1 suits weights that GPTQ
/// rounds: GPTQ avoids part of the error, and how much is known only afterwards.
pub fn search_schemes(
    options: &Options,
    observer: &Observer,
    weights: &[&[f32]],
    fractions: &[f32],
) -> Vec<ActivationScheme> {
    let alphas: Vec<Option<f32>> = match options.smoothing {
        Smoothing::Off => vec![None],
        Smoothing::Fixed(alpha) => vec![Some(alpha)],
        Smoothing::Search => std::iter::once(None).chain(ALPHAS.map(Some)).collect(),
    };
    let estimators = match options.range {
        RangeEstimator::Search => vec![RangeEstimator::MeanMinMax, RangeEstimator::MinMax, RangeEstimator::Mse],
        estimator => vec![estimator],
    };
    let shifts = match options.shift {
        Shift::Off => vec![false],
        Shift::On => vec![true],
        Shift::Search => vec![false, true],
    };
    let mut schemes: Vec<ActivationScheme> = Vec::new();
    for (&shift, &alpha) in shifts.iter().flat_map(|shift| alphas.iter().map(move |alpha| (shift, alpha))) {
        let Options { range_margin: margin, symmetric, .. } = *options;
        let candidate = |&estimator| Candidate { shift, alpha, estimator, margin, symmetric };
        schemes
            .extend(estimators.iter().map(|estimator| ActivationScheme::new(observer, weights, candidate(estimator))));
    }
    if let [only] = &schemes[..] {
        return vec![only.clone(); fractions.len()];
    }
    let inputs = observer.channels();
    let joined = weights.concat();
    let exact = matmul_transposed(&observer.rows(ERROR_ROWS, &ChannelTransform::identity(inputs)), &joined, inputs);
    let errors: Vec<Vec<f64>> =
        schemes.iter().map(|scheme| output_errors(scheme, observer, &joined, fractions, &exact)).collect();
    let best = |fraction: usize| {
        let least = (0..schemes.len()).min_by(|&a, &b| errors[a][fraction].total_cmp(&errors[b][fraction]));
        schemes[least.unwrap_or(0)].clone()
    };
    (0..fractions.len()).map(best).collect()
}

/// Squared output error when a fraction of the rounding error is applied to `weights` `[out, in]`, after removing each
/// output's mean, which bias correction restores. Returns one value per fraction. `exact` holds the FP32 outputs
/// `[rows, out]`.
fn output_errors(
    scheme: &ActivationScheme,
    observer: &Observer,
    weights: &[f32],
    fractions: &[f32],
    exact: &[f32],
) -> Vec<f64> {
    let inputs = observer.channels();
    let scaled = scale_input_channels(weights, &scheme.transform.divisors);
    let rounding_errors: Vec<f32> =
        scaled.iter().zip(QuantizedRows::new(&scaled, inputs).dequantized()).map(|(w, q)| q - w).collect();
    let rows = scheme.fake_quantized_rows(observer, ERROR_ROWS);
    // A layer's outputs are linear in its weights: outputs of the exact weights plus a part of those of the rounding errors.
    let [from_weights, from_errors] =
        [scaled, rounding_errors].map(|weights| matmul_transposed(&rows, &weights, inputs));
    let outputs = weights.len() / inputs;
    let error = |fraction: &f32| {
        let part = fraction.sqrt();
        let (mut sums, mut squares) = (vec![0.0f64; outputs], 0.0);
        let parts = from_weights.chunks_exact(outputs).zip(from_errors.chunks_exact(outputs));
        for (exact, (from_weights, from_errors)) in exact.chunks_exact(outputs).zip(parts) {
            for (((sum, exact), from_weight), from_error) in
                sums.iter_mut().zip(exact).zip(from_weights).zip(from_errors)
            {
                let error = f64::from(exact - from_weight - part * from_error);
                *sum += error;
                squares += error * error;
            }
        }
        let count = (exact.len() / outputs).max(1) as f64;
        squares - sums.iter().map(|sum| sum * sum / count).sum::<f64>()
    };
    fractions.iter().map(error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    const PLAIN: Candidate =
        Candidate { shift: false, alpha: None, estimator: RangeEstimator::MinMax, margin: 0.0, symmetric: false };

    /// 16 channels. One is 50 times as large as the others.
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
    fn an_outlier_channel_is_smoothed() {
        let (observer, weights) = outlier();
        let options = Options { smoothing: Smoothing::Search, ..Options::default() };
        let scheme = &search_schemes(&options, &observer, &[&weights], &[1.0])[0];
        assert!(scheme.alpha.is_some_and(|alpha| alpha >= 0.5), "{scheme:?}");
        assert!(scheme.transform.divisors[5] > 5.0 * scheme.transform.divisors[6], "{scheme:?}");
    }

    #[test]
    fn the_searched_scheme_is_no_worse_than_any_fixed_one() {
        let (observer, weights) = outlier();
        let exact = matmul_transposed(&observer.rows(ERROR_ROWS, &ChannelTransform::identity(16)), &weights, 16);
        let error = |options: &Options| {
            let scheme = search_schemes(options, &observer, &[&weights], &[1.0]).remove(0);
            output_errors(&scheme, &observer, &weights, &[1.0], &exact)[0]
        };
        let searched = Options { smoothing: Smoothing::Search, range: RangeEstimator::Search, ..Options::default() };
        let least = error(&searched);
        for smoothing in [Smoothing::Off, Smoothing::Fixed(0.5), Smoothing::Fixed(0.95)] {
            for range in [RangeEstimator::MinMax, RangeEstimator::Mse] {
                let fixed = Options { smoothing, range, ..Options::default() };
                assert!(least <= error(&fixed), "{fixed:?}");
            }
        }
    }

    #[test]
    fn channels_far_from_zero_are_shifted_and_sparse_ones_are_not() {
        let mut rng = Rng::new(4);
        let weights: Vec<f32> = (0..16 * 8).map(|_| rng.normal()).collect();
        let mut search = |value: &mut dyn FnMut(&mut Rng) -> f32| {
            let mut observer = Observer::new(16, 400);
            let values: Vec<f32> = (0..6400).map(|_| value(&mut rng)).collect();
            observer.observe(&values, "x").unwrap();
            let options = Options { shift: Shift::Search, ..Options::default() };
            search_schemes(&options, &observer, &[&weights], &[1.0]).remove(0)
        };
        let shifted = |scheme: ActivationScheme| scheme.transform.centers.iter().any(|&center| center != 0.0);
        assert!(shifted(search(&mut |rng| 20.0 + rng.normal())));
        let mut at = 0;
        assert!(!shifted(search(&mut |rng| {
            at += 1;
            if at % 50 == 0 { rng.normal().abs() } else { 0.0 }
        })));
    }

    #[test]
    fn symmetric_activations_have_zero_point_128() {
        let (observer, weights) = outlier();
        let candidate = Candidate { symmetric: true, ..PLAIN };
        let scheme = ActivationScheme::new(&observer, &[&weights], candidate);
        assert_eq!(scheme.params.zero_point, 128);
    }

    #[test]
    fn a_margin_widens_the_range_at_both_ends() {
        let (observer, weights) = outlier();
        let range = |margin| ActivationScheme::new(&observer, &[&weights], Candidate { margin, ..PLAIN }).range;
        let (low, high) = range(0.0);
        assert!(low < 0.0 && high > 0.0);
        assert_eq!(range(0.5), (1.5 * low, 1.5 * high));
    }
}
