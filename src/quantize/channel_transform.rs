//! Per-channel transforms before quantization: SmoothQuant, and the shift of Outlier Suppression+.

/// The transform of an activation `[tokens, channels]` before it is quantized: `(x_j − center_j) / divisor_j` for channel j.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelTransform {
    /// What is subtracted from every channel.
    pub centers: Vec<f32>,
    /// What every channel is divided by. All are positive.
    pub divisors: Vec<f32>,
}

impl ChannelTransform {
    /// Leaves all `channels` channels unchanged.
    pub fn identity(channels: usize) -> Self {
        ChannelTransform { centers: vec![0.0; channels], divisors: vec![1.0; channels] }
    }

    /// Transforms one row, a value for every channel.
    pub fn apply<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        row.iter().zip(&self.centers).zip(&self.divisors).map(|((x, center), divisor)| (x - center) / divisor)
    }
}

/// The center of every channel's `(min, max)` range: `(max x_j + min x_j) / 2`.
///
/// After Wei et al. 2023, "Outlier Suppression+", section 4.1.
pub fn channel_centers(ranges: &[(f32, f32)]) -> Vec<f32> {
    ranges.iter().map(|(min, max)| min / 2.0 + max / 2.0).collect()
}

/// SmoothQuant's divisor for every input channel: `s_j = max|x_j|^α / max|w_j|^(1−α)`. Activations are divided by it, weights
/// multiplied.
///
/// `magnitudes` holds `max|x_j|`. `weights` holds one matrix `[out, in]` for every layer that reads the activation. Divisors
/// are clamped to the range from their own 10 % quantile to 100. A channel that is all zeros, in x or w, gets 1.
///
/// After Xiao et al. 2023, "SmoothQuant", equation 4; the bounds are NNCF's.
pub fn smoothquant_divisors(alpha: f32, magnitudes: &[f32], weights: &[&[f32]]) -> Vec<f32> {
    let mut largest = vec![0.0f32; magnitudes.len()];
    for row in weights.iter().flat_map(|weights| weights.chunks_exact(magnitudes.len())) {
        for (largest, w) in largest.iter_mut().zip(row) {
            *largest = largest.max(w.abs());
        }
    }
    let divisor =
        |(&x, &w): (&f32, &f32)| (x > 0.0 && w > 0.0).then(|| libm::powf(x, alpha) / libm::powf(w, 1.0 - alpha));
    let divisors: Vec<Option<f32>> = magnitudes.iter().zip(&largest).map(divisor).collect();
    let mut sorted: Vec<f32> = divisors.iter().flatten().copied().filter(|s| s.is_normal()).collect();
    sorted.sort_by(f32::total_cmp);
    let least = sorted.get(sorted.len() / 10).copied().unwrap_or(1.0).min(100.0);
    divisors.into_iter().map(|s| s.map_or(1.0, |s| s.clamp(least, 100.0))).collect()
}

/// The divisor for every channel of the queries: `s_j = sqrt(max|q_j| / max|k_j|)`. Keys are multiplied by it. Queries and keys
/// then have the same magnitude in every channel, and `q · k` is unchanged.
///
/// `queries` and `keys` hold the `(min, max)` range of every channel. Divisors are clamped to 0.01..=100. A channel that is all
/// zeros gets 1.
pub fn query_key_divisors(queries: &[(f32, f32)], keys: &[(f32, f32)]) -> Vec<f32> {
    let magnitude = |&(low, high): &(f32, f32)| high.max(-low);
    let magnitudes = queries.iter().map(magnitude).zip(keys.iter().map(magnitude));
    magnitudes.map(|(q, k)| if q > 0.0 && k > 0.0 { (q / k).sqrt().clamp(0.01, 100.0) } else { 1.0 }).collect()
}

/// Multiplies input channel j of `weights` `[out, in]` by `factors[j]`.
pub fn scale_input_channels(weights: &[f32], factors: &[f32]) -> Vec<f32> {
    let mut products = Vec::with_capacity(weights.len());
    for row in weights.chunks_exact(factors.len()) {
        products.extend(row.iter().zip(factors).map(|(w, s)| w * s));
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_moves_the_difference_from_activations_to_weights() {
        let (magnitudes, weights) = ([8.0, 2.0, 1.0, 1.0], [0.5, 0.1, 0.2, -1.0, -0.25, 0.5, 0.1, 0.3]);
        assert_eq!(smoothquant_divisors(1.0, &magnitudes, &[&weights]), [8.0, 2.0, 1.0, 1.0]);
        let half = smoothquant_divisors(0.5, &magnitudes, &[&weights[..4], &weights[4..]]);
        for (j, expected) in [(0, 4.0), (1, 2.0), (2, 5.0f32.sqrt()), (3, 1.0)] {
            assert!((half[j] - expected).abs() < 1e-5, "{half:?}");
        }
        // Activations and weights now have the same magnitude in every channel.
        let scaled = scale_input_channels(&weights, &half);
        assert!((8.0 / half[0] - 2.0).abs() < 1e-5 && (scaled[0] - 2.0).abs() < 1e-5);
    }

    #[test]
    fn channels_are_centered_and_divided() {
        let centers = channel_centers(&[(-1.0, 5.0), (0.0, 0.0)]);
        let transform = ChannelTransform { centers, divisors: vec![3.0, 1.0] };
        assert_eq!(transform.centers, [2.0, 0.0]);
        assert_eq!(transform.apply(&[5.0, 7.0]).collect::<Vec<_>>(), [1.0, 7.0]);
    }

    #[test]
    fn queries_and_keys_get_the_same_magnitude() {
        let (queries, keys) = ([(-8.0, 2.0), (0.0, 0.0), (0.0, 1e30)], [(-1.0, 2.0), (0.0, 3.0), (0.0, 1.0)]);
        assert_eq!(query_key_divisors(&queries, &keys), [2.0, 1.0, 100.0]);
    }

    #[test]
    fn extremes_and_zeros_stay_in_bounds() {
        let mut magnitudes = vec![1.0; 40];
        (magnitudes[0], magnitudes[1], magnitudes[2]) = (1e30, 1e-30, 0.0);
        let divisors = smoothquant_divisors(1.0, &magnitudes, &[[0.5; 40].as_slice()]);
        assert_eq!(divisors[..4], [100.0, 1.0, 1.0, 1.0]);
        assert_eq!(smoothquant_divisors(0.5, &[0.0, 0.0], &[&[0.0, 0.0]]), [1.0, 1.0]);
    }
}
