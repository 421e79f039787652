//! Compares a kernel with the scalar one on this processor: an encoder layer must have the same bits.
//!
//! Instructions that browsers and emulators translate wrongly, or lay out otherwise than their specification, then cost speed
//! instead of wrong answers.

use super::layers::{AttentionParams, ContextRows, Dense, LayerNorm, Linear, Quantizer, ResidualNorm, SelfAttention};
use super::{Kernel, PackedWeights};
use crate::activation::{Activation, HeadActivation};
use crate::rng::Rng;

/// Tokens of two sequences. The first is long enough for Strassen's algorithm, the second one is a single token.
const ENDS: [usize; 2] = [19, 20];
const FEATURES: usize = 64;
const HEADS: usize = 2;
const LABELS: usize = 3;

/// Whether `kernel` computes the bits of [`Kernel::SCALAR`] for a layer of each kind. Takes about a millisecond.
pub(super) fn agrees_with_scalar(kernel: Kernel) -> bool {
    kernel == Kernel::SCALAR || encoder_layer(kernel) == encoder_layer(Kernel::SCALAR)
}

/// Returns the bits of all FP32 values of an encoder layer and its head. Weights and inputs are random, with a fixed seed.
fn encoder_layer(kernel: Kernel) -> Vec<u32> {
    let mut rng = Rng::new(8);
    let tokens = ENDS[1];
    let quantizer = || Quantizer::uniform(1.0 / 32.0, 121, FEATURES);
    let norm = |rng: &mut Rng| {
        LayerNorm::new(&normal(rng, FEATURES, 1.0), &normal(rng, FEATURES, 0.1), 1e-12, Some(quantizer()))
    };
    let rows: Vec<u8> = (0..tokens * FEATURES).map(|_| rng.bits() as u8).collect();
    let mut x = normal(&mut rng, tokens * FEATURES, 1.0);
    let (mut residual, mut quantized) = (x.clone(), vec![0; tokens * FEATURES * kernel.encoded_width()]);

    let head = FEATURES / HEADS;
    let params = AttentionParams {
        heads: HEADS,
        head_size: head,
        query: Quantizer::uniform(1.0 / 32.0, Quantizer::SYMMETRIC, head),
        key: Quantizer::narrow_range(1.0 / 32.0, head),
        score_scale: 1.0 / 4096.0,
        first_query_only: false,
    };
    let attention = SelfAttention::new([(); 3].map(|()| linear(kernel, &mut rng)), params);
    attention.run(&kernel.encode(&rows), &ENDS, ContextRows::Encoded(&quantizer(), &mut quantized));

    let projection = ResidualNorm::new(linear(kernel, &mut rng), norm(&mut rng));
    let context = quantized.clone();
    projection.run(&context, &residual, &mut x, &mut quantized);
    let mut found: Vec<u32> = x.iter().map(|x| x.to_bits()).collect();

    residual.copy_from_slice(&x);
    let (up, down) = (linear(kernel, &mut rng), ResidualNorm::new(linear(kernel, &mut rng), norm(&mut rng)));
    let mut wide = vec![0; quantized.len()];
    for activation in [Activation::Relu, Activation::GeluTanh, Activation::Gelu] {
        up.run_quantized(&quantized, activation, &quantizer(), &mut wide);
        down.run(&wide, &residual, &mut x, &mut vec![0; wide.len()]);
        found.extend(x.iter().map(|x| x.to_bits()));
    }

    let weights = normal(&mut rng, FEATURES * LABELS, 0.1);
    let head = Dense::new(kernel, &weights, &[0.1; LABELS], Some(HeadActivation::Tanh));
    let mut logits = vec![0.0; tokens * LABELS];
    head.run(&x, &mut logits);
    found.extend(logits.iter().map(|x| x.to_bits()));
    found
}

/// Returns a linear layer of [`FEATURES`] inputs and outputs whose outputs have a variance of about 1.
fn linear(kernel: Kernel, rng: &mut Rng) -> Linear {
    let weights: Vec<i8> = (0..FEATURES * FEATURES).map(|_| (rng.below(255) as i32 - 127) as i8).collect();
    let weights = PackedWeights::new(&weights, FEATURES, FEATURES);
    Linear::new(kernel, weights, 121, &[1.0 / 40_000.0; FEATURES], &normal(rng, FEATURES, 0.1))
}

fn normal(rng: &mut Rng, count: usize, deviation: f32) -> Vec<f32> {
    (0..count).map(|_| rng.normal() * deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_agrees() {
        for kernel in Kernel::all() {
            assert!(agrees_with_scalar(kernel), "{}", kernel.name());
        }
    }

    #[test]
    fn the_layer_s_values_differ_and_are_finite() {
        let mut values: Vec<f32> = encoder_layer(Kernel::SCALAR).into_iter().map(f32::from_bits).collect();
        assert_eq!(values.len(), ENDS[1] * (4 * FEATURES + LABELS));
        assert!(values.iter().all(|value| value.is_finite()));
        values.sort_by(f32::total_cmp);
        values.dedup();
        assert!(values.len() > 3_000, "{}", values.len());
    }
}
