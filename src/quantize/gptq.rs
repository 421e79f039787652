//! Rounding weights one input feature after the other, each making up for the error of those before it.

use super::matrix::matrix;
use super::params::{QuantizedRows, round_weight, row_scale};
use crate::bert::transpose;
use ndarray::{Array2, linalg::general_mat_mul, s};

/// Features whose errors are passed on together.
const BLOCK: usize = 64;
/// Features whose squares are computed together.
const BAND: usize = 192;
/// What is added to the diagonal of H, in parts of its mean, so that it has an inverse.
const DAMPING: f64 = 0.01;

/// Rounding of weights `[out, in]` for inputs `[rows, in]`, to have a small `tr((W − Ŵ) H (W − Ŵ)ᵀ)` with `H = XᵀX / rows`:
/// the layer's squared error. Features of most power come first.
///
/// With `H = (U + I) D (U + I)ᵀ`, U strictly upper triangular, feature k becomes `ŵ_k = round(w_k + Σ_{j<k} (w_j − ŵ_j) U_jk)`.
/// That is GPTQ (Frantar et al. 2023) in the form that Chee et al. 2023, "QuIP", section 3, prove equal to it.
pub struct Gptq {
    /// The features by falling power.
    order: Vec<usize>,
    /// U, in that order.
    upper: Array2<f32>,
}

impl Gptq {
    /// For layers that see `inputs`, rows of so many `features`.
    pub fn new(inputs: &[f32], features: usize) -> Self {
        let (order, upper) = factor(inputs, features);
        Gptq { order, upper }
    }

    /// Rounds the `weights` of a layer.
    pub fn round(&self, weights: &[f32]) -> QuantizedRows {
        let Gptq { order, upper } = self;
        let features = order.len();
        let outputs = weights.len() / features;
        let scales: Vec<f32> = weights.chunks_exact(features).map(row_scale).collect();
        let columns = transpose(weights, outputs);
        let columns = matrix(&columns, outputs);

        let mut errors = Array2::<f32>::zeros((features, outputs));
        let mut values = vec![0; weights.len()];
        for start in (0..features).step_by(BLOCK) {
            let end = features.min(start + BLOCK);
            let mut targets = Array2::from_shape_fn((end - start, outputs), |(k, n)| columns[(order[start + k], n)]);
            let known = errors.slice(s![..start, ..]);
            general_mat_mul(1.0, &upper.slice(s![..start, start..end]).t(), &known, 1.0, &mut targets);
            for k in start..end {
                for j in start..k {
                    targets.row_mut(k - start).scaled_add(upper[(j, k)], &errors.row(j));
                }
                let feature = order[k];
                for n in 0..outputs {
                    let q = round_weight(targets[(k - start, n)], scales[n]);
                    values[n * features + feature] = q;
                    errors[(k, n)] = columns[(feature, n)] - f32::from(q) * scales[n];
                }
            }
        }
        QuantizedRows { values, scales }
    }
}

