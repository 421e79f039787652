//! GPTQ: rounds weights one input channel at a time, and lets each channel compensate the rounding errors of earlier ones.

use super::matrix::matrix;
use super::quant_params::{QuantizedRows, quantize_weight, row_scale};
use crate::bert::transpose;
use ndarray::{Array2, linalg::general_mat_mul, s};

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
    /// U, with its channels in this order.
    upper: Array2<f32>,
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
        let columns = matrix(&columns, outputs);

        let mut errors = Array2::<f32>::zeros((channels, outputs));
        let mut values = vec![0; weights.len()];
        for start in (0..channels).step_by(BLOCK) {
            let end = channels.min(start + BLOCK);
            let mut targets = Array2::from_shape_fn((end - start, outputs), |(k, n)| columns[(order[start + k], n)]);
            let earlier_errors = errors.slice(s![..start, ..]);
            general_mat_mul(1.0, &upper.slice(s![..start, start..end]).t(), &earlier_errors, 1.0, &mut targets);
            for k in start..end {
                for j in start..k {
                    targets.row_mut(k - start).scaled_add(upper[(j, k)], &errors.row(j));
                }
                let channel = order[k];
                for n in 0..outputs {
                    let q = quantize_weight(targets[(k - start, n)], scales[n]);
                    values[n * channels + channel] = q;
                    errors[(k, n)] = columns[(channel, n)] - f32::from(q) * scales[n];
                }
            }
        }
        QuantizedRows { values, scales }
    }
}

/// The input channels by falling mean square, and the factor U of H with its channels in this order.
fn udu_factor(inputs: &[f32], channels: usize) -> (Vec<usize>, Array2<f32>) {
    let x = matrix(inputs, channels);
    // Scaling all inputs does not change U. Scaling by a power of 2 is exact, and here keeps the squares finite.
    let largest = x.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
    let x = x.mapv(|value| value * (-largest.log2().floor()).exp2());
    let h = gram_matrix(&x);
    let mean = h.diag().iter().map(|&square| f64::from(square)).sum::<f64>() / channels as f64;
    let damping = if mean > 0.0 { DAMPING * mean } else { 1.0 };
    let mut order: Vec<usize> = (0..channels).collect();
    order.sort_by(|&a, &b| h[(b, b)].total_cmp(&h[(a, a)]).then(a.cmp(&b)));
    let mut h = Array2::from_shape_fn((channels, channels), |(i, j)| {
        let (row, column) = (order[i].max(order[j]), order[i].min(order[j]));
        f64::from(h[(row, column)]) + if i == j { damping } else { 0.0 }
    });

    let mut upper = Array2::<f32>::zeros((channels, channels));
    let mut end = channels;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut diagonal = vec![0.0; end - start];
        for k in (start..end).rev() {
            let d = h[(k, k)];
            diagonal[k - start] = d;
            // Turns column k into a column of U, and subtracts its contribution from the block's columns before it.
            h.slice_mut(s![..k, k]).mapv_inplace(|x| x / d);
            let column = h.slice(s![..k, k]).to_vec();
            for (mut row, u) in h.slice_mut(s![..k, start..k]).rows_mut().into_iter().zip(&column) {
                row.iter_mut().zip(&column[start..]).for_each(|(h, v)| *h -= u * v * d);
            }
        }
        let panel = h.slice(s![..start, start..end]).to_owned();
        let weighted = Array2::from_shape_fn(panel.dim(), |(i, k)| panel[(i, k)] * diagonal[k]);
        general_mat_mul(-1.0, &weighted, &panel.t(), 1.0, &mut h.slice_mut(s![..start, ..start]));
        end = start;
    }
    for ((i, j), u) in upper.indexed_iter_mut() {
        if i < j {
            *u = h[(i, j)] as f32;
        }
    }
    (order, upper)
}

/// The Gram matrix `xᵀ · x`. Only its lower triangle is complete.
fn gram_matrix(x: &Array2<f32>) -> Array2<f32> {
    let channels = x.ncols();
    let mut gram = Array2::zeros((channels, channels));
    for start in (0..channels).step_by(BAND) {
        let end = channels.min(start + BAND);
        let (rows, columns) = (x.slice(s![.., start..]), x.slice(s![.., start..end]));
        general_mat_mul(1.0, &rows.t(), &columns, 0.0, &mut gram.slice_mut(s![start.., start..end]));
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
        let x = matrix(&x, channels);
        let damping = x.iter().map(|x| f64::from(x * x)).sum::<f64>() / channels as f64 * DAMPING;
        // (U + I)⁻¹ H (U + I)⁻ᵀ is diagonal. Solves for it column by column, from the last.
        let mut h = Array2::from_shape_fn((channels, channels), |(i, j)| {
            let dot: f64 = x.rows().into_iter().map(|row| f64::from(row[order[i]]) * f64::from(row[order[j]])).sum();
            dot + if i == j { damping } else { 0.0 }
        });
        for _ in 0..2 {
            for k in (0..channels).rev() {
                for i in 0..k {
                    let u = f64::from(upper[(i, k)]);
                    for j in 0..channels {
                        h[(i, j)] -= u * h[(k, j)];
                    }
                }
            }
            h = h.t().to_owned();
        }
        let largest = h.diag().iter().fold(0.0f64, |max, d| max.max(*d));
        for ((i, j), value) in h.indexed_iter() {
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
