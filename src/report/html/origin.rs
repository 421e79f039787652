//! How the file was made, and what accuracy control did.

use super::escape::escape;
use super::how_to_read;
use super::table::{Cell, Table};
use crate::quantize::{AccuracyControlReport, Report};
use crate::report::facts;
use crate::report::number::{bytes, fixed};

pub fn section(report: &Report) -> String {
    let mut html =
        how_to_read("The same inputs and options make the same INT8 file, byte for byte, on any day; its hash tells.");
    let rows = facts::rows(report);
    let rows = rows.iter().map(|(what, how)| format!("<div><dt>{what}</dt><dd>{}</dd></div>\n", escape(how)));
    html += &format!("<dl class=\"facts\">\n{}</dl>\n", rows.collect::<String>());
    if let Some(found) = &report.control {
        html += &control(found);
    }
    html
}

fn control(found: &AccuracyControlReport) -> String {
    let mut html = format!("<h3>Accuracy control</h3>\n<p>{}</p>\n", escape(&facts::control(found)));
    let rows = [("FP32", found.fp32), ("INT8", found.int8), ("Written file", found.result)];
    let rows = rows.map(|(name, measured)| {
        vec![
            Cell::Text(name.to_owned()),
            Cell::Number(fixed(measured.value, 4)),
            Cell::Number(bytes(measured.bytes)),
            Cell::Number(fixed(measured.ms_per_pair, 2)),
        ]
    });
    let columns = ["Model", found.metric.title(), "File size", "ms per pair"];
    html += &Table {
        id: "control-table",
        caption: "Models that accuracy control measured",
        columns: &columns,
        rows: rows.into(),
    }
    .html();
    if !found.reverted.is_empty() {
        let rows = found.reverted.iter().map(|part| {
            let numbers = [part.damage, part.value].map(|value| Cell::Number(fixed(value, 4)));
            [Cell::Text(part.name.clone())].into_iter().chain(numbers).collect()
        });
        let then = format!("{} afterwards", found.metric.title());
        html += &Table {
            id: "returned-table",
            caption: "Parts returned to FP32, in this order; damage is the root mean square error of the logits if only this \
                      part is INT8",
            columns: &["Part", "Damage", &then],
            rows: rows.collect(),
        }
        .html();
    }
    html
}
