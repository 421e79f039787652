//! What several test files share: small models built in code, the golden files, and paths outside the repository.

#![allow(dead_code, reason = "every test file uses only a part of this")]

pub mod fixed_scales;
pub mod golden;

use bert8::activation::Activation;
use bert8::bert::{Bert, BertConfig};
use bert8::rng::Rng;
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
        layer_norm_eps: 1e-5,
        activation,
        labels: (0..labels).map(|id| format!("class {id}")).collect(),
    }
}

/// A model of `config` with seeded random weights, the same in every run.
///
/// How well so small a model can be quantized depends on its weights: with other seeds, the logits of INT8 models have from 12 to
/// 39 dB less noise than signal. The bounds on noise in the tests hold for this seed.
pub fn tiny_bert(config: BertConfig) -> Bert {
    let mut rng = Rng::new(0);
    let mut weights = BTreeMap::new();
    for (name, shape) in config.tensor_shapes() {
        let len = shape.iter().product();
        let center = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
        weights.insert(name, (shape, (0..len).map(|_| center + rng.uniform() - 0.5).collect()));
    }
    Bert::new(config, weights, "tiny").expect("the weights have the configuration's shapes")
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
