//! From a model and its calibration statistics to integers and scales.

use super::calibrate::Observations;
use super::correct::bias_correction;
use super::matrix::matrix;
use super::measure::{LinearMeasure, measure};
use super::observer::Observer;
use super::options::{Options, Range, Smoothing};
use super::parallel::in_order;
use super::params::{QuantParams, QuantizedRows};
use super::range::range;
use super::round::Rounder;
use super::scope::{TABLES, Unit, units};
use super::search::{Choice, choose};
use super::smooth::{FeatureMap, balance, smoothed};
use crate::bert::Bert;
use ndarray::ArrayView1;
use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

/// A quantized linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearParameters {
    /// The weights `[out, in]`, multiplied with the input's divisors; one scale per output feature.
    pub weights: QuantizedRows,
    /// The corrected FP32 biases.
    pub bias: Vec<f32>,
}

impl LinearParameters {
    /// Weight scales and biases once the outputs are multiplied by `factors`, where there are some.
    pub fn scaled(&self, factors: Option<&[f32]>) -> (Vec<f32>, Vec<f32>) {
        let times = |values: &[f32]| match factors {
            Some(factors) => values.iter().zip(factors).map(|(value, factor)| value * factor).collect(),
            None => values.to_vec(),
        };
        (times(&self.weights.scales), times(&self.bias))
    }
}

/// How an activation becomes u8: `QuantizeLinear(x · factors + offsets)`. Factors of queries and keys are those of the
/// layer that makes them, and multiply its weight scales and biases in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivationParameters {
    /// One factor per feature, the reciprocal of its divisor; `None` where all are 1.
    pub factors: Option<Vec<f32>>,
    /// One offset per feature, that of its center; `None` where all are 0.
    pub offsets: Option<Vec<f32>>,
    /// Scale and zero point.
    pub params: QuantParams,
}

impl ActivationParameters {
    fn new(choice: &Choice) -> Self {
        let FeatureMap { centers, divisors } = &choice.map;
        let offsets = centers.iter().zip(divisors).map(|(center, s)| -center / s);
        ActivationParameters {
            factors: divisors.iter().any(|&s| s != 1.0).then(|| divisors.iter().map(|s| 1.0 / s).collect()),
            offsets: centers.iter().any(|&center| center != 0.0).then(|| offsets.collect()),
            params: choice.params,
        }
    }
}

/// All that the INT8 file holds beside what it shares with the FP32 file. What is not named here stays in FP32.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// Activations by their name in the graph, queries and keys among them.
    pub activations: BTreeMap<String, ActivationParameters>,
    /// Linear layers by name.
    pub linears: BTreeMap<String, LinearParameters>,
    /// Attention scores by name. They are INT8 only where queries, keys and values are.
    pub scores: HashSet<String>,
    /// Embedding tables by tensor name, one scale per row.
    pub tables: BTreeMap<String, QuantizedRows>,
    /// The classifier's FP32 biases, by class id.
    pub classifier_bias: Vec<f32>,
}

impl Parameters {
    /// The factors of what the linear `layer` makes: of queries and keys whose product is INT8.
    pub fn output_factors(&self, layer: &str) -> Option<&[f32]> {
        self.activations.get(layer)?.factors.as_deref()
    }

    /// These without the units and tables that `keep` refuses by name.
    pub fn only(&self, layers: usize, keep: impl Fn(&str) -> bool) -> Self {
        let mut kept = self.clone();
        for unit in units(layers).into_iter().filter(|unit| !keep(&unit.name)) {
            kept.linears.retain(|name, _| !unit.linears.contains(name));
            kept.scores.retain(|name| Some(name) != unit.scores.as_ref());
            kept.activations.retain(|name, _| *name != unit.input && !unit.linears.contains(name));
        }
        kept.tables.retain(|name, _| keep(name));
        kept
    }
}

/// What the search found, for the report.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// How every activation is quantized, by name.
    pub choices: BTreeMap<String, Choice>,
    /// The errors of every quantized linear layer, by name.
    pub measures: BTreeMap<String, LinearMeasure>,
}

/// What became of one unit.
#[derive(Clone)]
struct Outcome {
    choice: Choice,
    linears: Vec<(String, LinearParameters, LinearMeasure)>,
}

/// Chooses scales and zero points and rounds the weights, several units at a time, once for each of `shares`: of nearest
/// rounding's error a search counts so much. Calls `progress` with the units done and their number.
pub fn quantize_parameters(
    bert: &Bert,
    observations: &Observations,
    options: &Options,
    shares: &[f32],
    mut progress: impl FnMut(usize, usize),
) -> Vec<(Parameters, Findings)> {
    let units = units(bert.config().layers);
    let parameters = Parameters {
        activations: BTreeMap::new(),
        linears: BTreeMap::new(),
        scores: HashSet::new(),
        tables: tables(bert, options),
        classifier_bias: bert.weight("classifier.bias").to_vec(),
    };
    let mut all = vec![(parameters, Findings::default()); shares.len()];
    let mut done = 0;
    let Ok::<_, Infallible>(()) = in_order(
        &units,
        |unit| (&unit.input, quantize_unit(bert, observations, options, shares, unit)),
        |(input, outcomes)| {
            done += 1;
            progress(done, units.len());
            for ((parameters, findings), Outcome { choice, linears }) in all.iter_mut().zip(outcomes) {
                parameters.activations.insert(input.clone(), ActivationParameters::new(&choice));
                findings.choices.insert(input.clone(), choice);
                for (name, linear, measure) in linears {
                    findings.measures.insert(name.clone(), measure);
                    parameters.linears.insert(name, linear);
                }
            }
            Ok(())
        },
    );
    for (parameters, findings) in &mut all {
        quantize_scores(observations, options, &units, parameters, findings);
    }
    all
}

