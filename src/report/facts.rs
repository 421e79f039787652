//! The statements that the summary and the page share.

use super::number::{bytes, count, counted, decibels, fixed, in_decibels, percent, signed_significant, significant};
use super::part::layer_and_kind;
use crate::activation::Activation;
use crate::quantize::{
    AccuracyControlReport, ActivationReport, CalibrationResult, ClassifierCorrection, LinearReport, LinearSqnr,
    Options, PartSize, Provenance, RangeEstimator, Report, Rounding, Sensitivity, Shift, Smoothing, SourceFile,
    WeightReport,
};
use std::collections::{BTreeMap, HashMap};

/// How many of the worst items are named.
pub const WORST: usize = 5;

/// How many classes' corrections are listed.
const NAMED: usize = 5;

/// Describes model, method, calibration and sizes, as rows of a name and a text.
pub fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let Report { config, options, calibration, sizes, .. } = report;
    let mut rows = report.provenance.as_ref().map(made).unwrap_or_default();
    rows.extend([
        (
            "Model",
            format!(
                "BERT: {}, hidden size {}, {}, feed-forward size {}, {}, vocabulary {}, {} positions",
                counted(config.layers, "layer"),
                count(config.hidden),
                counted(config.heads, "head"),
                count(config.intermediate),
                activation(config.activation),
                count(config.vocab_size),
                count(config.max_positions)
            ),
        ),
        ("Classes", config.labels.join(", ")),
    ]);
    rows.extend(method(options));
    let cut = match calibration.truncated {
        0 => "none".to_owned(),
        some => count(some),
    };
    rows.push((
        "Calibration",
        format!(
            "{}, {} of them distinct, {}, {cut} cut to {} tokens; seed {}",
            counted(calibration.pairs, "text"),
            count(calibration.distinct),
            counted(calibration.tokens, "token"),
            count(calibration.max_length),
            calibration.seed
        ),
    ));
    if let Some(check) = &report.check {
        rows.push(("INT8 against FP32", checked(check)));
    }
    rows.push((
        "File size",
        format!("{}, {} of FP32's {}", bytes(sizes.int8_bytes), percent(sizes.ratio), bytes(sizes.fp32_bytes)),
    ));
    let int8 = report.linears.iter().filter(|linear| linear.int8).count();
    let tables = report.weights.iter().filter(|weight| weight.name.starts_with("embeddings.")).count();
    rows.push((
        "In INT8",
        format!(
            "{} of {}, {}",
            count(int8),
            counted(report.linears.len(), "matmul"),
            counted(tables, "embedding table")
        ),
    ));
    if int8 < report.linears.len() {
        rows.push(("Kept in FP32", kept(&report.linears)));
    }
    if let Some(found) = &report.classifier_correction {
        rows.push(("Classifier", head(found)));
    }
    rows
}

/// Describes the damage of each part, or of the first `most` parts, and which of them to keep in FP32, as lines.
pub fn sensitivity(found: &Sensitivity, most: usize) -> Vec<String> {
    let title = "SQNR of the logits in dB if one part alone is INT8, the most damaging first";
    let mut lines = vec![format!("{title} ({} texts; all parts: {})", count(found.texts), decibels(found.sqnr_db))];
    lines.extend(found.parts.iter().take(most).map(|part| format!("  {:>8}  {}", decibels(part.sqnr_db), part.name)));
    lines.push(advice(found));
    lines
}

