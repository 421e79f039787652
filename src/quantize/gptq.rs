//! GPTQ: rounds weights one input channel at a time, and lets each channel compensate the rounding errors of earlier ones.

use super::quant_params::{QuantizedRows, quantize_weight, row_scale};
use crate::bert::transpose;
use crate::kernels::{FloatColumns, Kernel};

/// Channels whose errors are propagated together.
const BLOCK: usize = 64;
/// Columns of the Gram matrix that are computed together.
const BAND: usize = 192;
/// The damping of H: this fraction of its mean diagonal is added to the diagonal, so that H has an inverse.
const DAMPING: f64 = 0.01;

/// Rounds weights W `[out, in]` for given inputs X `[rows, in]`. Keeps the layer's squared output error
/// `tr((W − Ŵ) H (W − Ŵ)ᵀ)`, with `H = XᵀX`, small. Rounds the channels with the largest mean square first.
///
/// With `H = (U + I) D (U + I)ᵀ`, where U is strictly upper triangular and D diagonal, channel k is rounded to
/// `ŵ_k = round(w_k + Σ_{j<k} (w_j − ŵ_j) U_jk)`. This is GPTQ (Frantar et al. 2023) in the equivalent form of Chee et al.
/// 2023, "QuIP", section 3.
pub struct Gptq {
    /// The input channels by falling mean square.
    order: Vec<usize>,
    /// U `[channels, channels]`, with its channels in this order.
    upper: Vec<f32>,
}

impl Gptq {
    /// Prepares the rounding for layers that read `inputs` `[rows, channels]`.
    pub fn new(inputs: &[f32], channels: usize) -> Self {
        let (order, upper) = udu_factor(inputs, channels);
        Gptq { order, upper }
    }

    /// Rounds the `weights` `[out, in]` of a layer. Every output channel keeps the scale that maps its largest weight to 127.
    pub fn round(&self, weights: &[f32]) -> QuantizedRows {
        let Gptq { order, upper } = self;
        let channels = order.len();
        let outputs = weights.len() / channels;
        let scales: Vec<f32> = weights.chunks_exact(channels).map(row_scale).collect();
        let columns = transpose(weights, outputs);
        let column = |channel: usize| &columns[channel * outputs..][..outputs];
        let upper = |j: usize, k: usize| upper[j * channels + k];

        let mut errors = vec![0.0f32; weights.len()];
        let mut values = vec![0; weights.len()];
        for start in (0..channels).step_by(BLOCK) {
            let end = channels.min(start + BLOCK);
            let mut targets: Vec<f32> =
                order[start..end].iter().flat_map(|&channel| column(channel)).copied().collect();
            if start > 0 {
                let factors: Vec<f32> = (start..end).flat_map(|k| (0..start).map(move |j| upper(j, k))).collect();
                let earlier = FloatColumns::new(Kernel::detect(), start, outputs, |j, n| errors[j * outputs + n]);
                targets.iter_mut().zip(earlier.multiply(&factors)).for_each(|(target, error)| *target += error);
            }
            for (k, target) in (start..end).zip(targets.chunks_exact_mut(outputs)) {
                let (earlier, error) = errors[start * outputs..].split_at_mut((k - start) * outputs);
                for (j, earlier) in (start..k).zip(earlier.chunks_exact(outputs)) {
                    let factor = upper(j, k);
                    target.iter_mut().zip(earlier).for_each(|(target, error)| *target += factor * error);
                }
                let channel = order[k];
                for (n, ((target, error), weight)) in target.iter().zip(error).zip(column(channel)).enumerate() {
                    let q = quantize_weight(*target, scales[n]);
                    values[n * channels + channel] = q;
                    *error = weight - f32::from(q) * scales[n];
                }
            }
        }
        QuantizedRows { values, scales }
    }
}

