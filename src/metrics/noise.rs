//! How far values are from a reference.

/// The signal to quantization noise ratio in decibels: `10·log10(Σ reference² / Σ (reference − value)²)`. Returns `None` if
/// the signal or the noise is 0.
pub fn sqnr_db(reference: &[f32], values: &[f32]) -> Option<f64> {
    let signal: f64 = reference.iter().map(|&r| f64::from(r).powi(2)).sum();
    let noise: f64 = reference.iter().zip(values).map(|(&r, &v)| (f64::from(r) - f64::from(v)).powi(2)).sum();
    (signal > 0.0 && noise > 0.0).then(|| 10.0 * libm::log10(signal / noise))
}

/// The root mean square of `reference − value`. Returns 0 for empty slices.
pub fn rmse(reference: &[f32], values: &[f32]) -> f64 {
    let squares: f64 = reference.iter().zip(values).map(|(&r, &v)| (f64::from(r) - f64::from(v)).powi(2)).sum();
    (squares / reference.len().max(1) as f64).sqrt()
}

/// The largest `|reference − value|`. Returns 0 for empty slices.
pub fn max_difference(reference: &[f32], values: &[f32]) -> f64 {
    reference.iter().zip(values).map(|(&r, &v)| (f64::from(r) - f64::from(v)).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqnr_is_in_decibels() {
        assert!((sqnr_db(&[1.0, -1.0], &[1.1, -1.1]).unwrap() - 20.0).abs() < 1e-4);
        assert_eq!(sqnr_db(&[1.0], &[1.0]), None);
        assert_eq!(sqnr_db(&[0.0], &[1.0]), None);
        assert_eq!(max_difference(&[0.0, 1.0], &[0.5, -1.0]), 2.0);
        assert!((rmse(&[0.0, 0.0], &[3.0, -3.0]) - 3.0).abs() < 1e-12);
    }
}
