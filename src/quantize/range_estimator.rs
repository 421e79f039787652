//! Estimates the range of values that the 8 bits of an activation span.

use super::channel_transform::ChannelTransform;
use super::histogram::Histogram;
use super::observer::Observer;
use super::options::RangeEstimator;
use super::quant_params::QuantParams;

/// Bins of the histograms that the estimators read.
const BINS: usize = 2048;
/// Activation rows that the histograms count.
const HISTOGRAM_ROWS: usize = 1024;

/// The range `(low, high)` of the observed activation after `transform`.
///
/// [`RangeEstimator::Search`] names several estimators, among which [`search_schemes`](super::scheme_search::search_schemes)
/// chooses. Here it means the first of them, [`RangeEstimator::MeanMinMax`].
pub fn estimate_range(estimator: RangeEstimator, observer: &Observer, transform: &ChannelTransform) -> (f32, f32) {
    let samples = observer.sample_ranges(transform);
    let extremes =
        samples.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), &(min, max)| (lo.min(min), hi.max(max)));
    let histogram = || Histogram::new(&observer.rows(HISTOGRAM_ROWS, transform), BINS);
    let least_cost = |cost: fn(&Histogram, f32, f32) -> f64| {
        let histogram = histogram();
        shrink_range((histogram.min, histogram.max), |low, high| cost(&histogram, low, high))
    };
    match estimator {
        RangeEstimator::MinMax => extremes,
        RangeEstimator::MeanMinMax | RangeEstimator::Search => {
            let mean = |part: fn(&(f32, f32)) -> f32| {
                (samples.iter().map(|sample| f64::from(part(sample))).sum::<f64>() / samples.len() as f64) as f32
            };
            (mean(|sample| sample.0), mean(|sample| sample.1))
        }
        RangeEstimator::Percentile(percent) => {
            let outside = (1.0 - f64::from(percent) / 100.0) / 2.0;
            let histogram = histogram();
            (histogram.quantile(outside), histogram.quantile(1.0 - outside))
        }
        RangeEstimator::Mse => least_cost(squared_error),
        RangeEstimator::Entropy => least_cost(kl_divergence),
    }
}

/// The range within `(low, high)` of the least `cost`, by coordinate descent: moves one end towards 0 in steps of 2 % of its
/// first value while the other end stays, then the other way round, twice.
fn shrink_range((low, high): (f32, f32), cost: impl Fn(f32, f32) -> f64) -> (f32, f32) {
    let mut best = (low, high);
    let steps = || (10..=50).rev().map(|step| step as f32 / 50.0);
    let least = |candidates: &mut dyn Iterator<Item = (f32, f32)>| {
        candidates.min_by(|a, b| cost(a.0, a.1).total_cmp(&cost(b.0, b.1)))
    };
    for _ in 0..2 {
        best = least(&mut steps().map(|share| (best.0, high * share))).unwrap_or(best);
        best = least(&mut steps().map(|share| (low * share, best.1))).unwrap_or(best);
    }
    best
}

/// `Σ (x − x̂)²` over the histogram, where x̂ is x quantized to the range and dequantized.
fn squared_error(histogram: &Histogram, low: f32, high: f32) -> f64 {
    let params = QuantParams::asymmetric(low, high);
    histogram.centers().map(|(x, count)| count * f64::from(x - params.fake_quantize(x)).powi(2)).sum()
}

