//! The summary on standard output.

use super::facts::{
    WORST, control, correction_gain, method_gain, most_clipped, rows, sensitivity, weights_worst_first, worst_linears,
};
use super::number::{bytes, decibels, fixed, percent, signed};
use super::part::printable;
use anyhow::Result;
use bert8::quantize::Report;

pub fn print(report: &Report) -> Result<()> {
    for (what, how) in rows(report) {
        say!("{what:<20} {}", printable(&how));
    }
    print_control(report)?;
    if let Some(found) = &report.sensitivity {
        say!();
        for line in sensitivity(found, usize::MAX) {
            say!("{}", printable(&line));
        }
    }
    if !report.layers.is_empty() {
        say!(
            "\nSignal-to-quantization-noise ratio after every layer, in dB (20 dB: noise is a tenth, 40 dB: a hundredth)"
        );
        for layer in &report.layers {
            say!("  {:>8}  {}", decibels(layer.sqnr_db), printable(&layer.name));
        }
    }
    print_worst(report)
}

fn print_control(report: &Report) -> Result<()> {
    let Some(found) = &report.control else { return Ok(()) };
    say!("\nAccuracy control: {}", control(found));
    for (name, measured) in [("FP32", found.fp32), ("INT8", found.int8), ("written file", found.result)] {
        say!("  {name:<12} {} {}, {}", found.metric.title(), fixed(measured.value, 4), bytes(measured.bytes));
    }
    for part in &found.reverted {
        let name = printable(&part.name);
        say!("  in FP32: {name} (its own logit error {}), then {}", fixed(part.damage, 4), fixed(part.value, 4));
    }
    Ok(())
}

fn print_worst(report: &Report) -> Result<()> {
    let worst = worst_linears(&report.linears);
    if !worst.is_empty() {
        say!(
            "\nMatmuls with the most noise: SQNR in dB, effect of shift, smoothing and rounding, effect of bias correction"
        );
        let change = |gain: Option<f64>| gain.map_or("–".to_owned(), signed);
        for (linear, measure, db) in worst {
            let changes = [method_gain(measure), correction_gain(measure)].map(change);
            say!("  {:>8}  {:>7} {:>7}  {}", fixed(db, 1), changes[0], changes[1], printable(&linear.name));
        }
    }
    let clipped = most_clipped(&report.activations);
    if !clipped.is_empty() {
        say!("\nActivations with the most clipped values");
        for activation in clipped {
            say!("  {:>9}  {}", percent(activation.clipped), printable(&activation.name));
        }
    }
    let weights = weights_worst_first(&report.weights);
    if !weights.is_empty() {
        say!("\nWeights with the most noise: SQNR in dB");
        for weight in weights.into_iter().take(WORST) {
            say!("  {:>8}  {}", decibels(weight.sqnr_db), printable(&weight.name));
        }
    }
    say!("\nFor plots and all numbers: bert8 report --html FILE");
    Ok(())
}