/// The input channels by falling mean square, and the factor U `[channels, channels]` of H with its channels in this order.
fn udu_factor(inputs: &[f32], channels: usize) -> (Vec<usize>, Vec<f32>) {
    // Scaling all inputs does not change U. Scaling by a power of 2 is exact, and here keeps the squares finite.
    let largest = inputs.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
    let scale = 1.0 / power_of_two_below(largest);
    let x: Vec<f32> = inputs.iter().map(|value| value * scale).collect();
    let gram = gram_matrix(&x, channels);
    let square = |channel: usize| gram[channel * channels + channel];
    let mean = (0..channels).map(|channel| f64::from(square(channel))).sum::<f64>() / channels as f64;
    let damping = if mean > 0.0 { DAMPING * mean } else { 1.0 };
    let mut order: Vec<usize> = (0..channels).collect();
    order.sort_by(|&a, &b| square(b).total_cmp(&square(a)).then(a.cmp(&b)));
    let ordered = |(i, j): (usize, usize)| {
        let (row, column) = (order[i].max(order[j]), order[i].min(order[j]));
        f64::from(gram[row * channels + column]) + if i == j { damping } else { 0.0 }
    };
    let mut h: Vec<f64> = (0..channels).flat_map(|i| (0..channels).map(move |j| (i, j))).map(ordered).collect();
    drop(gram);

    // Only the upper triangle of h is read.
    let mut end = channels;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut diagonal = vec![0.0; end - start];
        for k in (start..end).rev() {
            let d = h[k * channels + k];
            diagonal[k - start] = d;
            // Turns column k into a column of U, and subtracts its contribution from the block's columns before it.
            let column: Vec<f64> = (0..k).map(|i| h[i * channels + k] / d).collect();
            for (row, u) in h.chunks_exact_mut(channels).zip(&column) {
                row[k] = *u;
                row[start..k].iter_mut().zip(&column[start..]).for_each(|(h, v)| *h -= u * v * d);
            }
        }
        let column = |k: usize| (0..start).map(|i| h[i * channels + k]).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (start..end).map(column).collect();
        let weighted: Vec<Vec<f64>> =
            columns.iter().zip(&diagonal).map(|(u, d)| u.iter().map(|u| u * d).collect()).collect();
        let [weighted, columns] = [&weighted, &columns].map(|rows| rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        Kernel::detect().subtract_products(&mut h, channels, &weighted, &columns);
        end = start;
    }
    let above_diagonal = |at: usize| if at / channels < at % channels { h[at] as f32 } else { 0.0 };
    let upper = (0..h.len()).map(above_diagonal).collect();
    (order, upper)
}

/// The largest power of two that is not above `x`, which must be normal and positive.
fn power_of_two_below(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & f32::INFINITY.to_bits())
}

/// The Gram matrix `xᵀ · x` `[channels, channels]` of x `[rows, channels]`. Only its lower triangle is complete.
fn gram_matrix(x: &[f32], channels: usize) -> Vec<f32> {
    let rows = x.len() / channels;
    let transposed = transpose(x, rows);
    let mut gram = vec![0.0; channels * channels];
    for start in (0..channels).step_by(BAND) {
        let end = channels.min(start + BAND);
        let band =
            FloatColumns::new(Kernel::detect(), rows, end - start, |row, column| x[row * channels + start + column]);
        let products = band.multiply(&transposed[start * rows..]);
        for (row, products) in
            gram[start * channels..].chunks_exact_mut(channels).zip(products.chunks_exact(end - start))
        {
            row[start..end].copy_from_slice(products);
        }
    }
    gram
}

#[cfg(test)]
mod tests {
    use super::super::matrix::matmul_transposed;
    use super::*;
    use crate::rng::Rng;

    /// Inputs near a subspace of four dimensions, plus noise. Activations are similar.
    fn inputs(rng: &mut Rng, rows: usize, channels: usize) -> Vec<f32> {
        let directions: Vec<f32> = (0..4 * channels).map(|_| rng.normal()).collect();
        let mut rows_of = || {
            let parts: [f32; 4] = std::array::from_fn(|_| rng.normal());
            let at = |j: usize| (0..4).map(|d| parts[d] * directions[d * channels + j]).sum::<f32>();
            (0..channels).map(|j| at(j) + 0.1 * rng.normal()).collect::<Vec<f32>>()
        };
        (0..rows).flat_map(|_| rows_of()).collect()
    }