/// The Kullback-Leibler divergence `Σ p·ln(p / q)` of the clipped distribution p from its quantized form q.
///
/// p is the histogram with all values outside the range counted at its ends. q spreads the count of every 8-bit level evenly
/// over the level's bins, and leaves out values outside the range.
///
/// After Migacz 2017, "8-bit Inference with TensorRT", extended to a range whose two ends move separately.
fn kl_divergence(histogram: &Histogram, low: f32, high: f32) -> f64 {
    let params = QuantParams::asymmetric(low, high);
    let total: f64 = histogram.centers().map(|(_, count)| count).sum();
    // By level: the count inside the range, the number of bins inside it, and the count outside.
    let mut levels = [(0.0, 0.0, 0.0); 256];
    for (x, count) in histogram.centers() {
        let level = &mut levels[usize::from(params.quantize(x))];
        match x >= low && x <= high {
            true => (level.0, level.1) = (level.0 + count, level.1 + 1.0),
            false => level.2 += count,
        }
    }
    let term = |(x, count): (f32, f64)| {
        let (sum, bins, outside) = levels[usize::from(params.quantize(x))];
        let p = (count + outside / bins) / total;
        (x >= low && x <= high).then(|| p * libm::log(p / (sum / bins / total)))
    };
    // Outside values whose level has no bin inside the range: p is positive where q is 0.
    let lost: f64 = levels.iter().filter(|level| level.1 == 0.0).map(|level| level.2).sum();
    if lost > 0.0 { f64::INFINITY } else { histogram.centers().filter_map(term).sum() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Almost normal values of standard deviation 1, and one outlier in each direction.
    fn observer() -> Observer {
        let mut rng = Rng::new(1);
        let mut observer = Observer::new(64, 1000);
        for sample in 0..10 {
            let mut values: Vec<f32> = (0..6400).map(|_| rng.normal()).collect();
            if sample == 3 {
                (values[0], values[64]) = (12.0, -6.0);
            }
            observer.observe(&values, "x").unwrap();
        }
        observer
    }

    #[test]
    fn each_estimator_has_its_own_range() {
        let observer = observer();
        let range = |estimator| estimate_range(estimator, &observer, &ChannelTransform::identity(64));
        assert_eq!(range(RangeEstimator::MinMax), (-6.0, 12.0));
        let (low, high) = range(RangeEstimator::MeanMinMax);
        assert!((-3.5..-3.2).contains(&low) && (3.8..4.2).contains(&high), "{low} {high}");
        let (low, high) = range(RangeEstimator::Percentile(99.0));
        assert!((-2.7..-2.3).contains(&low) && (2.3..2.7).contains(&high), "{low} {high}");
        for estimator in [RangeEstimator::Mse, RangeEstimator::Entropy] {
            let (low, high) = range(estimator);
            assert!((-6.0..-2.5).contains(&low) && (2.5..11.0).contains(&high), "{estimator:?} {low} {high}");
        }
    }

    #[test]
    fn the_least_squares_range_beats_its_neighbours() {
        let observer = observer();
        let histogram = Histogram::new(&observer.rows(HISTOGRAM_ROWS, &ChannelTransform::identity(64)), BINS);
        let cost = |low, high| squared_error(&histogram, low, high);
        let (low, high) = estimate_range(RangeEstimator::Mse, &observer, &ChannelTransform::identity(64));
        for (l, h) in [(low * 1.2, high), (low, high * 1.2), (low * 0.8, high), (low, high * 0.8), (-6.0, 12.0)] {
            assert!(cost(low, high) <= cost(l, h), "{l} {h}");
        }
    }

    #[test]
    fn channels_are_transformed_one_by_one() {
        let mut observer = Observer::new(2, 1);
        observer.observe(&[10.0, -1.0], "x").unwrap();
        let transform = ChannelTransform { centers: vec![8.0, 0.0], divisors: vec![2.0, 0.5] };
        assert_eq!(estimate_range(RangeEstimator::MinMax, &observer, &transform), (-2.0, 1.0));
    }

    #[test]
    fn constant_activations_have_a_range() {
        let mut observer = Observer::new(2, 2);
        observer.observe(&[0.0; 4], "x").unwrap();
        for estimator in [
            RangeEstimator::MinMax,
            RangeEstimator::MeanMinMax,
            RangeEstimator::Percentile(99.9),
            RangeEstimator::Mse,
            RangeEstimator::Entropy,
        ] {
            let range = estimate_range(estimator, &observer, &ChannelTransform::identity(2));
            assert_eq!(range, (0.0, 0.0), "{estimator:?}");
        }
    }
}
