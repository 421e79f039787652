//! The same bytes in any pieces.

use super::super::checks::{self, FILE};
use super::super::models;
use super::super::script::Script;
use bert8::model::Model;
use bert8::model_file::{ModelFile, ModelFileBuilder};

/// Edits of the bytes of a file, and the sizes of the chunks in which it arrives. It must be the same model, or refused with
/// the same words, as the whole file.
pub fn streaming(data: &[u8]) {
    let mut script = Script::new(data);
    let sizes = [1 + script.below(1 << 12), 1 + script.below(1 << 16), 1 + script.below(200)];
    let mut bytes = models::large_int8().to_vec();
    while !script.has_ended() {
        damage(&mut bytes, &mut script);
    }
    let mut builder = ModelFileBuilder::default();
    let (mut rest, mut at) = (bytes.as_slice(), 0);
    while !rest.is_empty() {
        // Small chunks only now and then: there would be too many.
        let size = if at % 64 == 2 { sizes[2] } else { sizes[at % 2].max(512) };
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        if at % 3 == 0 {
            builder.keep(&chunk.to_vec())
        } else {
            builder.push(&chunk.to_vec())
        }
        (rest, at) = (after, at + 1);
    }
    let results = [ModelFile::from(bytes), builder.finish()].map(|file| {
        let model = Model::builder().file_name(FILE).load(file);
        model.as_ref().err().into_iter().for_each(checks::error);
        model.map(|model| checks::logits(&model)).map_err(|error| error.with_sources())
    });
    assert_eq!(results[0], results[1], "whole and in pieces");
}

/// Edits the bytes near the start, where the graph is, or near a header of a tensor.
fn damage(bytes: &mut Vec<u8>, script: &mut Script) {
    let kind = script.byte() % 8;
    let far = usize::from(script.byte()) << 16;
    let at = (far + script.below(1 << 16)) % bytes.len().max(1);
    match kind {
        0 => bytes.truncate(at),
        1 => _ = bytes.drain(at..(at + script.below(16)).min(bytes.len())),
        2 => bytes.insert(at.min(bytes.len()), script.byte()),
        3 => bytes.extend_from_within(at..(at + script.below(1 << 12)).min(bytes.len())),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= script.byte();
            }
        }
    }
}
