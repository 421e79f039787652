//! SmoothQuant, and the shift of Outlier Suppression+.

/// What is done to every feature j of an activation before it is quantized: `(x − center_j) / divisor_j`.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMap {
    /// What is taken off.
    pub centers: Vec<f32>,
    /// What is divided by; positive.
    pub divisors: Vec<f32>,
}

impl FeatureMap {
    /// Leaves `features` features as they are.
    pub fn identity(features: usize) -> Self {
        FeatureMap { centers: vec![0.0; features], divisors: vec![1.0; features] }
    }

    /// A row of features, mapped.
    pub fn apply<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        row.iter().zip(&self.centers).zip(&self.divisors).map(|((x, center), divisor)| (x - center) / divisor)
    }
}

/// The middle of every feature's range: `(max x_j + min x_j) / 2`.
///
/// After Wei et al. 2023, "Outlier Suppression+", section 4.1.
pub fn centers(ranges: &[(f32, f32)]) -> Vec<f32> {
    ranges.iter().map(|(min, max)| min / 2.0 + max / 2.0).collect()
}

/// What every input feature of linear layers is divided by before it is quantized, and its weights multiplied with:
/// `s_j = max|x_j|^α / max|w_j|^(1−α)`, from the features' `magnitudes` and the weights `[out, in]` of all layers that read
/// them. Kept within the 10 % quantile of all and 100. A feature of zeros, in x or w, is divided by 1.
///
/// After Xiao et al. 2023, "SmoothQuant", equation 4; the bounds are NNCF's.
pub fn divisors(alpha: f32, magnitudes: &[f32], weights: &[&[f32]]) -> Vec<f32> {
    let mut largest = vec![0.0f32; magnitudes.len()];
    for row in weights.iter().flat_map(|weights| weights.chunks_exact(magnitudes.len())) {
        for (largest, w) in largest.iter_mut().zip(row) {
            *largest = largest.max(w.abs());
        }
    }
    let divisor = |(&x, &w): (&f32, &f32)| (x > 0.0 && w > 0.0).then(|| x.powf(alpha) / w.powf(1.0 - alpha));
    let divisors: Vec<Option<f32>> = magnitudes.iter().zip(&largest).map(divisor).collect();
    let mut sorted: Vec<f32> = divisors.iter().flatten().copied().filter(|s| s.is_normal()).collect();
    sorted.sort_by(f32::total_cmp);
    let least = sorted.get(sorted.len() / 10).copied().unwrap_or(1.0).min(100.0);
    divisors.into_iter().map(|s| s.map_or(1.0, |s| s.clamp(least, 100.0))).collect()
}

/// What every feature of queries is divided by, and of keys multiplied with, so that both have the same magnitude:
/// `s_j = sqrt(max|q_j| / max|k_j|)`, from the ranges of features j. `q · k` stays what it is. Kept within 0.01 and 100; 1
/// for a feature of zeros.
pub fn balance(queries: &[(f32, f32)], keys: &[(f32, f32)]) -> Vec<f32> {
    let magnitude = |&(low, high): &(f32, f32)| high.max(-low);
    let magnitudes = queries.iter().map(magnitude).zip(keys.iter().map(magnitude));
    magnitudes.map(|(q, k)| if q > 0.0 && k > 0.0 { (q / k).sqrt().clamp(0.01, 100.0) } else { 1.0 }).collect()
}

/// `weights` `[out, in]`, feature by feature multiplied with `divisors`.
pub fn smoothed(weights: &[f32], divisors: &[f32]) -> Vec<f32> {
    let mut products = Vec::with_capacity(weights.len());
    for row in weights.chunks_exact(divisors.len()) {
        products.extend(row.iter().zip(divisors).map(|(w, s)| w * s));
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_moves_the_difference_from_activations_to_weights() {
        let (magnitudes, weights) = ([8.0, 2.0, 1.0, 1.0], [0.5, 0.1, 0.2, -1.0, -0.25, 0.5, 0.1, 0.3]);
        assert_eq!(divisors(1.0, &magnitudes, &[&weights]), [8.0, 2.0, 1.0, 1.0]);
        let half = divisors(0.5, &magnitudes, &[&weights[..4], &weights[4..]]);
        for (j, expected) in [(0, 4.0), (1, 2.0), (2, 5.0f32.sqrt()), (3, 1.0)] {
            assert!((half[j] - expected).abs() < 1e-5, "{half:?}");
        }
        // Both sides have the same magnitude in every feature then.
        let smooth = smoothed(&weights, &half);
        assert!((8.0 / half[0] - 2.0).abs() < 1e-5 && (smooth[0] - 2.0).abs() < 1e-5);
    }

    #[test]
    fn mapped_features_are_centred_and_divided() {
        let map = FeatureMap { centers: centers(&[(-1.0, 5.0), (0.0, 0.0)]), divisors: vec![3.0, 1.0] };
        assert_eq!(map.centers, [2.0, 0.0]);
        assert_eq!(map.apply(&[5.0, 7.0]).collect::<Vec<_>>(), [1.0, 7.0]);
    }

    #[test]
    fn queries_and_keys_come_to_have_the_same_magnitude() {
        let (queries, keys) = ([(-8.0, 2.0), (0.0, 0.0), (0.0, 1e30)], [(-1.0, 2.0), (0.0, 3.0), (0.0, 1.0)]);
        assert_eq!(balance(&queries, &keys), [2.0, 1.0, 100.0]);
    }

    #[test]
    fn extremes_and_zeros_stay_in_bounds() {
        let mut magnitudes = vec![1.0; 40];
        (magnitudes[0], magnitudes[1], magnitudes[2]) = (1e30, 1e-30, 0.0);
        let divisors = divisors(1.0, &magnitudes, &[[0.5; 40].as_slice()]);
        assert_eq!(divisors[..4], [100.0, 1.0, 1.0, 1.0]);
        assert_eq!(super::divisors(0.5, &[0.0, 0.0], &[&[0.0, 0.0]]), [1.0, 1.0]);
    }
}
