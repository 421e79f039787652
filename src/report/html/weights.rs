//! The rounding error of every weight tensor.

use super::how_to_read;
use super::table::{Cell, Table};
use crate::quantize::Report;
use crate::report::facts::weights_worst_first;
use crate::report::number::{count, decibels, significant};

pub fn section(report: &Report) -> String {
    if report.weights.is_empty() {
        return how_to_read("No weights are quantized.");
    }
    let best = report.weights.iter().filter_map(|weight| weight.sqnr_db).fold(0.0, f64::max);
    let rows = weights_worst_first(&report.weights).into_iter().map(|weight| {
        let span = |(low, high): (f32, f32)| {
            Cell::Number(format!("{} to {}", significant(low.into()), significant(high.into())))
        };
        let share = weight.sqnr_db.map_or(1.0, |db| (db / best.max(1.0)).clamp(0.0, 1.0));
        vec![
            Cell::Text(weight.name.clone()),
            Cell::Html(format!(
                "<span class=\"bar\"><span style=\"width:{:.1}%\"></span></span>{}",
                share * 100.0,
                decibels(weight.sqnr_db)
            )),
            Cell::Number(significant(weight.rmse)),
            Cell::Number(format!("{} × {}", count(weight.shape.0), count(weight.shape.1))),
            span(weight.range),
            span(weight.scales),
        ]
    });
    how_to_read(
        "Rounding error of the weights alone, without activations; the worst tensors come first. A tensor far below the rest \
         has rows whose largest weight, after smoothing, is far above the others.",
    ) + &Table {
        id: "weight-table",
        caption: "Rounding error of every weight tensor, the worst first",
        columns: &["Weights", "SQNR (dB)", "RMS error", "Shape", "Range", "Scales"],
        rows: rows.collect(),
    }
    .html()
}
