//! Accuracy control: returns parts to FP32 until a metric on labelled pairs has dropped no further than allowed.

use super::emit::emit_int8;
use super::head::Head;
use super::quantizer::Parameters;
use super::scope::{TABLES, Unit, units};
use super::{Stage, Step};
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

/// Pairs that units are ranked on.
const RANKING_PAIRS: usize = 100;

/// What is measured on labelled pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// F1 of class 1.
    F1,
    /// The share of right decisions.
    Accuracy,
    /// The share of decisions that are FP32's.
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

/// How far a metric may drop, and on which pairs.
#[derive(Debug, Clone, Copy)]
pub struct Control<'a> {
    /// The metric.
    pub metric: Metric,
    /// FP32's value less INT8's, at most.
    pub max_drop: f64,
    /// Pairs with their class ids.
    pub data: &'a [(Tokens, usize)],
}

/// What accuracy control did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ControlReport {
    /// The metric.
    pub metric: Metric,
    /// How far it may drop.
    pub max_drop: f64,
    /// Pairs measured on.
    pub pairs: usize,
    /// FP32.
    pub fp32: Measured,
    /// All that is quantized in INT8.
    pub int8: Measured,
    /// The parts that were returned to FP32, in that order.
    pub returned: Vec<Returned>,
    /// The file that was written.
    pub result: Measured,
}

/// A model on the pairs.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Measured {
    /// The metric's value.
    pub value: f64,
    /// Bytes of the ONNX file.
    pub bytes: usize,
    /// Mean time for a pair on this machine.
    pub ms_per_pair: f64,
}

/// A part that stays in FP32.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Returned {
    /// The unit or table.
    pub name: String,
    /// The root mean square of logit differences where it alone is INT8.
    pub damage: f64,
    /// The metric once it was in FP32.
    pub value: f64,
}

/// What writes an INT8 model.
pub(super) type Emit = fn(&Bert, &Parameters) -> pb::ModelProto;

/// A model's logits on pairs, and what they are worth.
struct Answers {
    logits: Vec<Vec<f32>>,
    measured: Measured,
}

/// Runs `model` on `pairs`; FP32's answers are `reference`, its own where there is none.
fn answer(
    model: &pb::ModelProto,
    name: &str,
    pairs: &[&(Tokens, usize)],
    metric: Metric,
    reference: Option<&Answers>,
) -> Result<Answers> {
    let onnx = encode_model(model);
    let bytes = onnx.len();
    let model = Model::from_bytes(onnx, name)?;
    let start = now_ms();
    let logits = pairs.iter().map(|(tokens, _)| model.logits(tokens)).collect::<Result<Vec<_>>>()?;
    let ms_per_pair = (now_ms() - start) / pairs.len() as f64;
    let mut counts = Counts::default();
    for (at, (logits, (_, label))) in logits.iter().zip(pairs).enumerate() {
        let right = match (metric, reference) {
            (Metric::Agreement, Some(reference)) => argmax(&reference.logits[at]),
            (Metric::Agreement, None) => argmax(logits),
            _ => *label,
        };
        counts.add(argmax(logits), right);
    }
    let value = if metric == Metric::F1 { counts.f1() } else { counts.accuracy() };
    Ok(Answers { logits, measured: Measured { value, bytes, ms_per_pair } })
}

/// Returns units of `parameters` to FP32, the most damaging first, until the drop is met. With all of them returned the
/// model is FP32's, so a drop of 0 or more always is. What is measured has the classifier corrected by `head`, where there is
/// one, and the form that `emit` writes; the parameters that are given back are not corrected.
///
/// # Errors
/// If there are no pairs, the drop is not finite, or a model cannot run.
pub fn control(
    bert: &Bert,
    parameters: &Parameters,
    control: &Control,
    head: Option<Head>,
    emit: Emit,
    progress: &mut dyn FnMut(Step),
) -> Result<(Parameters, ControlReport)> {
    let &Control { metric, max_drop, data } = control;
    if data.is_empty() {
        return Err(Error::Argument("accuracy control needs at least one labelled pair".to_owned()));
    }
    if !max_drop.is_finite() {
        return Err(Error::Argument(format!("the metric may drop by {max_drop}; expected a number such as 0.002")));
    }
    let layers = bert.config().layers;
    let mut all: Vec<&(Tokens, usize)> = data.iter().collect();
    all.sort_by_key(|(tokens, _)| tokens.ids.len());
    let fp32 = answer(&emit_fp32(bert), "the FP32 model", &all, metric, None)?;
    let measure = |parameters: &Parameters| {
        let mut corrected = parameters.clone();
        if let Some(head) = head
            && let Some(report) = head.compare(bert, parameters, &mut || ())?
        {
            corrected.correct(&report);
        }
        answer(&emit(bert, &corrected), "the INT8 model", &all, metric, Some(&fp32)).map(|answers| answers.measured)
    };
    let int8 = measure(parameters)?;
    let (mut kept, mut result, mut returned) = (parameters.clone(), int8, Vec::new());
    let met = |measured: &Measured| fp32.measured.value - measured.value <= max_drop;
    if !met(&result) {
        let ranking = rank(bert, parameters, &all, &fp32.logits, progress)?;
        let (total, mut out) = (ranking.len(), HashSet::new());
        for (done, (damage, name)) in ranking.into_iter().enumerate() {
            out.insert(name.clone());
            kept = parameters.only(layers, |name| !out.contains(name));
            result = measure(&kept)?;
            returned.push(Returned { name, damage, value: result.value });
            progress(Step { stage: Stage::Returning, done: done + 1, total });
            if met(&result) {
                break;
            }
        }
    }
    let report = ControlReport { metric, max_drop, pairs: data.len(), fp32: fp32.measured, int8, returned, result };
    Ok((kept, report))
}

/// The units and tables that are INT8, with the logit error against `exact`, FP32's logits of the pairs, that each causes
/// alone, largest first.
fn rank(
    bert: &Bert,
    parameters: &Parameters,
    pairs: &[&(Tokens, usize)],
    exact: &[Vec<f32>],
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<(f64, String)>> {
    let layers = bert.config().layers;
    let every = pairs.len().div_ceil(RANKING_PAIRS);
    let some: Vec<_> = pairs.iter().step_by(every).copied().collect();
    let exact: Vec<f32> = exact.iter().step_by(every).flatten().copied().collect();
    let quantized = |unit: &Unit| unit.linears.iter().any(|name| parameters.linears.contains_key(name));
    let names = units(layers).into_iter().filter(quantized).map(|unit| unit.name);
    let tables = TABLES.into_iter().filter(|name| parameters.tables.contains_key(*name)).map(str::to_owned);
    let names: Vec<String> = names.chain(tables).collect();
    let mut ranking = Vec::with_capacity(names.len());
    for (done, name) in names.iter().enumerate() {
        let alone = emit_int8(bert, &parameters.only(layers, |other| other == name));
        let answers = answer(&alone, "the INT8 model", &some, Metric::Accuracy, None)?;
        ranking.push((rmse(&exact, &answers.logits.concat()), name.clone()));
        progress(Step { stage: Stage::Ranking, done: done + 1, total: names.len() });
    }
    ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(ranking)
}
