//! Channels of an activation that are far larger than the others.

use super::channel_transform::ChannelTransform;
use super::observer::Observer;
use serde::{Deserialize, Serialize};

/// How many of the largest channels are named.
const NAMED: usize = 3;

/// The largest channels of an activation beside its usual ones. One scale spans them all, so a few large channels leave few
/// integers to the others. A channel's magnitude is its largest absolute value over all calibration texts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outliers {
    /// The largest channels before shift and smoothing, the largest first.
    pub largest: Vec<ChannelMagnitude>,
    /// The median of all channels' magnitudes before shift and smoothing.
    pub median: f32,
    /// The largest magnitude divided by the median, before shift and smoothing; 0 if the median is 0.
    pub ratio: f32,
    /// The same after shift and smoothing: what the 8 bits have to span.
    pub smoothed_ratio: f32,
}

/// The magnitude of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChannelMagnitude {
    /// The channel's index.
    pub channel: usize,
    /// Its largest absolute value.
    pub magnitude: f32,
}

impl Outliers {
    /// Finds the outliers in what `observer` saw, before and after `transform`.
    pub(super) fn new(observer: &Observer, transform: &ChannelTransform) -> Self {
        let ranges = observer.channel_ranges();
        let magnitudes = |transform: &ChannelTransform| -> Vec<f32> {
            let (lows, highs): (Vec<f32>, Vec<f32>) = ranges.iter().copied().unzip();
            transform.apply(&lows).zip(transform.apply(&highs)).map(|(low, high)| low.abs().max(high.abs())).collect()
        };
        let before = magnitudes(&ChannelTransform::identity(ranges.len()));
        let mut channels: Vec<usize> = (0..before.len()).collect();
        channels.sort_by(|&a, &b| before[b].total_cmp(&before[a]));
        let largest =
            channels.iter().take(NAMED).map(|&channel| ChannelMagnitude { channel, magnitude: before[channel] });
        let largest = largest.collect();
        let (median, ratio) = median_and_ratio(before);
        Outliers { largest, median, ratio, smoothed_ratio: median_and_ratio(magnitudes(transform)).1 }
    }
}

/// Returns the median of `magnitudes`, and the largest of them divided by it.
fn median_and_ratio(mut magnitudes: Vec<f32>) -> (f32, f32) {
    magnitudes.sort_by(f32::total_cmp);
    let median = magnitudes.get(magnitudes.len() / 2).copied().unwrap_or(0.0);
    let largest = magnitudes.last().copied().unwrap_or(0.0);
    let ratio = largest / median;
    (median, if ratio.is_finite() { ratio } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_channels_are_named_and_smoothing_shrinks_them() {
        let mut observer = Observer::new(5, 2);
        observer.observe(&[1.0, -60.0, 2.0, 0.5, 1.0, -1.0, 40.0, 1.0, 8.0, 2.0], "x").unwrap();
        let smoothing =
            ChannelTransform { centers: vec![0.0, -10.0, 0.0, 0.0, 0.0], divisors: vec![1.0, 25.0, 1.0, 4.0, 1.0] };
        let found = Outliers::new(&observer, &smoothing);
        let largest = |channel, magnitude| ChannelMagnitude { channel, magnitude };
        assert_eq!(found.largest, [largest(1, 60.0), largest(3, 8.0), largest(2, 2.0)]);
        assert_eq!((found.median, found.ratio, found.smoothed_ratio), (2.0, 30.0, 1.0));
        let nothing = Observer::new(2, 1);
        assert_eq!(Outliers::new(&nothing, &ChannelTransform::identity(2)).ratio, 0.0);
    }
}
