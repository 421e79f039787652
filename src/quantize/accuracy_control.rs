//! Accuracy control: reverts parts to FP32 until a metric on labelled pairs meets its bound.

use super::classifier_correction::CalibrationLogits;
use super::emit::emit_int8;
use super::options::Format;
use super::quantized_parameters::QuantizedParameters;
use super::units::{EMBEDDING_TABLES, Unit, units};
use super::{Progress, Stage};
use crate::bert::{Bert, emit_fp32};
use crate::clock::now_ms;
use crate::error::{Error, Result};
use crate::metrics::{Counts, argmax, rmse};
use crate::model::Model;
use crate::onnx::{encode_model, pb};
use crate::text::Tokens;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::str::FromStr;

/// Parts are ranked on about this many of the labelled pairs.
const RANKING_PAIRS: usize = 100;

/// A metric on labelled pairs, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// F1 of class 1.
    F1,
    /// The share of pairs whose predicted class is their label.
    Accuracy,
    /// The share of pairs whose predicted class is the FP32 model's.
    Agreement,
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "f1" => Ok(Metric::F1),
            "accuracy" => Ok(Metric::Accuracy),
            "agreement" => Ok(Metric::Agreement),
            _ => Err("expected f1, accuracy or agreement".to_owned()),
        }
    }
}

/// The bound that accuracy control enforces.
#[derive(Debug, Clone, Copy)]
pub struct AccuracyControl<'a> {
    /// The metric.
    pub metric: Metric,
    /// The largest allowed difference of the FP32 model's value less the INT8 model's.
    pub max_drop: f64,
    /// The pairs on which the metric is measured, each with its class id.
    pub data: &'a [(Tokens, usize)],
}

/// What accuracy control did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccuracyControlReport {
    /// The metric.
    pub metric: Metric,
    /// The largest allowed drop of the metric below FP32.
    pub max_drop: f64,
    /// The number of labelled pairs.
    pub pairs: usize,
    /// The FP32 model.
    pub fp32: ModelScore,
    /// The INT8 model before any part was reverted.
    pub int8: ModelScore,
    /// The parts that were reverted to FP32, in this order.
    #[serde(rename = "returned")]
    pub reverted: Vec<RevertedPart>,
    /// The model that was written.
    pub result: ModelScore,
}

/// How a model does on the labelled pairs.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ModelScore {
    /// The metric's value.
    pub value: f64,
    /// The size of the ONNX file in bytes.
    pub bytes: usize,
    /// The mean time per pair on this machine, in milliseconds.
    pub ms_per_pair: f64,
}

/// A part that accuracy control reverted to FP32.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevertedPart {
    /// The name of the unit or embedding table.
    pub name: String,
    /// The root mean square error of the logits when this part alone is INT8.
    pub damage: f64,
    /// The metric's value once this part was FP32 too.
    pub value: f64,
}

/// A model's logits `[pairs][labels]` and score.
struct Evaluation {
    logits: Vec<Vec<f32>>,
    score: ModelScore,
}

/// Runs `model` on `pairs` and measures `metric`. Agreement compares with the predictions of `reference`, or with the model's
/// own if there is no reference. Errors name the model `name`.
fn evaluate(
    model: &pb::ModelProto,
    name: &str,
    pairs: &[&(Tokens, usize)],
    metric: Metric,
    reference: Option<&Evaluation>,
) -> Result<Evaluation> {
    let onnx = encode_model(model);
    let bytes = onnx.len();
    let model = Model::from_bytes(onnx, name)?;
    let start = now_ms();
    let logits = pairs.iter().map(|(tokens, _)| model.logits(tokens)).collect::<Result<Vec<_>>>()?;
    let ms_per_pair = (now_ms() - start) / pairs.len() as f64;
    let mut counts = Counts::default();
    for (at, (logits, (_, label))) in logits.iter().zip(pairs).enumerate() {
        let expected = match (metric, reference) {
            (Metric::Agreement, Some(reference)) => argmax(&reference.logits[at]),
            (Metric::Agreement, None) => argmax(logits),
            _ => *label,
        };
        counts.add(argmax(logits), expected);
    }
    let value = if metric == Metric::F1 { counts.f1() } else { counts.accuracy() };
    Ok(Evaluation { logits, score: ModelScore { value, bytes, ms_per_pair } })
}