    fn error(weights: &[f32], rounded: &QuantizedRows, x: &[f32], channels: usize) -> f64 {
        let difference: Vec<f32> = weights.iter().zip(rounded.dequantized()).map(|(w, q)| w - q).collect();
        matmul_transposed(x, &difference, channels).iter().map(|e| f64::from(*e).powi(2)).sum()
    }

    #[test]
    fn outputs_are_closer_than_with_rounding_to_nearest() {
        let mut rng = Rng::new(3);
        // Two whole blocks and a partial one.
        let (channels, outputs) = (150, 10);
        let x = inputs(&mut rng, 200, channels);
        let weights: Vec<f32> = (0..channels * outputs).map(|_| rng.normal()).collect();
        let nearest = QuantizedRows::new(&weights, channels);
        let rounded = Gptq::new(&x, channels).round(&weights);
        assert_eq!(rounded.scales, nearest.scales);
        let (plain, better) = (error(&weights, &nearest, &x, channels), error(&weights, &rounded, &x, channels));
        assert!(better < 0.3 * plain, "{better} {plain}");
    }

    #[test]
    fn the_factor_diagonalizes_the_matrix() {
        let mut rng = Rng::new(5);
        let channels = 130;
        let x = inputs(&mut rng, 300, channels);
        let (order, upper) = udu_factor(&x, channels);
        let damping = x.iter().map(|x| f64::from(x * x)).sum::<f64>() / channels as f64 * DAMPING;
        // (U + I)⁻¹ H (U + I)⁻ᵀ is diagonal. Solves for it column by column, from the last.
        let element = |(i, j): (usize, usize)| {
            let dot =
                x.chunks_exact(channels).map(|row| f64::from(row[order[i]]) * f64::from(row[order[j]])).sum::<f64>();
            dot + if i == j { damping } else { 0.0 }
        };
        let mut h: Vec<f64> = (0..channels).flat_map(|i| (0..channels).map(move |j| (i, j))).map(element).collect();
        for _ in 0..2 {
            for k in (0..channels).rev() {
                for i in 0..k {
                    let u = f64::from(upper[i * channels + k]);
                    for j in 0..channels {
                        h[i * channels + j] -= u * h[k * channels + j];
                    }
                }
            }
            h = transpose(&h, channels);
        }
        let largest = (0..channels).map(|k| h[k * channels + k]).fold(0.0f64, f64::max);
        for (at, value) in h.iter().enumerate() {
            let (i, j) = (at / channels, at % channels);
            // The tolerance is for U's rounding to f32.
            assert!(i == j || value.abs() < 1e-4 * largest, "{i} {j} {value} {largest}");
        }
    }

    #[test]
    fn the_scale_of_the_inputs_does_not_matter() {
        let mut rng = Rng::new(7);
        let inputs = inputs(&mut rng, 40, 20);
        let weights: Vec<f32> = (0..5 * 20).map(|_| rng.normal()).collect();
        let expected = Gptq::new(&inputs, 20).round(&weights);
        for scale in [1e-30f32, 1e-10, 1e10, 1e36].map(|scale| scale.log2().round().exp2()) {
            let scaled: Vec<f32> = inputs.iter().map(|x| x * scale).collect();
            assert_eq!(Gptq::new(&scaled, 20).round(&weights), expected, "inputs times {scale:e}");
        }
    }

    #[test]
    fn with_inputs_of_zeros_it_rounds_to_nearest() {
        let weights = [0.3, -0.7, 0.11, 0.5, 0.9, -0.2];
        assert_eq!(Gptq::new(&[0.0; 12], 3).round(&weights), QuantizedRows::new(&weights, 3));
    }
}
