//! What several test files share: small models built in code, the golden files, and paths outside the repository.

#![allow(dead_code, reason = "every test file uses only a part of this")]

pub mod fixed_scales;
pub mod golden;
pub mod golden_quantization;

use bert8::activation::Activation;
use bert8::bert::{Bert, BertConfig, Head};
use bert8::task::Problem;
use bert8::text::Tokens;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A configuration that is small enough for debug builds.
pub fn tiny_config(activation: Activation, labels: usize) -> BertConfig {
    BertConfig {
        vocab_size: 50,
        hidden: 16,
        layers: 2,
        heads: 4,
        intermediate: 24,
        max_positions: 20,
        type_vocab: 2,
        padding_id: None,
        embedding_size: None,
        layer_norm_eps: 1e-5,
        activation,
        head: Head::BERT,
        labels: (0..labels).map(|id| format!("class {id}")).collect(),
        problem: if labels == 1 { Problem::Regression } else { Problem::SingleLabel },
        texts: None,
    }
}

/// A model of `config` with pseudo-random weights, the same in every run.
///
/// The weights come from a generator of their own, not from [`bert8::rng`]: the bounds of the tests on quantization noise, and on
/// the difference between fused and unfused models, were set for these weights and do not hold for all others.
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

/// `count` sequences of 1 to 9 tokens for the model of [`tiny_config`]. They differ for every `salt`.
pub fn tiny_sequences(count: usize, salt: usize) -> Vec<Tokens> {
    let sequence = |at: usize| {
        let len = 1 + at % 9;
        let ids = (0..len).map(|token| ((at * 31 + token * 17 + salt * 7) % 50) as i64).collect();
        Tokens { ids, types: (0..len).map(|token| i64::from(token > len / 2)).collect(), truncated: false }
    };
    (0..count).map(sequence).collect()
}

/// The file or folder `path` in `shared`, the folder of large test data beside the repository. Returns `None` and says so on
/// standard output if it does not exist; the test must then return.
///
/// # Panics
/// If it does not exist and the environment variable `CI` is set and neither empty nor `false`: there, no test may be skipped.
pub fn shared(path: &str) -> Option<PathBuf> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if full.exists() {
        return Some(full);
    }
    let in_ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "false"));
    assert!(!in_ci, "the test data {} does not exist, and CI skips no test", full.display());
    println!("skipped: the test data {} does not exist", full.display());
    None
}
