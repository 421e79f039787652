//! Small models made in code, for tests that need no files.

#![allow(dead_code, reason = "each test file uses a part of this")]

pub mod fixed_scales;
pub mod golden;

use bert8::activation::Activation;
use bert8::bert::{Bert, BertConfig};
use std::collections::BTreeMap;

/// A configuration small enough to run in a debug build.
pub fn tiny_config(activation: Activation, labels: usize) -> BertConfig {
    BertConfig {
        vocab_size: 50,
        hidden: 16,
        layers: 2,
        heads: 4,
        intermediate: 24,
        max_positions: 20,
        type_vocab: 2,
        layer_norm_eps: 1e-5,
        activation,
        labels: (0..labels).map(|id| format!("class {id}")).collect(),
    }
}

/// A model of this configuration with weights that look random and are the same in every run.
pub fn tiny_bert(config: BertConfig) -> Bert {
    let mut state = 8u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let mut weights = BTreeMap::new();
    for (name, shape) in config.tensor_shapes() {
        let len = shape.iter().product();
        let center = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
        weights.insert(name, (shape, (0..len).map(|_| center + next()).collect()));
    }
    Bert::new(config, weights, "tiny").expect("the weights have the configuration's shapes")
}
