//! A test that every machine can run: the INT8 logits of a small model, which are the same bits everywhere.
//!
//! ```
//! # fn main() -> bert8::Result<()> {
//! use bert8::{Kernel, self_test};
//!
//! let classifier = self_test::classifier(Kernel::detect())?;
//! assert_eq!(self_test::hash_logits(&classifier)?, self_test::LOGITS_HASH);
//! # Ok(())
//! # }
//! ```

use crate::error::Result;
use crate::kernels::Kernel;
use crate::model::Classifier;
use crate::rng::Rng;

/// What [`hash_logits`] returns for the model of [`classifier`] on every kernel, build and processor.
pub const LOGITS_HASH: u64 = 0x3b57_df1f_3cbc_6a86;

/// The number of pairs that [`hash_logits`] classifies.
pub const PAIRS: usize = 500;

/// The most words of a text. The longest pairs exceed the model's limit of 48 tokens and are cut.
const MOST_WORDS: usize = 30;

/// Words of the model's vocabulary, words that consist of several tokens, and unknown ones.
const WORDS: [&str; 24] = [
    "the", "a", "he", "she", "it", "is", "was", "not", "and", "cat", "dog", "home", "river", "price", "rose", "fell",
    "company", "bank", "today", ",", "12", "abc", "Zürich", "東京",
];

/// Returns the classifier of a small INT8 model with two layers, on `kernel`.
///
/// # Errors
/// If the model cannot be loaded, which does not happen on a working machine.
pub fn classifier(kernel: Kernel) -> Result<Classifier> {
    Classifier::builder()
        .model_bytes(include_bytes!("../tests/golden/model.int8.onnx").to_vec())
        .tokenizer_bytes(include_bytes!("../tests/golden/tokenizer.json"))
        .kernel(kernel)
        .build()
}

/// Returns the FNV-1a hash of the logits of [`PAIRS`] pairs of 3 to 48 tokens. Each logit counts as the four bytes of its bits, the
/// lowest first.
///
/// # Errors
/// If the model does not read pairs.
pub fn hash_logits(classifier: &Classifier) -> Result<u64> {
    let mut rng = Rng::new(0);
    let mut text = || {
        let words = rng.below(MOST_WORDS + 1);
        Vec::from_iter((0..words).map(|_| WORDS[rng.below(WORDS.len())])).join(" ")
    };
    let pairs: Vec<(String, String)> = (0..PAIRS).map(|_| (text(), text())).collect();
    let answers = classifier.classify_batch(pairs.iter().map(|(first, second)| (first.as_str(), second.as_str())))?;
    let bytes = answers.iter().flat_map(|answer| &answer.logits).flat_map(|logit| logit.to_le_bytes());
    Ok(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)))
}
