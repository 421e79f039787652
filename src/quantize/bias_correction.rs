//! Bias correction of linear layers.

use super::quant_params::QuantizedRows;

/// What to add to a layer's biases so that rounding its weights does not change the mean of any output over the calibration
/// tokens: `Δb = (W − Ŵ) · E[x]`. W holds the FP32 `weights` `[out, in]`, Ŵ the dequantized ones, and `E[x]` the mean of every
/// input channel. Returns one value per output channel.
///
/// After Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2, with
/// `E[x]` measured.
pub fn bias_correction(weights: &[f32], quantized: &QuantizedRows, input_means: &[f32]) -> Vec<f32> {
    let errors: Vec<f32> = weights.iter().zip(quantized.dequantized()).map(|(w, q)| w - q).collect();
    errors.chunks_exact(input_means.len()).map(|row| row.iter().zip(input_means).map(|(e, m)| e * m).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_output_is_restored() {
        let weights = [0.301, -0.777, 1.0, 0.123, 0.456, -2.0];
        let means = [10.0, -4.0, 2.5];
        let quantized = QuantizedRows::new(&weights, 3);
        let correction = bias_correction(&weights, &quantized, &means);
        let rounded = quantized.dequantized();
        for row in 0..2 {
            let dot = |w: &[f32]| w[row * 3..][..3].iter().zip(means).map(|(w, m)| w * m).sum::<f32>();
            assert!((dot(&weights) - dot(&rounded) - correction[row]).abs() < 1e-5);
        }
        assert!(correction.iter().any(|c| c.abs() > 1e-3));
    }
}