/// Reverts parts of `parameters` to FP32, the most damaging first, until the metric has dropped by `max_drop` at most. Returns
/// the remaining parameters and the report. A drop of 0 or more can always be met: with every part reverted, the model is the
/// FP32 model.
///
/// Every measured model is written in `format`. If there are `calibration` logits, its classifier is corrected with them; the
/// returned parameters are not corrected yet.
///
/// # Errors
/// Fails if there are no labelled pairs, `max_drop` is not finite, or a model cannot run.
pub fn control_accuracy(
    bert: &Bert,
    parameters: &QuantizedParameters,
    control: &AccuracyControl,
    calibration: Option<CalibrationLogits>,
    format: Format,
    progress: &mut dyn FnMut(Progress),
) -> Result<(QuantizedParameters, AccuracyControlReport)> {
    let &AccuracyControl { metric, max_drop, data } = control;
    if data.is_empty() {
        return Err(Error::Argument("accuracy control needs at least one labelled pair".to_owned()));
    }
    if !max_drop.is_finite() {
        return Err(Error::Argument(format!("the metric may drop by {max_drop}; expected a number such as 0.002")));
    }
    let mut by_length: Vec<&(Tokens, usize)> = data.iter().collect();
    by_length.sort_by_key(|(tokens, _)| tokens.ids.len());
    let fp32 = evaluate(&emit_fp32(bert), "the FP32 model", &by_length, metric, None)?;
    let score = |parameters: &QuantizedParameters| {
        let mut corrected = parameters.clone();
        if let Some(calibration) = calibration
            && let Some(correction) = calibration.compare(bert, parameters, &mut || ())?
        {
            corrected.correct_classifier(&correction);
        }
        let model = emit_int8(bert, &corrected, format);
        evaluate(&model, "the INT8 model", &by_length, metric, Some(&fp32)).map(|evaluation| evaluation.score)
    };
    let int8 = score(parameters)?;
    let (mut kept, mut result, mut reverted) = (parameters.clone(), int8, Vec::new());
    let bound_is_met = |score: &ModelScore| fp32.score.value - score.value <= max_drop;
    if !bound_is_met(&result) {
        let ranking = rank_parts(bert, parameters, &by_length, &fp32.logits, progress)?;
        let (total, mut reverted_names) = (ranking.len(), HashSet::new());
        for (done, (damage, name)) in ranking.into_iter().enumerate() {
            reverted_names.insert(name.clone());
            kept = parameters.retain(bert.config(), |name| !reverted_names.contains(name));
            result = score(&kept)?;
            reverted.push(RevertedPart { name, damage, value: result.value });
            progress(Progress { stage: Stage::Reverting, done: done + 1, total });
            if bound_is_met(&result) {
                break;
            }
        }
    }
    let report =
        AccuracyControlReport { metric, max_drop, pairs: data.len(), fp32: fp32.score, int8, reverted, result };
    Ok((kept, report))
}

/// Every INT8 unit and embedding table with the damage that it does when it alone is INT8, largest first. The damage is the
/// root mean square error of the logits against `exact`, the FP32 logits of `pairs`.
fn rank_parts(
    bert: &Bert,
    parameters: &QuantizedParameters,
    pairs: &[&(Tokens, usize)],
    exact: &[Vec<f32>],
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<(f64, String)>> {
    let every = pairs.len().div_ceil(RANKING_PAIRS);
    let some: Vec<_> = pairs.iter().step_by(every).copied().collect();
    let exact: Vec<f32> = exact.iter().step_by(every).flatten().copied().collect();
    let is_int8 = |unit: &Unit| unit.linears.iter().any(|name| parameters.linears.contains_key(name));
    let names = units(bert.config()).into_iter().filter(is_int8).map(|unit| unit.name);
    let tables = EMBEDDING_TABLES.into_iter().filter(|name| parameters.tables.contains_key(*name)).map(str::to_owned);
    let names: Vec<String> = names.chain(tables).collect();
    let mut ranking = Vec::with_capacity(names.len());
    for (done, name) in names.iter().enumerate() {
        let alone = emit_int8(bert, &parameters.retain(bert.config(), |other| other == name), Format::Integer);
        let evaluation = evaluate(&alone, "the INT8 model", &some, Metric::Accuracy, None)?;
        ranking.push((rmse(&exact, &evaluation.logits.concat()), name.clone()));
        progress(Progress { stage: Stage::Ranking, done: done + 1, total: names.len() });
    }
    ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(ranking)
}
