//! What both the summary and the page say.

use super::number::{bytes, count, counted, fixed, percent, signed_significant, significant};
use super::part::layer_and_kind;
use bert8::activation::Activation;
use bert8::quantize::{
    AccuracyControlReport, ActivationReport, ClassifierCorrection, LinearReport, LinearSqnr, Metric, Options,
    RangeEstimator, Report, Rounding, Shift, Smoothing, WeightReport,
};
use std::collections::BTreeMap;

/// How many of the worst are named.
pub const WORST: usize = 5;

/// How many classes' corrections are named.
const NAMED: usize = 5;

/// Model, method, calibration and sizes: what, and how.
pub fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let Report { config, options, calibration, sizes, .. } = report;
    let mut rows = vec![
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
    ];
    rows.extend(method(options));
    let cut = match calibration.truncated {
        0 => "none".to_owned(),
        some => count(some),
    };
    rows.push((
        "Calibration",
        format!(
            "{}, {}, {cut} cut to {} tokens; seed {}",
            counted(calibration.pairs, "pair"),
            counted(calibration.tokens, "token"),
            count(calibration.max_length),
            calibration.seed
        ),
    ));
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

/// What correction added to the classifier's biases, and what for.
fn head(head: &ClassifierCorrection) -> String {
    let added: Vec<String> = head.correction.iter().map(|&added| signed_significant(added.into())).collect();
    let added = match added.len() {
        0..=NAMED => added.join(", "),
        more => format!("{}, … ({} classes)", added[..NAMED].join(", "), count(more)),
    };
    format!(
        "{added} added to its biases, so that the logits' root mean square error on calibration pairs is {} instead of {}",
        significant(head.corrected_rmse),
        significant(head.uncorrected_rmse)
    )
}

/// The matmuls that are not INT8, layer by layer.
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
    let says = |(layer, (kept, all)): (Option<u32>, (Vec<&str>, bool))| match layer {
        Some(layer) if all => format!("all of layer {layer}"),
        Some(layer) => format!("of layer {layer} {}", kept.join(", ")),
        None => kept.join(", "),
    };
    layers.map(says).collect::<Vec<_>>().join("; ")
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
        Shift::Search => "the activations where it errs less (search)",
    };
    let smoothing = match options.smoothing {
        Smoothing::Off => "none".to_owned(),
        Smoothing::Fixed(alpha) => format!("SmoothQuant, α {}", fixed(alpha.into(), 2)),
        Smoothing::Search => "SmoothQuant, the α that errs least for every activation (search)".to_owned(),
    };
    let range = match options.range {
        RangeEstimator::MinMax => "lowest to highest value (min-max)".to_owned(),
        RangeEstimator::MeanMinMax => "mean over pairs of lowest and highest value (mean-min-max)".to_owned(),
        RangeEstimator::Percentile(share) => {
            format!("the middle {} of values (percentile)", percent(f64::from(share) / 100.0))
        }
        RangeEstimator::Mse => "least mean squared error (mse)".to_owned(),
        RangeEstimator::Entropy => "least Kullback-Leibler divergence (entropy)".to_owned(),
        RangeEstimator::Search => "the one of min-max, mean-min-max and mse that errs least (search)".to_owned(),
    };
    let rounding = match options.rounding {
        Rounding::Nearest => "to the nearest",
        Rounding::Mse => "to the nearest, on the scale of least error (mse)",
        Rounding::Gptq => "against calibration inputs (gptq)",
    };
    let mut rows = vec![
        ("Shift", shift.to_owned()),
        ("Smoothing", smoothing),
        ("Activation ranges", range),
        ("Zero points", if options.symmetric { "128 everywhere (symmetric)" } else { "as the range asks" }.to_owned()),
        ("Weight rounding", rounding.to_owned()),
        ("Bias correction", if options.bias_correction { "yes" } else { "no" }.to_owned()),
    ];
    if !options.ignored.patterns().is_empty() {
        rows.push(("Left out (--ignore)", options.ignored.patterns().join(", ")));
    }
    rows
}

/// The name of accuracy control's metric.
pub fn metric(control: &AccuracyControlReport) -> &'static str {
    match control.metric {
        Metric::F1 => "F1",
        Metric::Accuracy => "accuracy",
        Metric::Agreement => "agreement with FP32",
    }
}

/// What accuracy control was asked for and what it did.
pub fn control(control: &AccuracyControlReport) -> String {
    let asked = format!(
        "The {} on {} may drop by {} below FP32's.",
        metric(control),
        counted(control.pairs, "pair"),
        significant(control.max_drop)
    );
    if control.reverted.is_empty() {
        return format!("{asked} It does with everything in INT8, so nothing returned to FP32.");
    }
    format!(
        "{asked} For that {} returned to FP32, which costs {} more and {} ms a pair instead of {} (FP32: {}).",
        counted(control.reverted.len(), "part"),
        bytes(control.result.bytes.saturating_sub(control.int8.bytes)),
        fixed(control.result.ms_per_pair, 1),
        fixed(control.int8.ms_per_pair, 1),
        fixed(control.fp32.ms_per_pair, 1)
    )
}

/// The INT8 matmuls with the most noise, worst first.
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

/// What shift, smoothing and rounding changed, in decibels.
pub fn method_gain(measure: &LinearSqnr) -> Option<f64> {
    Some(measure.uncorrected_db? - measure.plain_db?)
}

/// What correction changed, in decibels.
pub fn correction_gain(measure: &LinearSqnr) -> Option<f64> {
    Some(measure.output_db? - measure.uncorrected_db?)
}

/// Every weight tensor, the one with the most noise first.
pub fn weights_worst_first(weights: &[WeightReport]) -> Vec<&WeightReport> {
    let mut sorted: Vec<_> = weights.iter().collect();
    let db = |weight: &WeightReport| weight.sqnr_db.unwrap_or(f64::INFINITY);
    sorted.sort_by(|a, b| db(a).total_cmp(&db(b)));
    sorted
}

/// The activations of which the largest share is clipped.
pub fn most_clipped(activations: &[ActivationReport]) -> Vec<&ActivationReport> {
    let mut sorted: Vec<_> = activations.iter().filter(|activation| activation.clipped > 0.0).collect();
    sorted.sort_by(|a, b| b.clipped.total_cmp(&a.clipped));
    sorted.truncate(WORST);
    sorted
}

/// The lowest, middle and highest of `values`; `None` where there are none.
pub fn spread(values: impl Iterator<Item = f64>) -> Option<(f64, f64, f64)> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    Some((*values.first()?, values[values.len() / 2], *values.last()?))
}