/// Quantizes the attention scores of units whose layers are all quantized.
fn quantize_scores(
    observations: &Observations,
    options: &Options,
    units: &[Unit],
    parameters: &mut Parameters,
    findings: &mut Findings,
) {
    for unit in units {
        let whole = unit.linears.iter().all(|name| parameters.linears.contains_key(name));
        if let Some(scores) = unit.scores.as_ref().filter(|name| whole && !options.ignored.contains(name)) {
            parameters.scores.insert(scores.clone());
            let sides = [&unit.linears[0], &unit.linears[1]];
            for (side, choice) in sides.into_iter().zip(symmetric(sides.map(|side| &observations[side]), options)) {
                parameters.activations.insert(side.clone(), ActivationParameters::new(&choice));
                findings.choices.insert(side.clone(), choice);
            }
        }
    }
}

/// Quantizes one unit, once for each of `shares`; none where nothing of it is quantized.
fn quantize_unit(
    bert: &Bert,
    observations: &Observations,
    options: &Options,
    shares: &[f32],
    unit: &Unit,
) -> Vec<Outcome> {
    let observer = &observations[&unit.input];
    let names: Vec<&String> = unit.linears.iter().filter(|name| !options.ignored.contains(name)).collect();
    let weights: Vec<&[f32]> = names.iter().map(|name| bert.weight(&format!("{name}.weight"))).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    for choice in choose(options, observer, &weights, shares) {
        let outcome = match outcomes.iter().find(|outcome| outcome.choice == choice) {
            Some(same) => same.clone(),
            None => {
                let inputs = choice.quantized_rows(observer, usize::MAX);
                let rounder = Rounder::new(options.rounding, &inputs, observer.features());
                let quantize = |(name, weights): (&&String, &&[f32])| {
                    let bias = bert.weight(&format!("{name}.bias"));
                    let (linear, measure) = quantize_linear(observer, &choice, &rounder, (weights, bias), options);
                    ((*name).clone(), linear, measure)
                };
                Outcome { linears: names.iter().zip(&weights).map(quantize).collect(), choice }
            }
        };
        outcomes.push(outcome);
    }
    outcomes
}

/// Quantizes a layer of these weights `[out, in]` and biases.
fn quantize_linear(
    observer: &Observer,
    choice: &Choice,
    rounder: &Rounder,
    (original, bias): (&[f32], &[f32]),
    options: &Options,
) -> (LinearParameters, LinearMeasure) {
    let FeatureMap { centers, divisors } = &choice.map;
    let smooth = smoothed(original, divisors);
    let weights = rounder.round(&smooth);
    // What the centers took off, and what correction adds.
    let shift = matrix(original, centers.len()).dot(&ArrayView1::from(centers)).to_vec();
    let correction = match options.bias_correction {
        true => {
            let means: Vec<f32> = choice.map.apply(&observer.feature_means()).collect();
            bias_correction(&smooth, &weights, &means)
        }
        false => vec![0.0; shift.len()],
    };
    let bias = bias.iter().zip(&shift).zip(&correction).map(|((bias, shift), correction)| bias + shift + correction);
    let bias = bias.collect();
    let measure = measure(observer, choice, original, (&weights, &shift, &correction), options.symmetric);
    (LinearParameters { weights, bias }, measure)
}

/// How queries and keys, in this order, are quantized. Their zero points must be those of zero.
fn symmetric([query, key]: [&Observer; 2], options: &Options) -> [Choice; 2] {
    let (alpha, divisors) = match options.smoothing {
        Smoothing::Off => (None, vec![1.0; query.features()]),
        _ => (Some(0.5), balance(&query.feature_ranges(), &key.feature_ranges())),
    };
    let inverse = divisors.iter().map(|s| 1.0 / s).collect();
    let method = if options.range == Range::Search { Range::MeanMinMax } else { options.range };
    [(query, divisors), (key, inverse)].map(|(observer, divisors)| {
        let map = FeatureMap { divisors, ..FeatureMap::identity(observer.features()) };
        let (low, high) = range(method, observer, &map);
        let limit = high.max(-low);
        Choice { alpha, map, method, range: (-limit, limit), params: QuantParams::symmetric(limit) }
    })
}

fn tables(bert: &Bert, options: &Options) -> BTreeMap<String, QuantizedRows> {
    let quantized = TABLES.into_iter().filter(|name| !options.ignored.contains(name));
    quantized.map(|name| (name.to_owned(), QuantizedRows::new(bert.weight(name), bert.config().hidden))).collect()
}
