//! Statistics of an activation over the calibration samples.

use super::channel_transform::ChannelTransform;
use crate::error::{Error, Result};

/// The number of rows that an observer stores, evenly spaced over all calibration tokens.
const STORED_ROWS: usize = 2048;

/// Collects statistics of one activation `[tokens, channels]` over the calibration samples.
#[derive(Debug, Clone)]
pub struct Observer {
    channels: usize,
    /// Rows seen so far.
    rows: usize,
    /// Every `stride`-th row is stored.
    stride: usize,
    /// The minimum of every channel in every sample: `[samples, channels]`.
    sample_min: Vec<f32>,
    /// The maximum of every channel in every sample: `[samples, channels]`.
    sample_max: Vec<f32>,
    channel_sums: Vec<f64>,
    /// The stored rows: `[rows, channels]`.
    stored: Vec<f32>,
    /// See [`Observer::rounding_offsets`].
    rounding_offsets: Vec<f32>,
}

impl Observer {
    /// An observer of `tokens` rows in total, with `channels` values each.
    pub fn new(channels: usize, tokens: usize) -> Self {
        Observer {
            channels,
            rows: 0,
            stride: tokens.div_ceil(STORED_ROWS).max(1),
            sample_min: Vec::new(),
            sample_max: Vec::new(),
            channel_sums: vec![0.0; channels],
            stored: Vec::new(),
            rounding_offsets: vec![0.0; channels],
        }
    }

    /// The statistics of the activation in which channel j has `copies[j]` copies, as in
    /// [`Bert::with_copied_features`](crate::bert::Bert::with_copied_features).
    pub fn with_copies(&self, copies: &[usize]) -> Self {
        fn repeat<T: Copy>(values: &[T], copies: &[usize]) -> Vec<T> {
            let values = values.iter().zip(copies.iter().cycle());
            values.flat_map(|(&value, &count)| std::iter::repeat_n(value, count)).collect()
        }
        let offset = |(copy, count): (usize, usize)| (copy as f32 + 0.5) / count as f32 - 0.5;
        let numbered = copies.iter().flat_map(|&count| (0..count).map(move |copy| (copy, count)));
        Observer {
            channels: copies.iter().sum(),
            sample_min: repeat(&self.sample_min, copies),
            sample_max: repeat(&self.sample_max, copies),
            channel_sums: repeat(&self.channel_sums, copies),
            stored: repeat(&self.stored, copies),
            rounding_offsets: numbered.map(offset).collect(),
            ..*self
        }
    }

    /// What is added to every channel before it is rounded, in steps of the integers: 0, but for copies of one channel
    /// evenly spaced numbers in −0.5..0.5. Copies then round differently, and their mean has a finer resolution.
    pub fn rounding_offsets(&self) -> &[f32] {
        &self.rounding_offsets
    }

    /// Adds one sample `[tokens, channels]`, row-major. Errors name the activation `name`.
    ///
    /// # Errors
    /// Fails if a value is not finite.
    pub fn observe(&mut self, values: &[f32], name: &str) -> Result<()> {
        let (mut min, mut max) = (vec![f32::INFINITY; self.channels], vec![f32::NEG_INFINITY; self.channels]);
        for row in values.chunks_exact(self.channels) {
            for (((&x, min), max), sum) in row.iter().zip(&mut min).zip(&mut max).zip(&mut self.channel_sums) {
                (*min, *max) = (min.min(x), max.max(x));
                *sum += f64::from(x);
            }
            if self.rows.is_multiple_of(self.stride) {
                self.stored.extend(row);
            }
            self.rows += 1;
        }
        if !(min.iter().chain(&max).all(|x| x.is_finite()) && self.channel_sums.iter().all(|s| s.is_finite())) {
            return Err(not_finite(name));
        }
        self.sample_min.extend(min);
        self.sample_max.extend(max);
        Ok(())
    }

    /// The number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The lowest and highest value of every sample after `transform`.
    pub fn sample_ranges(&self, transform: &ChannelTransform) -> Vec<(f32, f32)> {
        let samples = self.sample_min.chunks_exact(self.channels).zip(self.sample_max.chunks_exact(self.channels));
        let range = |(min, max)| {
            (transform.apply(min).fold(f32::INFINITY, f32::min), transform.apply(max).fold(f32::NEG_INFINITY, f32::max))
        };
        samples.map(range).collect()
    }

