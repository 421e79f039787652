//! The damage of every part.

use super::escape::escape;
use super::how_to_read;
use super::table::{Cell, Table};
use crate::report::facts::advice;
use crate::report::number::decibels;
use crate::quantize::Report;

pub fn section(report: &Report) -> String {
    let Some(found) = &report.sensitivity else {
        return how_to_read("The damage of the parts was not measured; bert8 quantize --sensitivity measures it.");
    };
    let mut html = how_to_read(&format!(
        "SQNR of the logits on {} texts if one part alone is INT8, the most damaging first. With all parts in INT8, it is {} dB.",
        found.texts,
        decibels(found.sqnr_db)
    ));
    html += &format!("<p>{}</p>\n", escape(&advice(found)));
    let rows = found.parts.iter().map(|part| vec![Cell::Text(part.name.clone()), Cell::Number(decibels(part.sqnr_db))]);
    html += &Table {
        id: "sensitivity-table",
        caption: "Signal-to-quantization-noise ratio of the logits if one part alone is INT8",
        columns: &["Part", "SQNR (dB)"],
        rows: rows.collect(),
    }
    .html();
    html
}
