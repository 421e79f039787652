//! Operations on one row of floats: softmax, LayerNorm, quantization.

use super::math::exp;

const LANES: usize = 8;

/// Folds a row in [`LANES`] running values, which compilers keep in SIMD registers.
#[inline(always)]
fn fold(row: &[f32], start: f32, f: impl Fn(f32, f32) -> f32) -> f32 {
    let chunks = row.chunks_exact(LANES);
    let mut rest = start;
    for &value in chunks.remainder() {
        rest = f(rest, value);
    }
    let mut lanes = [start; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = f(*lane, value);
        }
    }
    lanes.into_iter().fold(rest, f)
}

/// The sum of a row.
pub fn sum(row: &[f32]) -> f32 {
    fold(row, 0.0, |a, b| a + b)
}

/// Softmax in place: `e^(x − max) / Σ e^(x − max)`.
pub fn softmax(row: &mut [f32]) {
    let max = fold(row, f32::NEG_INFINITY, |a, b| if b > a { b } else { a });
    for value in row.iter_mut() {
        *value = exp(*value - max);
    }
    let scale = 1.0 / sum(row);
    for value in row.iter_mut() {
        *value *= scale;
    }
}

/// LayerNorm in place: `(x − mean) / √(variance + epsilon) · gamma + beta`, with the biased variance.
pub fn layer_norm(row: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let len = row.len() as f32;
    let mean = sum(row) / len;
    for value in row.iter_mut() {
        *value -= mean;
    }
    let variance = fold_squares(row) / len;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((value, gamma), beta) in row.iter_mut().zip(gamma).zip(beta) {
        *value = *value * scale * gamma + beta;
    }
}

fn fold_squares(row: &[f32]) -> f32 {
    let chunks = row.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|v| v * v).sum();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += value * value;
        }
    }
    lanes.into_iter().sum::<f32>() + rest
}

/// Adding and taking off 1.5·2^23 rounds to the nearest integer, ties to even, for |x| ≤ 2^22.
const ROUND: f32 = 12_582_912.0;

/// ONNX QuantizeLinear to u8: `saturate(round_half_to_even(x / scale) + zero_point)`. NaN gives the zero point's end 0.
#[inline(always)]
pub fn quantize_u8(x: f32, scale: f32, zero_point: u8) -> u8 {
    let steps = (x / scale).clamp(-512.0, 512.0);
    let rounded = (steps + ROUND) - ROUND;
    (rounded + f32::from(zero_point)).clamp(0.0, 255.0) as i32 as u8
}

/// [`quantize_u8`] over slices of the same length.
pub fn quantize_row_u8(row: &[f32], scale: f32, zero_point: u8, out: &mut [u8]) {
    for (&x, q) in row.iter().zip(out) {
        *q = quantize_u8(x, scale, zero_point);
    }
}

/// ONNX QuantizeLinear to s8 with zero point 0: `saturate(round_half_to_even(x / scale))`.
#[inline(always)]
pub fn quantize_i8(x: f32, scale: f32) -> i8 {
    let steps = (x / scale).clamp(-128.0, 127.0);
    ((steps + ROUND) - ROUND) as i32 as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_sums_to_one_at_every_length() {
        for len in 1..40 {
            let mut row: Vec<f32> = (0..len).map(|i| (i as f32 * 1.7).sin() * 30.0).collect();
            let exact: Vec<f64> = row.iter().map(|&x| f64::from(x).exp()).collect();
            let total: f64 = exact.iter().sum();
            softmax(&mut row);
            for (got, exact) in row.iter().zip(exact) {
                // One exp (2e-7 relative), one sum and one product in f32.
                assert!((f64::from(*got) - exact / total).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn layer_norm_follows_its_formula_at_every_length() {
        for len in 2..40 {
            let row: Vec<f32> = (0..len).map(|i| (i as f32 * 0.9).cos() * 3.0 + 1.0).collect();
            let gamma: Vec<f32> = (0..len).map(|i| 1.0 + i as f32 * 0.01).collect();
            let beta: Vec<f32> = (0..len).map(|i| i as f32 * 0.1).collect();
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / len as f64;
            let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / len as f64;
            let mut got = row.clone();
            layer_norm(&mut got, &gamma, &beta, 1e-12);
            for i in 0..len {
                let exact =
                    (f64::from(row[i]) - mean) / (variance + 1e-12).sqrt() * f64::from(gamma[i]) + f64::from(beta[i]);
                // Sums of at most 40 f32 terms.
                assert!((f64::from(got[i]) - exact).abs() < 2e-6 * exact.abs().max(1.0));
            }
        }
    }

    #[test]
    fn quantization_rounds_ties_to_even_and_saturates() {
        let cases = [(0.5, 128), (1.5, 130), (2.5, 130), (-0.5, 128), (-1.5, 126), (1e9, 255), (-1e9, 0), (126.7, 255)];
        for (x, expected) in cases {
            assert_eq!(quantize_u8(x, 1.0, 128), expected, "{x}");
        }
        let cases = [(0.5, 0), (1.5, 2), (-2.5, -2), (300.0, 127), (-300.0, -128), (126.6, 127)];
        for (x, expected) in cases {
            assert_eq!(quantize_i8(x, 1.0), expected, "{x}");
        }
    }

    #[test]
    fn quantization_is_the_standard_s_division() {
        let mut x = -3.0f32;
        while x < 3.0 {
            let expected = ((x / 0.0123).round_ties_even() + 117.0).clamp(0.0, 255.0) as u8;
            assert_eq!(quantize_u8(x, 0.0123, 117), expected);
            x += 0.000_37;
        }
    }
}