/// The features by falling power, and U of H in that order.
fn factor(inputs: &[f32], features: usize) -> (Vec<usize>, Array2<f32>) {
    let x = matrix(inputs, features);
    // U does not depend on the inputs' scale. A power of 2 rounds nothing, and keeps their squares finite.
    let largest = x.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
    let x = x.mapv(|value| value * (-largest.log2().floor()).exp2());
    let h = squares(&x);
    let mean = h.diag().iter().map(|&power| f64::from(power)).sum::<f64>() / features as f64;
    let damping = if mean > 0.0 { DAMPING * mean } else { 1.0 };
    let mut order: Vec<usize> = (0..features).collect();
    order.sort_by(|&a, &b| h[(b, b)].total_cmp(&h[(a, a)]).then(a.cmp(&b)));
    let mut h = Array2::from_shape_fn((features, features), |(i, j)| {
        let (row, column) = (order[i].max(order[j]), order[i].min(order[j]));
        f64::from(h[(row, column)]) + if i == j { damping } else { 0.0 }
    });

    let mut upper = Array2::<f32>::zeros((features, features));
    let mut end = features;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut diagonal = vec![0.0; end - start];
        for k in (start..end).rev() {
            let d = h[(k, k)];
            diagonal[k - start] = d;
            // Column k becomes that of U; the block's columns before it lose its part.
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

/// `xᵀ · x`, of which the lower triangle alone is complete.
fn squares(x: &Array2<f32>) -> Array2<f32> {
    let features = x.ncols();
    let mut squares = Array2::zeros((features, features));
    for start in (0..features).step_by(BAND) {
        let end = features.min(start + BAND);
        let (rows, columns) = (x.slice(s![.., start..]), x.slice(s![.., start..end]));
        general_mat_mul(1.0, &rows.t(), &columns, 0.0, &mut squares.slice_mut(s![start.., start..end]));
    }
    squares
}

#[cfg(test)]
mod tests {
    use super::super::matrix::product;
    use super::*;
    use crate::rng::Rng;

    /// Inputs of few directions, as activations are, with some noise.
    fn inputs(rng: &mut Rng, rows: usize, features: usize) -> Vec<f32> {
        let directions: Vec<f32> = (0..4 * features).map(|_| rng.normal()).collect();
        let mut rows_of = || {
            let parts: [f32; 4] = std::array::from_fn(|_| rng.normal());
            let at = |j: usize| (0..4).map(|d| parts[d] * directions[d * features + j]).sum::<f32>();
            (0..features).map(|j| at(j) + 0.1 * rng.normal()).collect::<Vec<f32>>()
        };
        (0..rows).flat_map(|_| rows_of()).collect()
    }

    fn error(weights: &[f32], rounded: &QuantizedRows, x: &[f32], features: usize) -> f64 {
        let difference: Vec<f32> = weights.iter().zip(rounded.dequantized()).map(|(w, q)| w - q).collect();
        product(x, &difference, features).iter().map(|e| f64::from(*e).powi(2)).sum()
    }

    #[test]
    fn outputs_are_nearer_than_with_nearest_weights() {
        let mut rng = Rng::new(3);
        // More features than a block, and a rest.
        let (features, outputs) = (150, 10);
        let x = inputs(&mut rng, 200, features);
        let weights: Vec<f32> = (0..features * outputs).map(|_| rng.normal()).collect();
        let nearest = QuantizedRows::new(&weights, features);
        let rounded = Gptq::new(&x, features).round(&weights);
        assert_eq!(rounded.scales, nearest.scales);
        let (plain, better) = (error(&weights, &nearest, &x, features), error(&weights, &rounded, &x, features));
        assert!(better < 0.3 * plain, "{better} {plain}");
    }

    #[test]
    fn the_factor_gives_back_the_matrix() {
        let mut rng = Rng::new(5);
        let features = 130;
        let x = inputs(&mut rng, 300, features);
        let (order, upper) = factor(&x, features);
        let x = matrix(&x, features);
        let damping = x.iter().map(|x| f64::from(x * x)).sum::<f64>() / features as f64 * DAMPING;
        // (U + I)⁻¹ H (U + I)⁻ᵀ is diagonal: solved column by column from the last.
        let mut h = Array2::from_shape_fn((features, features), |(i, j)| {
            let dot: f64 = x.rows().into_iter().map(|row| f64::from(row[order[i]]) * f64::from(row[order[j]])).sum();
            dot + if i == j { damping } else { 0.0 }
        });
        for _ in 0..2 {
            for k in (0..features).rev() {
                for i in 0..k {
                    let u = f64::from(upper[(i, k)]);
                    for j in 0..features {
                        h[(i, j)] -= u * h[(k, j)];
                    }
                }
            }
            h = h.t().to_owned();
        }
        let largest = h.diag().iter().fold(0.0f64, |max, d| max.max(*d));
        for ((i, j), value) in h.indexed_iter() {
            // U is rounded to f32.
            assert!(i == j || value.abs() < 1e-4 * largest, "{i} {j} {value} {largest}");
        }
    }

    #[test]
    fn the_scale_of_the_inputs_makes_no_difference() {
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
    fn inputs_of_zeros_round_to_the_nearest() {
        let weights = [0.3, -0.7, 0.11, 0.5, 0.9, -0.2];
        assert_eq!(Gptq::new(&[0.0; 12], 3).round(&weights), QuantizedRows::new(&weights, 3));
    }
}