/// Returns the parts with the noise of their noisiest matmul in decibels, the most damaging first: by what every part alone does
/// to the logits if that was measured, else by that noise.
pub fn parts_by_damage(report: &Report) -> Vec<(&PartSize, Option<f64>)> {
    let noise = |part: &PartSize| {
        let linears = report.linears.iter().filter(|linear| {
            let rest = linear.name.strip_prefix(part.name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        linears.filter_map(|linear| linear.measure.as_ref()?.output_db).reduce(f64::min)
    };
    let damage: Option<HashMap<&str, f64>> = report.sensitivity.as_ref().map(|found| {
        let decibels = |db: Option<f64>| db.unwrap_or(f64::INFINITY);
        found.parts.iter().map(|part| (part.name.as_str(), decibels(part.sqnr_db))).collect()
    });
    let mut parts: Vec<_> = report.parts.iter().map(|part| (part, noise(part))).collect();
    let order = |(part, noise): &(&PartSize, Option<f64>)| match &damage {
        Some(damage) => damage.get(part.name.as_str()).copied().unwrap_or(f64::INFINITY),
        None => noise.unwrap_or(f64::INFINITY),
    };
    parts.sort_by(|a, b| order(a).total_cmp(&order(b)));
    parts
}

/// Says which part to keep in FP32, and what that changes.
pub fn advice(found: &Sensitivity) -> String {
    match &found.best_ignored {
        Some(part) => format!(
            "--ignore '{}' helps most: {} instead of {}; the file grows by {}",
            part.pattern,
            in_decibels(part.sqnr_db),
            in_decibels(found.sqnr_db),
            bytes(part.added_bytes)
        ),
        None => "--ignore does not help: no damaging part brings INT8 closer to FP32 if it stays in FP32".to_owned(),
    }
}

/// Says where a file comes from.
fn made(from: &Provenance) -> Vec<(&'static str, String)> {
    let file = |file: &SourceFile| format!("{}, {}", file.name, file.integrity);
    let mut rows = vec![
        ("Made from", from.model.clone()),
        ("Made by", format!("bert8 {}, preset {}, {}", from.version, from.preset, from.date)),
    ];
    rows.extend(from.command.clone().map(|command| ("Command", command)));
    rows.push(("INT8 file", file(&from.output)));
    rows.push(("Calibration texts", file(&from.calibration)));
    rows
}

/// Says which texts INT8 and FP32 were compared on.
pub fn compared_on(check: &CalibrationResult) -> String {
    let which = if check.held_back { "that calibration did not see" } else { "of the calibration itself" };
    format!("{} {which}", counted(check.texts, "text"))
}

/// Describes how INT8 compares with FP32.
fn checked(check: &CalibrationResult) -> String {
    let found = &check.difference;
    let agreement = found.agreement.map_or(String::new(), |share| format!(", agreement {}", percent(share)));
    format!(
        "SQNR of the logits {}{agreement}, largest difference {}; on {}",
        in_decibels(found.sqnr_db),
        significant(found.logit_max),
        compared_on(check)
    )
}

/// Describes the correction of the classifier's biases and its effect.
fn head(head: &ClassifierCorrection) -> String {
    let added: Vec<String> = head.correction.iter().map(|&added| signed_significant(added.into())).collect();
    let added = match added.len() {
        0..=NAMED => added.join(", "),
        more => format!("{}, … ({} classes)", added[..NAMED].join(", "), count(more)),
    };
    format!(
        "{added} added to its biases; the root mean square error of the logits on calibration pairs is {} instead of {}",
        significant(head.corrected_rmse),
        significant(head.uncorrected_rmse)
    )
}

/// Lists the matmuls that are not INT8, layer by layer.
fn kept(linears: &[LinearReport]) -> String {
    let mut layers: BTreeMap<Option<u32>, (Vec<&str>, bool)> = BTreeMap::new();
    for linear in linears {
        let (layer, kind) = layer_and_kind(&linear.name);
        let (kept, all) = layers.entry(layer).or_insert((Vec::new(), true));
        if linear.int8 {
            *all = false;
        } else {
            kept.push(kind);
        }
    }
    let layers = layers.into_iter().filter(|(_, (kept, _))| !kept.is_empty());
    let text = |(layer, (kept, all)): (Option<u32>, (Vec<&str>, bool))| match layer {
        Some(layer) if all => format!("all of layer {layer}"),
        Some(layer) => format!("in layer {layer}: {}", kept.join(", ")),
        None => kept.join(", "),
    };
    layers.map(text).collect::<Vec<_>>().join("; ")
}

fn activation(activation: Activation) -> &'static str {
    match activation {
        Activation::Gelu => "GELU",
        Activation::GeluTanh => "GELU (tanh)",
        Activation::Relu => "ReLU",
    }
}

fn method(options: &Options) -> Vec<(&'static str, String)> {
    let shift = match options.shift {
        Shift::Off => "none",
        Shift::On => "every activation",
        Shift::Search => "activations where it reduces the error (search)",
    };
    let smoothing = match options.smoothing {
        Smoothing::Off => "none".to_owned(),
        Smoothing::Fixed(alpha) => format!("SmoothQuant, α {}", fixed(alpha.into(), 2)),
        Smoothing::Search => "SmoothQuant, the α with the least error per activation (search)".to_owned(),
    };
    let range = match options.range {
        RangeEstimator::MinMax => "lowest to highest value (min-max)".to_owned(),
        RangeEstimator::MeanMinMax => "mean over pairs of lowest and highest value (mean-min-max)".to_owned(),
        RangeEstimator::Percentile(share) => {
            format!("the middle {} of values (percentile)", percent(f64::from(share) / 100.0))
        }
        RangeEstimator::Mse => "least mean squared error (mse)".to_owned(),
        RangeEstimator::Entropy => "least Kullback-Leibler divergence (entropy)".to_owned(),
        RangeEstimator::Search => "of min-max, mean-min-max and mse, the one with the least error (search)".to_owned(),
    };
    let rounding = match options.rounding {
        Rounding::Nearest => "to the nearest",
        Rounding::Mse => "to the nearest, with the scale of least error (mse)",
        Rounding::Gptq => "least output error on calibration inputs (gptq)",
    };
    let mut rows = vec![
        ("Shift", shift.to_owned()),
        ("Smoothing", smoothing),
        ("Activation ranges", range),
        ("Zero points", if options.symmetric { "128 everywhere (symmetric)" } else { "from the range" }.to_owned()),
        ("Weight rounding", rounding.to_owned()),
        ("Bias correction", if options.bias_correction { "yes" } else { "no" }.to_owned()),
    ];
    if !options.ignored.patterns().is_empty() {
        rows.push(("Left out (--ignore)", options.ignored.patterns().join(", ")));
    }
    rows
}

/// Describes the task of accuracy control and its result.
pub fn control(control: &AccuracyControlReport) -> String {
    let asked = format!(
        "The {} on {} may be at most {} below FP32.",
        control.metric.title(),
        counted(control.pairs, "text"),
        significant(control.max_drop)
    );
    if control.reverted.is_empty() {
        return format!("{asked} It is with everything in INT8, so no part returned to FP32.");
    }
    format!(
        "{asked} {} returned to FP32, which adds {} and takes {} ms per text instead of {} (FP32: {}).",
        counted(control.reverted.len(), "part"),
        bytes(control.result.bytes.saturating_sub(control.int8.bytes)),
        fixed(control.result.ms_per_pair, 1),
        fixed(control.int8.ms_per_pair, 1),
        fixed(control.fp32.ms_per_pair, 1)
    )
}

/// Returns the INT8 matmuls with the most noise, worst first.
pub fn worst_linears(linears: &[LinearReport]) -> Vec<(&LinearReport, &LinearSqnr, f64)> {
    let mut worst: Vec<_> = linears
        .iter()
        .filter(|linear| linear.int8)
        .filter_map(|linear| linear.measure.as_ref().and_then(|m| Some((linear, m, m.output_db?))))
        .collect();
    worst.sort_by(|a, b| a.2.total_cmp(&b.2));
    worst.truncate(WORST);
    worst
}

/// Returns the effect of shift, smoothing and rounding on the SQNR, in decibels.
pub fn method_gain(measure: &LinearSqnr) -> Option<f64> {
    Some(measure.uncorrected_db? - measure.plain_db?)
}

/// Returns the effect of bias correction on the SQNR, in decibels.
pub fn correction_gain(measure: &LinearSqnr) -> Option<f64> {
    Some(measure.output_db? - measure.uncorrected_db?)
}

/// Returns all weight tensors, the one with the most noise first.
pub fn weights_worst_first(weights: &[WeightReport]) -> Vec<&WeightReport> {
    let mut sorted: Vec<_> = weights.iter().collect();
    let db = |weight: &WeightReport| weight.sqnr_db.unwrap_or(f64::INFINITY);
    sorted.sort_by(|a, b| db(a).total_cmp(&db(b)));
    sorted
}

/// Returns the activations with the largest share of clipped values.
pub fn most_clipped(activations: &[ActivationReport]) -> Vec<&ActivationReport> {
    let mut sorted: Vec<_> = activations.iter().filter(|activation| activation.clipped > 0.0).collect();
    sorted.sort_by(|a, b| b.clipped.total_cmp(&a.clipped));
    sorted.truncate(WORST);
    sorted
}

/// Returns the lowest, middle and highest of the finite `values`, or `None` if there are none.
pub fn spread(values: impl Iterator<Item = f64>) -> Option<(f64, f64, f64)> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    Some((*values.first()?, values[values.len() / 2], *values.last()?))
}
