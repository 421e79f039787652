//! How much each part of the INT8 model contributes to the error of the logits.

use super::emit::emit_int8;
use super::options::Format;
use super::quantized_parameters::QuantizedParameters;
use super::units::units;
use crate::bert::{Bert, emit_fp32};
use crate::error::Result;
use crate::metrics::sqnr_db;
use crate::model::Model;
use crate::onnx::{encode_model, pb};
use crate::text::Tokens;
use serde::{Deserialize, Serialize};

/// So many of the most damaging parts are tried in FP32.
const TRIED: usize = 3;

/// What [`QuantizedModel::sensitivity`](super::QuantizedModel::sensitivity) returns. SQNRs are those of the logits, over all texts,
/// in decibels; `None` means no noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The number of texts.
    pub texts: usize,
    /// The SQNR with every part in INT8.
    pub sqnr_db: Option<f64>,
    /// The INT8 parts, the most damaging first.
    pub parts: Vec<PartSensitivity>,
    /// The part that helps most if it stays in FP32: one of the first three. `None` if there are no INT8 parts, or none helps.
    pub best_ignored: Option<IgnoredPart>,
}

/// The damage of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartSensitivity {
    /// The name of the unit or embedding table.
    pub name: String,
    /// The SQNR if this part alone is INT8.
    pub sqnr_db: Option<f64>,
}

/// What changes if a part stays in FP32.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IgnoredPart {
    /// The pattern of [`Options::ignored`](super::Options::ignored) that matches the part.
    pub pattern: String,
    /// The SQNR with every other part in INT8.
    pub sqnr_db: Option<f64>,
    /// By how many bytes the file grows.
    pub added_bytes: usize,
}

/// Measures the parts of `parameters` on `texts`. Calls `progress` after every model with the number of finished models and of all.
///
/// # Errors
/// If a model cannot run.
pub(super) fn sensitivity(
    bert: &Bert,
    parameters: &QuantizedParameters,
    texts: &[&Tokens],
    mut progress: impl FnMut(usize, usize),
) -> Result<Sensitivity> {
    let config = bert.config();
    let names = parameters.parts(config);
    let total = 2 + names.len() + names.len().min(TRIED);
    let mut done = 0;
    let mut run = |model: &pb::ModelProto| -> Result<(Vec<f32>, usize)> {
        let onnx = encode_model(model);
        let bytes = onnx.len();
        let logits = Model::from_bytes(onnx, "the model")?.logits_of(texts)?.concat();
        done += 1;
        progress(done, total);
        Ok((logits, bytes))
    };
    let (exact, _) = run(&emit_fp32(bert))?;
    let mut int8 = |keep: &dyn Fn(&str) -> bool| {
        let (logits, bytes) = run(&emit_int8(bert, &parameters.retain(config, keep), Format::Integer))?;
        Ok((sqnr_db(&exact, &logits), bytes))
    };
    let (all, all_bytes) = int8(&|_| true)?;
    let mut parts = Vec::with_capacity(names.len());
    for name in names {
        let (sqnr_db, _) = int8(&|other| other == name)?;
        parts.push(PartSensitivity { name, sqnr_db });
    }
    parts.sort_by(|a, b| decibels(a.sqnr_db).total_cmp(&decibels(b.sqnr_db)));
    let mut best: Option<IgnoredPart> = None;
    for PartSensitivity { name, .. } in parts.iter().take(TRIED) {
        let (sqnr_db, bytes) = int8(&|other| other != name)?;
        let before = best.as_ref().map_or(all, |best| best.sqnr_db);
        if decibels(sqnr_db) > decibels(before) {
            let unit = units(config).into_iter().find(|unit| unit.name == *name);
            let pattern = unit.map_or(name.clone(), |unit| unit.pattern());
            best = Some(IgnoredPart { pattern, sqnr_db, added_bytes: bytes.saturating_sub(all_bytes) });
        }
    }
    Ok(Sensitivity { texts: texts.len(), sqnr_db: all, parts, best_ignored: best })
}

/// No noise is infinitely many decibels.
fn decibels(sqnr_db: Option<f64>) -> f64 {
    sqnr_db.unwrap_or(f64::INFINITY)
}
