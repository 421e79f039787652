//! Quantizes every unit of a model: searches the schemes of its activations, then rounds its weights.

use super::bias_correction::bias_correction;
use super::calibrate::Observers;
use super::channel_transform::{ChannelTransform, query_key_divisors, scale_input_channels};
use super::linear_sqnr::{LinearSqnr, linear_sqnr};
use super::observer::Observer;
use super::options::{Options, RangeEstimator, Smoothing};
use super::parallel::ordered_map;
use super::quant_params::{QuantParams, QuantizedRows};
use super::quantized_parameters::{QuantizedActivation, QuantizedLinear, QuantizedParameters};
use super::range_estimator::estimate_range;
use super::scheme_search::{ActivationScheme, search_schemes};
use super::units::{EMBEDDING_TABLES, Unit, units};
use super::weight_rounding::WeightRounder;
use crate::bert::Bert;
use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

/// What the report tells about a quantization beyond its parameters.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    /// The scheme of every quantized activation, by name.
    pub schemes: BTreeMap<String, ActivationScheme>,
    /// The noise of every quantized linear layer, by name.
    pub sqnr: BTreeMap<String, LinearSqnr>,
}

/// One quantized [`Unit`].
#[derive(Clone)]
struct QuantizedUnit {
    scheme: ActivationScheme,
    linears: Vec<(String, QuantizedLinear, LinearSqnr)>,
}

/// Quantizes `bert` once for each of `fractions`, several units in parallel. A fraction is the part of the weights' rounding
/// error (of its square) that the scheme search counts, as [`search_schemes`] defines it. Returns one result per fraction,
/// in their order. Calls `progress` with the number of finished units and of all units.
pub fn quantize_parameters(
    bert: &Bert,
    observers: &Observers,
    options: &Options,
    fractions: &[f32],
    mut progress: impl FnMut(usize, usize),
) -> Vec<(QuantizedParameters, Diagnostics)> {
    let units = units(bert.config());
    let parameters = QuantizedParameters {
        activations: BTreeMap::new(),
        linears: BTreeMap::new(),
        scores: HashSet::new(),
        tables: quantize_tables(bert, options),
        classifier_bias: bert.weight("classifier.bias").to_vec(),
    };
    let mut all = vec![(parameters, Diagnostics::default()); fractions.len()];
    let mut done = 0;
    let Ok::<_, Infallible>(()) = ordered_map(
        &units,
        |unit| (&unit.input, quantize_unit(bert, observers, options, fractions, unit)),
        |(input, quantized)| {
            done += 1;
            progress(done, units.len());
            for ((parameters, diagnostics), QuantizedUnit { scheme, linears }) in all.iter_mut().zip(quantized) {
                parameters.activations.insert(input.clone(), QuantizedActivation::new(&scheme));
                diagnostics.schemes.insert(input.clone(), scheme);
                for (name, linear, sqnr) in linears {
                    diagnostics.sqnr.insert(name.clone(), sqnr);
                    parameters.linears.insert(name, linear);
                }
            }
            Ok(())
        },
    );
    for (parameters, diagnostics) in &mut all {
        quantize_scores(observers, options, &units, parameters, diagnostics);
    }
    all
}

/// Quantizes the attention scores of every unit whose linear layers are all INT8.
fn quantize_scores(
    observers: &Observers,
    options: &Options,
    units: &[Unit],
    parameters: &mut QuantizedParameters,
    diagnostics: &mut Diagnostics,
) {
    for unit in units {
        let all_int8 = unit.linears.iter().all(|name| parameters.linears.contains_key(name));
        if let Some(scores) = unit.scores.as_ref().filter(|name| all_int8 && !options.ignored.contains(name)) {
            parameters.scores.insert(scores.clone());
            let sides = [&unit.linears[0], &unit.linears[1]];
            let schemes = query_key_schemes(sides.map(|side| &observers[side]), options);
            for (side, scheme) in sides.into_iter().zip(schemes) {
                parameters.activations.insert(side.clone(), QuantizedActivation::new(&scheme));
                diagnostics.schemes.insert(side.clone(), scheme);
            }
        }
    }
}

