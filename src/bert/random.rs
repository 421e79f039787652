//! A model with seeded random weights, for benchmarks and tests.

use super::{Bert, BertConfig};
use crate::error::Result;
use crate::rng::Rng;

/// Returns a model with the architecture of `config` and random weights. The same `config` and `seed` return the same bits on
/// every machine.
///
/// The weights of a linear layer have the variance `gain² / inputs`. This keeps the magnitude of activations from layer to
/// layer, makes attention neither uniform nor concentrated on one token, and lets the logits depend on every token.
///
/// # Errors
/// Fails if `config` is not valid; see [`BertConfig::validate`].
pub fn random_bert(config: BertConfig, seed: u64) -> Result<Bert> {
    let mut rng = Rng::new(seed);
    config.validate("random model")?;
    let tensors = config.tensor_shapes().into_iter().map(|(name, shape)| {
        let (mean, deviation) = distribution(&name, &shape);
        let values = (0..shape.iter().product()).map(|_| mean + deviation * rng.normal()).collect();
        (name, (shape, values))
    });
    let tensors = tensors.collect();
    Bert::new(config, tensors, "random model")
}

/// The mean and standard deviation of a tensor's values.
fn distribution(name: &str, shape: &[usize]) -> (f32, f32) {
    let inputs = *shape.last().unwrap_or(&1) as f32;
    match name {
        "embeddings.word_embeddings.weight" => (0.0, 0.05),
        _ if name.ends_with("embeddings.weight") => (0.0, 0.02),
        _ if name.ends_with("LayerNorm.weight") => (1.0, 0.1),
        _ if name.ends_with(".bias") => (0.0, 0.02),
        _ => (0.0, gain(name) / inputs.sqrt()),
    }
}

/// The ratio of a linear layer's output magnitude to its input magnitude.
fn gain(name: &str) -> f32 {
    match name.trim_end_matches(".weight").rsplit("layer.").next().unwrap_or(name) {
        // Attention scores have the square of this as their standard deviation.
        part if part.ends_with(".query") || part.ends_with(".key") => 1.25,
        // Compensates GELU, which reduces the root mean square to about 0.65.
        part if part.ends_with(".output.dense") && !part.contains("attention") => 1.5,
        "classifier" => 2.0,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(heads: usize) -> BertConfig {
        BertConfig { heads, hidden: 16, intermediate: 24, ..BertConfig::tiny() }
    }

    #[test]
    fn the_seed_decides_every_bit() {
        let bert = random_bert(config(4), 1).unwrap();
        assert_eq!(bert, random_bert(config(4), 1).unwrap());
        assert_ne!(bert, random_bert(config(4), 2).unwrap());
        let bits = |name: &str| bert.weight(name).iter().take(3).map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits("embeddings.word_embeddings.weight"), [3_170_692_861, 1_029_415_914, 1_034_129_049]);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let error = random_bert(config(3), 0).unwrap_err().to_string();
        assert!(error.contains("num_attention_heads"), "{error}");
    }

    #[test]
    fn linear_layers_keep_the_magnitude_of_activations() {
        let shape = [3072, 768];
        let deviation = |name: &str| (distribution(name, &shape).1 * 768f32.sqrt() * 1e3).round() / 1e3;
        assert_eq!(deviation("encoder.layer.11.attention.self.query.weight"), 1.25);
        assert_eq!(deviation("encoder.layer.11.attention.output.dense.weight"), 1.0);
        assert_eq!(deviation("encoder.layer.11.intermediate.dense.weight"), 1.0);
        assert_eq!(deviation("encoder.layer.11.output.dense.weight"), 1.5);
        assert_eq!(deviation("classifier.weight"), 2.0);
        assert_eq!(distribution("encoder.layer.0.output.LayerNorm.weight", &[768]), (1.0, 0.1));
        assert_eq!(distribution("embeddings.LayerNorm.bias", &[768]), (0.0, 0.02));
    }
}
