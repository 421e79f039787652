//! What quantization must write on every machine and in every browser.

use super::{tiny_bert, tiny_config, tiny_sequences};
use bert8::activation::{Activation, HeadActivation};
use bert8::bert::{BertConfig, Head, Pooling};
use bert8::integrity::Integrity;
use bert8::quantize::{CalibrationInfo, Options, Preset, RangeEstimator, quantize};

/// Every case: its name, the model, the options, and the hash of the INT8 file.
fn cases() -> Vec<(&'static str, BertConfig, Options, &'static str)> {
    let bert = tiny_config(Activation::Gelu, 3);
    let projected = BertConfig {
        embedding_size: Some(8),
        head: Head { pooling: Pooling::FirstToken, dense: Some(HeadActivation::Gelu) },
        ..tiny_config(Activation::Relu, 1)
    };
    let mean = BertConfig {
        hidden: 24,
        type_vocab: 0,
        head: Head { pooling: Pooling::Mean, dense: None },
        ..tiny_config(Activation::GeluTanh, 2)
    };
    let searched = Options { range: RangeEstimator::Search, ..Options::default() };
    let entropy = Options { range: RangeEstimator::Entropy, ..Options::default() };
    vec![
        ("fast", bert.clone(), Preset::Fast.options(), "sha256-5N9POQ/7Cp7+mP8WQ/rsS8YHMGD4hyQ/F/bOOfn+Py8="),
        ("balanced", bert.clone(), Preset::Balanced.options(), "sha256-iWpz5fpBvQt9qhKDVvI3H8RiNYnVzkEI0tCnjHk2xIM="),
        ("searched ranges", bert.clone(), searched, "sha256-iWpz5fpBvQt9qhKDVvI3H8RiNYnVzkEI0tCnjHk2xIM="),
        ("entropy", bert, entropy, "sha256-PsITPv+uv8OjZXGcngh28FxaAIqU7kapecdoaB0zNms="),
        ("projected embeddings", projected, Options::default(), "sha256-rHV2IYvHf/VkLof6M3vwLsKxm10g3RI4Yh7o7KnUDxI="),
        ("mean pooling", mean, Options::default(), "sha256-CgNemu+y564lOiwPHkwZaaRR5BUZ/DFoAfzYsaFJag0="),
    ]
}

/// Quantizes a few small models and compares the files with those of other machines.
///
/// # Panics
/// If a file differs.
pub fn check() {
    let samples = tiny_sequences(40, 0);
    let mut wrong = Vec::new();
    for (name, config, options, expected) in cases() {
        let info = CalibrationInfo { max_length: 9, seed: 0 };
        let found = quantize(&tiny_bert(config), &samples, &options, info, None, |_| ()).unwrap();
        let found = Integrity::of(&found.onnx).to_string();
        if found != expected {
            wrong.push(format!("{name}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
