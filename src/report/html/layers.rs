//! The noise after every encoder layer.

use super::axis::Axis;
use super::escape::escape;
use super::how_to_read;
use super::plot::{Area, dot, labelled, line, svg, text};
use super::table::{Cell, Table};
use crate::quantize::{LayerReport, Report};
use crate::report::number::{decibels, in_decibels};
use crate::report::part::layer_and_kind;

const AREA: Area = Area { left: 9.0, right: 98.0, top: 26.0, bottom: 216.0, height: 260.0 };
/// How many labels fit on a phone.
const ROOM: usize = 13;
/// The largest number of dots that have numbers beside them.
const NUMBERED: usize = 10;

pub fn section(report: &Report) -> String {
    if report.layers.is_empty() {
        return how_to_read("The noise after every layer was not measured.");
    }
    let mut html = how_to_read(
        "SQNR of each layer's output in the quantized model. The line falls as noise accumulates; a steep step down marks the \
         layer to look into. The last value is the noise of the logits.",
    );
    html += &plot(&report.layers);
    let rows =
        report.layers.iter().map(|layer| vec![Cell::Text(layer.name.clone()), Cell::Number(decibels(layer.sqnr_db))]);
    html += &Table {
        id: "layer-table",
        caption: "Signal-to-quantization-noise ratio of every layer's output",
        columns: &["Layer", "SQNR (dB)"],
        rows: rows.collect(),
    }
    .html();
    html
}

fn plot(layers: &[LayerReport]) -> String {
    let axis = Axis::around(layers.iter().filter_map(|layer| layer.sqnr_db));
    let mut content = AREA.grid(&axis) + &text([AREA.left, 10.0], [-30, 2], "start", "dB");
    let points: Vec<Option<[f64; 2]>> = layers
        .iter()
        .enumerate()
        .map(|(at, layer)| Some([AREA.middle(at, layers.len()), AREA.y(axis.place(layer.sqnr_db?))]))
        .collect();
    for pair in points.windows(2) {
        if let [Some(a), Some(b)] = pair {
            content += &line([a[0], b[0]], [a[1], b[1]], "series");
        }
    }
    for (at, layer) in layers.iter().enumerate() {
        let tip = format!("{}: {}", layer.name, in_decibels(layer.sqnr_db));
        if let Some(point) = points[at] {
            content += &dot(point, 4.5, "written", &tip);
            if layers.len() <= NUMBERED {
                content += &text(point, beside(&points, at), "middle", &decibels(layer.sqnr_db));
            }
        }
        if labelled(at, layers.len(), ROOM) {
            content +=
                &text([AREA.middle(at, layers.len()), AREA.bottom], [0, 18], "middle", &escape(&label(&layer.name)));
        }
    }
    content += &text([AREA.x(0.5), AREA.bottom], [0, 38], "middle", "encoder layer");
    let ends = [layers.first(), layers.last()].map(|layer| in_decibels(layer.and_then(|l| l.sqnr_db)));
    let measured = layers.iter().filter_map(|layer| Some((layer.sqnr_db?, layer)));
    let lowest = measured.min_by(|a, b| a.0.total_cmp(&b.0));
    let description = format!(
        "{} after the first layer, {} after the last; the lowest is {} after {}. The table has every value.",
        ends[0],
        ends[1],
        in_decibels(lowest.map(|(db, _)| db)),
        lowest.map_or("–", |(_, layer)| layer.name.as_str())
    );
    format!(
        "<figure class=\"wide\">{}</figure>\n",
        svg("layer-plot", "Signal-to-quantization-noise ratio by layer", &description, AREA.height, &content)
    )
}

/// Returns how far right of and below a dot its number stands, away from the lines to the neighbouring dots.
fn beside(points: &[Option<[f64; 2]>], at: usize) -> [i32; 2] {
    let y = |at: usize| points.get(at).copied().flatten().map(|[_, y]| y);
    let own = y(at).unwrap_or(0.0);
    let left = at.checked_sub(1).and_then(y).unwrap_or(own);
    let right = y(at + 1).unwrap_or(own);
    match (left < own, right < own) {
        // A valley, unless it is at the bottom, where the axis is.
        (true, true) if own + 24.0 < AREA.bottom => [0, 20],
        (true, false) => [14, -8],
        (false, true) => [-14, -8],
        _ => [0, -11],
    }
}

/// Returns a layer's number, or the beginning of its name.
fn label(name: &str) -> String {
    match layer_and_kind(name) {
        (Some(layer), _) => layer.to_string(),
        (None, name) if name.starts_with("embeddings") => "emb.".to_owned(),
        (None, name) => name.chars().take(6).collect(),
    }
}