    /// The mean of every channel over all tokens.
    pub fn channel_means(&self) -> Vec<f32> {
        self.channel_sums.iter().map(|sum| (sum / self.rows.max(1) as f64) as f32).collect()
    }

    /// The lowest and highest value of every channel over all tokens.
    pub fn channel_ranges(&self) -> Vec<(f32, f32)> {
        let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); self.channels];
        let samples = self.sample_min.chunks_exact(self.channels).zip(self.sample_max.chunks_exact(self.channels));
        for (lows, highs) in samples {
            for ((range, low), high) in ranges.iter_mut().zip(lows).zip(highs) {
                *range = (range.0.min(*low), range.1.max(*high));
            }
        }
        ranges
    }

    /// At most `count` rows `[rows, channels]` after `transform`, evenly spaced over all tokens.
    pub fn rows(&self, count: usize, transform: &ChannelTransform) -> Vec<f32> {
        let stride = (self.stored.len() / self.channels).div_ceil(count.max(1)).max(1);
        let mut rows = Vec::with_capacity(self.stored.len() / stride + self.channels);
        for row in self.stored.chunks_exact(self.channels).step_by(stride) {
            rows.extend(transform.apply(row));
        }
        rows
    }
}

/// The error that the activation `name` has infinite or NaN values.
pub fn not_finite(name: &str) -> Error {
    let problem = "became infinite or NaN during calibration; the model cannot be quantized";
    Error::tensor("calibration", name, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_per_sample_and_means_over_tokens() {
        let mut observer = Observer::new(2, 3);
        observer.observe(&[-1.0, 2.0, 0.0, 4.0], "x").unwrap();
        observer.observe(&[-3.0, 10.0], "x").unwrap();
        assert_eq!(observer.sample_ranges(&ChannelTransform::identity(2)), [(-1.0, 4.0), (-3.0, 10.0)]);
        let transform = ChannelTransform { centers: vec![1.0, 0.0], divisors: vec![0.5, 4.0] };
        assert_eq!(observer.sample_ranges(&transform), [(-4.0, 1.0), (-8.0, 2.5)]);
        assert_eq!(observer.channel_ranges(), [(-3.0, 0.0), (2.0, 10.0)]);
        let means = observer.channel_means();
        assert!((means[0] + 4.0 / 3.0).abs() < 1e-6 && (means[1] - 16.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn only_some_of_many_rows_are_stored() {
        let tokens = 3 * STORED_ROWS;
        let mut observer = Observer::new(1, tokens);
        let values: Vec<f32> = (0..tokens).map(|at| at as f32).collect();
        values.chunks(100).for_each(|sample| observer.observe(sample, "x").unwrap());
        let doubling = ChannelTransform { centers: vec![0.0], divisors: vec![0.5] };
        let rows = observer.rows(usize::MAX, &doubling);
        assert_eq!(rows.len(), STORED_ROWS);
        assert_eq!(rows[..3], [0.0, 6.0, 12.0]);
        assert_eq!(observer.rows(2, &ChannelTransform::identity(1)), [0.0, 3072.0]);
    }

    #[test]
    fn copies_have_the_channel_s_statistics() {
        let mut observer = Observer::new(2, 2);
        observer.observe(&[1.0, 2.0, 3.0, -4.0], "x").unwrap();
        let copied = observer.with_copies(&[1, 4]);
        assert_eq!(copied.channels(), 5);
        assert_eq!(
            copied.rows(2, &ChannelTransform::identity(5)),
            [1.0, 2.0, 2.0, 2.0, 2.0, 3.0, -4.0, -4.0, -4.0, -4.0]
        );
        assert_eq!(copied.channel_means(), [2.0, -1.0, -1.0, -1.0, -1.0]);
        assert_eq!(copied.channel_ranges()[1..], [(-4.0, 2.0); 4]);
        assert_eq!(copied.rounding_offsets(), [0.0, -0.375, -0.125, 0.125, 0.375]);
    }

    #[test]
    fn a_value_that_is_not_finite_is_named() {
        for bad in [f32::NAN, f32::INFINITY] {
            let error = Observer::new(2, 1).observe(&[0.0, bad], "layer.3").unwrap_err();
            assert!(error.to_string().contains("layer.3"));
        }
    }
}
