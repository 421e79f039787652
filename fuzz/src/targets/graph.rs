//! ONNX files: parse, check, fuse, load, run one text.

use super::super::checks::{self, FILE};
use super::super::script::Script;
use super::super::{graph_edits, models};
use bert8::bert::{ImportOptions, import_onnx};
use bert8::engine::{Engine, TokenInputs};
use bert8::model::Model;
use bert8::onnx::{decode_model, encode_model, pb};

/// How far the logits of a fused graph may be from those of the same graph as it is written. Floats that differ in their last
/// bits may round an activation to the next integer; a graph that an edit has changed amplifies that.
const TOLERANCE: f32 = 0.1;

/// The bytes of a file.
pub fn onnx(data: &[u8]) {
    loads(data);
}

/// An edit script for a valid graph. Where only the structure changed, the fused graph must compute what the file says.
pub fn graph(data: &[u8]) {
    let (model, structure_only) = edited(data);
    let bytes = encode_model(&model);
    let Some((model, logits)) = loads(&bytes) else { return };
    if structure_only && model.fused().complete() {
        as_written(&bytes, &logits);
    }
}

/// An edit script for a valid graph, which is then imported.
pub fn import(data: &[u8]) {
    let bytes = encode_model(&edited(data).0);
    let options = ImportOptions { requantize: data.len().is_multiple_of(2), ..ImportOptions::default() };
    if let Err(error) = import_onnx(&bytes, FILE, &options) {
        checks::error(&error);
    }
}

/// The graph that a script makes, and whether all values stayed.
fn edited(data: &[u8]) -> (pb::ModelProto, bool) {
    let mut script = Script::new(data);
    let mut model = script.choose(models::graphs()).clone();
    let structure_only = graph_edits::apply(&mut model, &mut script);
    (model, structure_only)
}

/// Loads a file and runs it. Returns the model and its logits, if it is not refused.
fn loads(bytes: &[u8]) -> Option<(Model, Vec<f32>)> {
    match Model::from_bytes(bytes.to_vec(), FILE) {
        Ok(model) => {
            let logits = checks::logits(&model)?;
            Some((model, logits))
        }
        Err(error) => {
            checks::error(&error);
            None
        }
    }
}

/// Checks that the graph in `bytes`, as it is written, has these `logits`.
fn as_written(bytes: &[u8], logits: &[f32]) {
    let model = decode_model(bytes, FILE).expect("it has been loaded");
    let Ok(engine) = Engine::for_any_shape(&model, FILE) else { return };
    let tokens = checks::tokens();
    let inputs = TokenInputs { batch: 1, ids: &tokens.ids, mask: &[1; 5], types: &tokens.types };
    let Ok(outputs) = engine.run(&inputs) else { return };
    assert!(checks::close(&outputs[0], logits, TOLERANCE), "fused {logits:?}, as written {:?}", outputs[0]);
}
