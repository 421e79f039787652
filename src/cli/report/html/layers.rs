//! The noise after every encoder layer.

use super::axis::Axis;
use super::escape::escape;
use super::how_to_read;
use super::plot::{Area, dot, labelled, line, svg, text};
use super::table::{Cell, Table};
use crate::cli::report::number::decibels;
use crate::cli::report::part::layer_and_kind;
use bert8::quantize::{LayerReport, Report};

const AREA: Area = Area { left: 9.0, right: 98.0, top: 26.0, bottom: 216.0, height: 260.0 };
/// Labels that have room on a phone.
const ROOM: usize = 13;
/// Up to so many dots have their numbers beside them.
const NUMBERED: usize = 10;

pub fn section(report: &Report) -> String {
    if report.layers.is_empty() {
        return how_to_read("The noise after every layer was not measured.");
    }
    let mut html = how_to_read(
        "Everything before a layer is quantized too, so the line falls where noise adds up; a steep step down names the layer \
         to look into, and the last value is what reaches the decision.",
    );
    html += &plot(&report.layers);
    let rows =
        report.layers.iter().map(|layer| vec![Cell::Text(layer.name.clone()), Cell::Number(decibels(layer.sqnr_db))]);
    html += &Table {
        id: "layer-table",
        caption: "Signal to quantization noise of what every layer hands on",
        columns: &["Value", "SQNR (dB)"],
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
        let tip = format!("{}: {} dB", layer.name, decibels(layer.sqnr_db));
        if let Some(point) = points[at] {
            content += &dot(point, 4.5, "written", &tip);
            if layers.len() <= NUMBERED {
                content += &text(point, [0, beside(&points, at)], "middle", &decibels(layer.sqnr_db));
            }
        }
        if labelled(at, layers.len(), ROOM) {
            content +=
                &text([AREA.middle(at, layers.len()), AREA.bottom], [0, 18], "middle", &escape(&label(&layer.name)));
        }
    }
    content += &text([AREA.x(0.5), AREA.bottom], [0, 38], "middle", "encoder layer");
    let ends = [layers.first(), layers.last()].map(|layer| layer.map_or("–".to_owned(), |l| decibels(l.sqnr_db)));
    let lowest = layers
        .iter()
        .filter(|layer| layer.sqnr_db.is_some())
        .min_by(|a, b| a.sqnr_db.partial_cmp(&b.sqnr_db).unwrap_or(std::cmp::Ordering::Equal));
    let description = format!(
        "{} dB at first, {} dB at the end; the lowest is {} dB after {}. The table has every value.",
        ends[0],
        ends[1],
        decibels(lowest.and_then(|layer| layer.sqnr_db)),
        lowest.map_or("–", |layer| layer.name.as_str())
    );
    format!(
        "<figure class=\"wide\">{}</figure>\n",
        svg("layer-plot", "Signal to quantization noise by layer", &description, AREA.height, &content)
    )
}

/// How far below a dot its number goes: where the line beside it does not pass.
fn beside(points: &[Option<[f64; 2]>], at: usize) -> i32 {
    let near = |at: Option<usize>| at.and_then(|at| *points.get(at)?).map(|[_, y]| y);
    let own = near(Some(at)).unwrap_or(0.0);
    let neighbours: Vec<f64> = [near(at.checked_sub(1)), near(Some(at + 1))].into_iter().flatten().collect();
    let mean = neighbours.iter().sum::<f64>() / neighbours.len().max(1) as f64;
    if own > mean && own + 24.0 < AREA.bottom { 20 } else { -11 }
}

/// A layer's number, or the beginning of what else it is.
fn label(name: &str) -> String {
    match layer_and_kind(name) {
        (Some(layer), _) => layer.to_string(),
        (None, name) if name.starts_with("embeddings") => "emb.".to_owned(),
        (None, name) => name.chars().take(6).collect(),
    }
}
