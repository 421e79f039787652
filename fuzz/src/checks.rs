//! Oracles that several targets share.

use bert8::Error;
use bert8::model::Model;
use bert8::text::Tokens;

/// The name that errors must use for the file.
pub const FILE: &str = "fuzzed.file";

/// The longest useful message.
const MESSAGE_BYTES: usize = 8 << 10;

/// Checks that `error` names the file, on one line that a person can read.
pub fn error(error: &Error) {
    let text = error.with_sources();
    assert!(text.contains(FILE), "does not name the file: {text}");
    assert!(text.len() <= MESSAGE_BYTES, "{} bytes of message: {}", text.len(), text.escape_debug());
}

/// Five tokens of two texts, with small ids.
pub fn tokens() -> Tokens {
    Tokens { ids: vec![2, 7, 3, 8, 3], types: vec![0, 0, 0, 1, 1], truncated: false }
}

/// Runs `model` on one text. Returns its logits, if it does not refuse.
pub fn logits(model: &Model) -> Option<Vec<f32>> {
    match model.logits(&tokens()) {
        Ok(logits) => {
            assert_eq!(logits.len(), model.info().labels.len());
            assert!(logits.iter().all(|logit| logit.is_finite()), "{logits:?}");
            Some(logits)
        }
        Err(refusal) => {
            error(&refusal);
            None
        }
    }
}

/// Whether `a` and `b` differ by at most `tolerance` times their size, or `tolerance` if they are small.
pub fn close(a: &[f32], b: &[f32], tolerance: f32) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs())))
}
