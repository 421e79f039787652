//! Accuracy control: reverts parts to FP32 until a metric on some inputs meets its bound.

use super::classifier_correction::CalibrationLogits;
use super::emit::emit_int8;
use super::options::Format;
use super::quantized_parameters::QuantizedParameters;
use super::{Progress, Stage};
use crate::bert::{Bert, emit_fp32};
use crate::clock::now_ms;
use crate::error::{Error, Result};
use crate::metrics::{Answers, Metric, Target, rank_correlation, rmse, same_decisions};
use crate::model::Model;
use crate::onnx::{encode_model, pb};
use crate::task::Problem;
use crate::text::Tokens;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Parts are ranked on about this many of the labelled pairs.
const RANKING_PAIRS: usize = 100;

/// The bound that accuracy control enforces.
#[derive(Debug, Clone, Copy)]
pub struct AccuracyControl<'a> {
    /// The metric.
    pub metric: Metric,
    /// The largest allowed difference of the FP32 model's value less the INT8 model's.
    pub max_drop: f64,
    /// The inputs on which the metric is measured, each with the right answer. Metrics that compare with FP32 need none.
    pub data: &'a [(Tokens, Option<Target>)],
}

impl AccuracyControl<'_> {
    /// Checks that the metric can be measured on models for `problem`.
    ///
    /// # Errors
    /// Fails if there are no inputs, an input has no right answer or one of another kind than the metric needs, or `max_drop` is
    /// not finite.
    pub(super) fn validate(&self, problem: Problem, labels: usize) -> Result<()> {
        if self.data.is_empty() {
            return Err(Error::Argument("accuracy control needs at least one labelled input".to_owned()));
        }
        if !self.max_drop.is_finite() {
            let found = self.max_drop;
            return Err(Error::Argument(format!("the metric may drop by {found}; expected a number such as 0.002")));
        }
        let logits = vec![0.0; labels];
        let fits = match self.metric {
            Metric::Agreement => problem != Problem::Regression,
            Metric::RankCorrelation => true,
            metric => {
                let rows: Option<Vec<_>> =
                    self.data.iter().map(|(_, target)| Some((logits.as_slice(), target.as_ref()?))).collect();
                let Some(rows) = rows else {
                    return Err(Error::Argument(format!("the metric {metric} needs a label for every input")));
                };
                Answers::new(problem, THRESHOLD, rows).is_some_and(|answers| answers.metrics().contains(&metric))
            }
        };
        if !fits {
            let mut fitting: Vec<String> = Metric::of(problem, labels).iter().map(Metric::to_string).collect();
            if problem != Problem::Regression {
                fitting.push(Metric::Agreement.to_string());
            }
            fitting.push(Metric::RankCorrelation.to_string());
            return Err(Error::Argument(format!(
                "the metric {} does not fit a {problem} model with {labels} label(s) and these data; choose {}",
                self.metric,
                fitting.join(", ")
            )));
        }
        Ok(())
    }
}

/// The probability from which a label applies.
const THRESHOLD: f32 = 0.5;

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

/// Runs `model`, which answers `problem`, on `inputs` and measures `metric`, which [`AccuracyControl::validate`] accepted. Metrics
/// that compare with FP32 take the logits of `reference`, or the model's own if there is no reference. Errors name the model
/// `name`.
fn evaluate(
    model: &pb::ModelProto,
    name: &str,
    inputs: &[&(Tokens, Option<Target>)],
    (problem, metric): (Problem, Metric),
    reference: Option<&Evaluation>,
) -> Result<Evaluation> {
    let onnx = encode_model(model);
    let bytes = onnx.len();
    let model = Model::from_bytes(onnx, name)?;
    let start = now_ms();
    let logits = inputs.iter().map(|(tokens, _)| model.logits(tokens)).collect::<Result<Vec<_>>>()?;
    let ms_per_pair = (now_ms() - start) / inputs.len() as f64;
    let exact = reference.map_or(&logits, |reference| &reference.logits);
    let value = match metric {
        Metric::Agreement => same_decisions(problem, THRESHOLD, exact, &logits)
            .map(|same| same.iter().filter(|same| **same).count() as f64 / same.len() as f64),
        Metric::RankCorrelation => Some(rank_correlation(exact, &logits)),
        metric => {
            let rows = logits.iter().zip(inputs);
            let rows = rows.filter_map(|(logits, (_, target))| Some((logits.as_slice(), target.as_ref()?)));
            Answers::new(problem, THRESHOLD, rows).and_then(|answers| answers.value(metric))
        }
    };
    Ok(Evaluation { logits, score: ModelScore { value: value.unwrap_or(0.0), bytes, ms_per_pair } })
}

/// Reverts parts of `parameters` to FP32, the most damaging first, until the metric has dropped by `max_drop` at most. Returns
/// the remaining parameters and the report. A drop of 0 or more can always be met: with every part reverted, the model is the
/// FP32 model.
///
/// Every measured model is written in `format`. If there are `calibration` logits, its classifier is corrected with them; the
/// returned parameters are not corrected yet.
///
/// # Errors
/// Fails as [`AccuracyControl::validate`] does, or if a model cannot run.
pub fn control_accuracy(
    bert: &Bert,
    parameters: &QuantizedParameters,
    control: &AccuracyControl,
    calibration: Option<CalibrationLogits>,
    format: Format,
    progress: &mut dyn FnMut(Progress),
) -> Result<(QuantizedParameters, AccuracyControlReport)> {
    let &AccuracyControl { metric, max_drop, data } = control;
    let problem = bert.config().problem;
    control.validate(problem, bert.config().labels.len())?;
    let mut by_length: Vec<&(Tokens, Option<Target>)> = data.iter().collect();
    by_length.sort_by_key(|(tokens, _)| tokens.ids.len());
    let fp32 = evaluate(&emit_fp32(bert), "the FP32 model", &by_length, (problem, metric), None)?;
    let score = |parameters: &QuantizedParameters| {
        let mut corrected = parameters.clone();
        if let Some(calibration) = calibration
            && let Some(correction) = calibration.compare(bert, parameters, &mut || ())?
        {
            corrected.correct_classifier(&correction);
        }
        let model = emit_int8(bert, &corrected, format);
        evaluate(&model, "the INT8 model", &by_length, (problem, metric), Some(&fp32))
            .map(|evaluation| evaluation.score)
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
    pairs: &[&(Tokens, Option<Target>)],
    exact: &[Vec<f32>],
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<(f64, String)>> {
    let every = pairs.len().div_ceil(RANKING_PAIRS);
    let some: Vec<_> = pairs.iter().step_by(every).copied().collect();
    let exact: Vec<f32> = exact.iter().step_by(every).flatten().copied().collect();
    let names = parameters.parts(bert.config());
    let mut ranking = Vec::with_capacity(names.len());
    for (done, name) in names.iter().enumerate() {
        let alone = emit_int8(bert, &parameters.retain(bert.config(), |other| other == name), Format::Integer);
        let metric = (bert.config().problem, Metric::RankCorrelation);
        let evaluation = evaluate(&alone, "the INT8 model", &some, metric, None)?;
        ranking.push((rmse(&exact, &evaluation.logits.concat()), name.clone()));
        progress(Progress { stage: Stage::Ranking, done: done + 1, total: names.len() });
    }
    ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(ranking)
}
