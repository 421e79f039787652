//! Hugging Face folders: config.json and model.safetensors.

use super::super::checks::{self, FILE};
use super::super::script::Script;
use super::super::{json_edits, models};
use bert8::bert::{config_json, import_bytes, safetensors};
use serde_json::Value;
use std::sync::OnceLock;

/// An edit script for the configuration, and edits of the bytes of the weights.
pub fn checkpoint(data: &[u8]) {
    static WHOLE: OnceLock<(Value, Vec<u8>)> = OnceLock::new();
    let (config, weights) = WHOLE.get_or_init(|| {
        let bert = models::bert(models::config());
        (config_json(bert.config()), safetensors(&bert).expect("a BERT has such files"))
    });
    let mut script = Script::new(data);
    let mut config = config.clone();
    let edits = script.below(6);
    json_edits::apply(&mut config, edits, &mut script);
    let mut weights = weights.clone();
    // The header of the weights ends with its tensors' shapes and offsets.
    let header = 8 + u64::from_le_bytes(*weights.first_chunk().expect("the weights have a header")) as usize;
    while !script.has_ended() {
        let at = script.below(header.min(1 << 16));
        let byte = script.byte();
        match script.byte() % 8 {
            0 => weights.truncate(at * 16),
            1 if at < weights.len() => weights.insert(at, byte),
            2 if at < weights.len() => _ = weights.remove(at),
            _ => weights.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
        }
    }
    if let Err(error) = import_bytes(config.to_string().as_bytes(), &weights, FILE) {
        checks::error(&error);
    }
}
