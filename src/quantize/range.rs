//! The range of values that an activation's 8 bits span.

use super::histogram::Histogram;
use super::observer::Observer;
use super::options::Range;
use super::params::QuantParams;
use super::smooth::FeatureMap;

/// Bins of the histograms that methods search in.
const BINS: usize = 2048;
/// Rows that the histograms count.
const ROWS: usize = 1024;

/// The range of an activation whose features are mapped by `map`.
///
/// [`Range::Search`] is no single range: see [`search`](super::search).
pub fn range(method: Range, observer: &Observer, map: &FeatureMap) -> (f32, f32) {
    let samples = observer.sample_ranges(map);
    let extremes =
        samples.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), &(min, max)| (lo.min(min), hi.max(max)));
    let histogram = || Histogram::new(&observer.rows(ROWS, map), BINS);
    let shrunk = |cost: fn(&Histogram, f32, f32) -> f64| {
        let histogram = histogram();
        shrink((histogram.min, histogram.max), |low, high| cost(&histogram, low, high))
    };
    match method {
        Range::MinMax => extremes,
        Range::MeanMinMax | Range::Search => {
            let mean = |part: fn(&(f32, f32)) -> f32| {
                (samples.iter().map(|sample| f64::from(part(sample))).sum::<f64>() / samples.len() as f64) as f32
            };
            (mean(|sample| sample.0), mean(|sample| sample.1))
        }
        Range::Percentile(share) => {
            let outside = (1.0 - f64::from(share) / 100.0) / 2.0;
            let histogram = histogram();
            (histogram.quantile(outside), histogram.quantile(1.0 - outside))
        }
        Range::Mse => shrunk(mean_squared_error),
        Range::Entropy => shrunk(divergence),
    }
}

/// The range within `(low, high)` of the least `cost`: each end moves towards 0 in steps of 2 % of where it
/// began while the other stands, twice.
fn shrink((low, high): (f32, f32), cost: impl Fn(f32, f32) -> f64) -> (f32, f32) {
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

/// `Σ (x − x̂)²` over the histogram, x̂ what x becomes in 8 bits.
fn mean_squared_error(histogram: &Histogram, low: f32, high: f32) -> f64 {
    let params = QuantParams::asymmetric(low, high);
    histogram.centers().map(|(x, count)| count * f64::from(x - params.round_trip(x)).powi(2)).sum()
}

/// `Σ p·ln(p / q)`: p is the histogram with what lies outside the range counted at its ends, q the same spread evenly over
/// the bins that share an 8-bit level.
///
/// After Migacz 2017, "8-bit Inference with TensorRT", with a range of two ends.
fn divergence(histogram: &Histogram, low: f32, high: f32) -> f64 {
    let params = QuantParams::asymmetric(low, high);
    let total: f64 = histogram.centers().map(|(_, count)| count).sum();
    // By level: the count inside the range, the bins inside it, and the count cut off.
    let mut levels = [(0.0, 0.0, 0.0); 256];
    for (x, count) in histogram.centers() {
        let level = &mut levels[usize::from(params.quantize(x))];
        match x >= low && x <= high {
            true => (level.0, level.1) = (level.0 + count, level.1 + 1.0),
            false => level.2 += count,
        }
    }
    // Within a level q is even; what is cut off stands in p alone, on the level's share.
    let inside = |(x, count): (f32, f64)| {
        let (sum, bins, cut) = levels[usize::from(params.quantize(x))];
        let p = (count + cut / bins) / total;
        (x >= low && x <= high).then(|| p * (p / (sum / bins / total)).ln())
    };
    let lost: f64 = levels.iter().filter(|level| level.1 == 0.0).map(|level| level.2).sum();
    if lost > 0.0 { f64::INFINITY } else { histogram.centers().filter_map(inside).sum() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Near to normal values of deviation 1, and one outlier in each direction.
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
    fn each_method_chooses_its_own_range() {
        let observer = observer();
        let range = |method| range(method, &observer, &FeatureMap::identity(64));
        assert_eq!(range(Range::MinMax), (-6.0, 12.0));
        let (low, high) = range(Range::MeanMinMax);
        assert!((-3.5..-3.2).contains(&low) && (3.8..4.2).contains(&high), "{low} {high}");
        let (low, high) = range(Range::Percentile(99.0));
        assert!((-2.7..-2.3).contains(&low) && (2.3..2.7).contains(&high), "{low} {high}");
        for method in [Range::Mse, Range::Entropy] {
            let (low, high) = range(method);
            assert!((-6.0..-2.5).contains(&low) && (2.5..11.0).contains(&high), "{method:?} {low} {high}");
        }
    }

    #[test]
    fn the_least_squares_range_beats_its_neighbours() {
        let observer = observer();
        let histogram = Histogram::new(&observer.rows(ROWS, &FeatureMap::identity(64)), BINS);
        let cost = |low, high| mean_squared_error(&histogram, low, high);
        let (low, high) = range(Range::Mse, &observer, &FeatureMap::identity(64));
        for (l, h) in [(low * 1.2, high), (low, high * 1.2), (low * 0.8, high), (low, high * 0.8), (-6.0, 12.0)] {
            assert!(cost(low, high) <= cost(l, h), "{l} {h}");
        }
    }

    #[test]
    fn features_are_mapped_one_by_one() {
        let mut observer = Observer::new(2, 1);
        observer.observe(&[10.0, -1.0], "x").unwrap();
        let map = FeatureMap { centers: vec![8.0, 0.0], divisors: vec![2.0, 0.5] };
        assert_eq!(range(Range::MinMax, &observer, &map), (-2.0, 1.0));
    }

    #[test]
    fn constant_activations_have_a_range() {
        let mut observer = Observer::new(2, 2);
        observer.observe(&[0.0; 4], "x").unwrap();
        for method in [Range::MinMax, Range::MeanMinMax, Range::Percentile(99.9), Range::Mse, Range::Entropy] {
            assert_eq!(range(method, &observer, &FeatureMap::identity(2)), (0.0, 0.0), "{method:?}");
        }
    }
}
