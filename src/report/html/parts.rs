//! The damage of every part, and its share of the file.

use super::escape::escape;
use super::how_to_read;
use super::table::{Cell, Table};
use crate::quantize::{PartSize, Report};
use crate::report::facts::{advice, parts_by_damage};
use crate::report::number::{bytes, decibels};

pub fn section(report: &Report) -> String {
    let mut html = match &report.sensitivity {
        Some(found) => {
            let text = format!(
                "The parts that can stay in FP32, the most damaging first: SQNR of the logits on {} texts if one part alone is \
                 INT8. With all parts in INT8, it is {} dB.",
                found.texts,
                decibels(found.sqnr_db)
            );
            how_to_read(&text) + &format!("<p>{}</p>\n", escape(&advice(found)))
        }
        None => how_to_read(
            "The parts that can stay in FP32, the one with the noisiest matmul first. The damage to the logits was not measured; \
             bert8 quantize --sensitivity measures it.",
        ),
    };
    let damage = |part: &str| {
        let found = report.sensitivity.iter().flat_map(|found| &found.parts).find(|found| found.name == part);
        found.map_or("–".to_owned(), |found| decibels(found.sqnr_db))
    };
    let rows = parts_by_damage(report).into_iter().map(|(part, noise)| {
        let PartSize { name, pattern, fp32_bytes, int8_bytes } = part;
        let added = fp32_bytes.saturating_sub(*int8_bytes);
        let mut row = vec![Cell::Text(name.clone())];
        if report.sensitivity.is_some() {
            row.push(Cell::Number(damage(name)));
        }
        row.push(Cell::Number(noise.map_or("–".to_owned(), |db| decibels(Some(db)))));
        row.extend([fp32_bytes, int8_bytes].map(|size| Cell::Number(bytes(*size))));
        row.push(Cell::Number(if added == 0 { "is FP32".to_owned() } else { format!("+{}", bytes(added)) }));
        row.push(Cell::Html(format!("<code>--ignore &#39;{}&#39;</code>", escape(pattern))));
        row
    });
    let mut rows: Vec<Vec<Cell>> = rows.collect();
    let mut columns = vec!["Part"];
    if report.sensitivity.is_some() {
        columns.push("Damage: SQNR alone (dB)");
    }
    columns.extend(["Matmul SQNR (dB)", "FP32", "INT8", "In FP32 it adds", "To keep it in FP32"]);
    rows.push(rest(report, columns.len()));
    html += &Table { id: "part-table", caption: "Damage and size of every part", columns: &columns, rows }.html();
    html
}

/// The row for everything that is not a part. Its size is the file's less that of all parts.
fn rest(report: &Report, columns: usize) -> Vec<Cell> {
    let parts = |size: fn(&PartSize) -> usize| report.parts.iter().map(size).fold(0, usize::saturating_add);
    let fp32 = report.sizes.fp32_bytes.saturating_sub(parts(|part| part.fp32_bytes));
    let int8 = report.sizes.int8_bytes.saturating_sub(parts(|part| part.int8_bytes));
    let mut row = vec![Cell::Text("everything else: LayerNorm, head, graph".to_owned())];
    row.extend((0..columns - 5).map(|_| Cell::Number("–".to_owned())));
    row.extend([fp32, int8].map(|size| Cell::Number(bytes(size))));
    row.extend([Cell::Number("–".to_owned()), Cell::Text("–".to_owned())]);
    row
}
