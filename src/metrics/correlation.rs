//! Correlation of scores.

/// Pearson's correlation coefficient of the pairs, -1 to 1: their covariance divided by both standard deviations. Returns 0 if
/// there are fewer than two pairs or a side is constant.
pub fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len() as f64;
    let mean = |side: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(side).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        let (x, y) = (x - x_mean, y - y_mean);
        xy += x * y;
        xx += x * x;
        yy += y * y;
    }
    // The root of the product is exact if both sides are equal, but it may overflow.
    let scale = if (xx * yy).is_normal() { (xx * yy).sqrt() } else { xx.sqrt() * yy.sqrt() };
    if scale > 0.0 { (xy / scale).clamp(-1.0, 1.0) } else { 0.0 }
}

/// Spearman's rank correlation coefficient of the pairs, -1 to 1: Pearson's of their ranks. Equal values share the mean of their
/// ranks. Returns 0 if there are fewer than two pairs or a side is constant.
pub fn spearman(pairs: &[(f64, f64)]) -> f64 {
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let ranks: Vec<(f64, f64)> = ranks(&x).into_iter().zip(ranks(&y)).collect();
    pearson(&ranks)
}

/// The rank of every value, from 1; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let equal = order[start..].iter().take_while(|&&at| values[at] == values[order[start]]).count();
        for &at in &order[start..start + equal] {
            ranks[at] = start as f64 + (equal + 1) as f64 / 2.0;
        }
        start += equal;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: [(f64, f64); 5] = [(1.0, 5.0), (2.0, 6.0), (3.0, 7.0), (4.0, 8.0), (5.0, 7.0)];

    #[test]
    fn coefficients_are_those_of_scipy() {
        // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) is 0.8207826816681233, an example of its documentation;
        // Pearson's is 6 / √(10 · 5.2).
        assert!((spearman(&PAIRS) - 0.820_782_681_668_123_3).abs() < 1e-12);
        assert!((pearson(&PAIRS) - 6.0 / 52.0f64.sqrt()).abs() < 1e-12);
        let reversed = PAIRS.map(|(x, y)| (x, -y));
        assert!((spearman(&reversed) + 0.820_782_681_668_123_3).abs() < 1e-12);
    }

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 3.0, 0.0]), [4.0, 2.0, 4.0, 4.0, 1.0]);
    }

    #[test]
    fn constants_have_no_correlation() {
        assert_eq!(pearson(&[(1.0, 2.0), (1.0, 3.0)]), 0.0);
        assert_eq!(spearman(&[(1.0, 2.0)]), 0.0);
        assert_eq!(pearson(&[]), 0.0);
        // Large values do not overflow into a wrong answer.
        assert_eq!(pearson(&[(1e150, 1.0), (-1e150, -1.0)]), 1.0);
    }
}