/// Quantizes one unit once for each of `fractions`. Returns an empty list if all its layers stay in FP32.
fn quantize_unit(
    bert: &Bert,
    observers: &Observers,
    options: &Options,
    fractions: &[f32],
    unit: &Unit,
) -> Vec<QuantizedUnit> {
    let observer = &observers[&unit.input];
    let names: Vec<&String> = unit.linears.iter().filter(|name| !options.ignored.contains(name)).collect();
    let weights: Vec<&[f32]> = names.iter().map(|name| bert.weight(&format!("{name}.weight"))).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let mut results: Vec<QuantizedUnit> = Vec::new();
    for scheme in search_schemes(options, observer, &weights, fractions) {
        let result = match results.iter().find(|result| result.scheme == scheme) {
            Some(same) => same.clone(),
            None => {
                let inputs = scheme.fake_quantized_rows(observer, usize::MAX);
                let rounder = WeightRounder::new(options.rounding, &inputs, observer.channels());
                let quantize = |(name, weights): (&&String, &&[f32])| {
                    let bias = bert.weight(&format!("{name}.bias"));
                    let (linear, sqnr) = quantize_linear(observer, &scheme, &rounder, (weights, bias), options);
                    ((*name).clone(), linear, sqnr)
                };
                QuantizedUnit { linears: names.iter().zip(&weights).map(quantize).collect(), scheme }
            }
        };
        results.push(result);
    }
    results
}

/// Quantizes the linear layer with the FP32 weights `original` `[out, in]` and `bias` `[out]`.
fn quantize_linear(
    observer: &Observer,
    scheme: &ActivationScheme,
    rounder: &WeightRounder,
    (original, bias): (&[f32], &[f32]),
    options: &Options,
) -> (QuantizedLinear, LinearSqnr) {
    let ChannelTransform { centers, divisors } = &scheme.transform;
    let scaled = scale_input_channels(original, divisors);
    let weights = rounder.round(&scaled);
    // W · centers restores what the shift subtracts from the input.
    let restored = |row: &[f32]| row.iter().zip(centers).map(|(w, center)| f64::from(w * center)).sum::<f64>() as f32;
    let shift: Vec<f32> = original.chunks_exact(centers.len()).map(restored).collect();
    let correction = match options.bias_correction {
        true => {
            let means: Vec<f32> = scheme.transform.apply(&observer.channel_means()).collect();
            bias_correction(&scaled, &weights, &means)
        }
        false => vec![0.0; shift.len()],
    };
    let bias = bias.iter().zip(&shift).zip(&correction).map(|((bias, shift), correction)| bias + shift + correction);
    let bias = bias.collect();
    let sqnr = linear_sqnr(observer, scheme, original, (&weights, &shift, &correction), options.symmetric);
    (QuantizedLinear { weights, bias }, sqnr)
}

/// The schemes of a layer's queries and keys, in this order. Both are symmetric, and neither is shifted. Smoothing divides
/// channel j of the queries and multiplies channel j of the keys by the same number, which leaves `q · k` unchanged.
fn query_key_schemes([query, key]: [&Observer; 2], options: &Options) -> [ActivationScheme; 2] {
    let (alpha, divisors) = match options.smoothing {
        Smoothing::Off => (None, vec![1.0; query.channels()]),
        _ => (Some(0.5), query_key_divisors(&query.channel_ranges(), &key.channel_ranges())),
    };
    let inverse = divisors.iter().map(|s| 1.0 / s).collect();
    let estimator = if options.range == RangeEstimator::Search { RangeEstimator::MeanMinMax } else { options.range };
    [(query, divisors), (key, inverse)].map(|(observer, divisors)| {
        let transform = ChannelTransform { divisors, ..ChannelTransform::identity(observer.channels()) };
        let (low, high) = estimate_range(estimator, observer, &transform);
        let limit = high.max(-low);
        ActivationScheme {
            shift: false,
            alpha,
            transform,
            estimator,
            range: (-limit, limit),
            params: QuantParams::symmetric(limit),
        }
    })
}

/// Quantizes the embedding tables, one scale per row.
fn quantize_tables(bert: &Bert, options: &Options) -> BTreeMap<String, QuantizedRows> {
    let quantized = EMBEDDING_TABLES.into_iter().filter(|name| !options.ignored.contains(name));
    quantized
        .map(|name| (name.to_owned(), QuantizedRows::new(bert.weight(name), bert.config().embedding_features())))
        .collect()
}
