//! The summary as plain text.

use super::conclusion::{Conclusion, conclusion};
use super::facts::{
    WORST, control, correction_gain, method_gain, most_clipped, rows, sensitivity, weights_worst_first, worst_linears,
};
use super::number::{bytes, decibels, fixed, percent, signed};
use super::part::printable;
use crate::quantize::Report;

/// Returns a summary of `report` as lines of plain text for a terminal, without control characters.
pub fn summary(report: &Report) -> String {
    let Conclusion { headline, reasons, line, next: (why, command), .. } = conclusion(report);
    let mut lines = vec![headline.to_owned()];
    lines.extend(reasons.into_iter().map(|reason| format!("  {reason}")));
    lines.extend([
        String::new(),
        "In one line:".to_owned(),
        format!("  {line}"),
        why,
        format!("  {command}"),
        String::new(),
    ]);
    lines.extend(rows(report).into_iter().map(|(what, how)| format!("{what:<20} {how}")));
    lines.extend(control_lines(report));
    if let Some(found) = &report.sensitivity {
        lines.push(String::new());
        lines.extend(sensitivity(found, usize::MAX));
    }
    if !report.layers.is_empty() {
        let title =
            "Signal-to-quantization-noise ratio after every layer, in dB (20 dB: noise is a tenth, 40 dB: a hundredth)";
        lines.extend([String::new(), title.to_owned()]);
        lines.extend(report.layers.iter().map(|layer| format!("  {:>8}  {}", decibels(layer.sqnr_db), layer.name)));
    }
    lines.extend(worst(report));
    lines.iter().map(|line| printable(line) + "\n").collect()
}

fn control_lines(report: &Report) -> Vec<String> {
    let Some(found) = &report.control else { return Vec::new() };
    let mut lines = vec![String::new(), format!("Accuracy control: {}", control(found))];
    for (name, measured) in [("FP32", found.fp32), ("INT8", found.int8), ("written file", found.result)] {
        let (title, value) = (found.metric.title(), fixed(measured.value, 4));
        lines.push(format!("  {name:<12} {title} {value}, {}", bytes(measured.bytes)));
    }
    for part in &found.reverted {
        let (damage, value) = (fixed(part.damage, 4), fixed(part.value, 4));
        lines.push(format!("  in FP32: {} (its own logit error {damage}), then {value}", part.name));
    }
    lines
}

/// The items with the most noise or clipping.
fn worst(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let worst = worst_linears(&report.linears);
    if !worst.is_empty() {
        let title = "Matmuls with the most noise: SQNR in dB, effect of shift, smoothing and rounding, effect of bias correction";
        lines.extend([String::new(), title.to_owned()]);
        let change = |gain: Option<f64>| gain.map_or("–".to_owned(), signed);
        for (linear, measure, db) in worst {
            let [method, correction] = [method_gain(measure), correction_gain(measure)].map(change);
            lines.push(format!("  {:>8}  {method:>7} {correction:>7}  {}", fixed(db, 1), linear.name));
        }
    }
    let clipped = most_clipped(&report.activations);
    if !clipped.is_empty() {
        lines.extend([String::new(), "Activations with the most clipped values".to_owned()]);
        lines.extend(clipped.iter().map(|found| format!("  {:>9}  {}", percent(found.clipped), found.name)));
    }
    let weights = weights_worst_first(&report.weights);
    if !weights.is_empty() {
        lines.extend([String::new(), "Weights with the most noise: SQNR in dB".to_owned()]);
        let line =
            |weight: &&crate::quantize::WeightReport| format!("  {:>8}  {}", decibels(weight.sqnr_db), weight.name);
        lines.extend(weights.iter().take(WORST).map(line));
    }
    lines
}
