//! The noise that every matmul adds, and the effect of each method against it.

use super::axis::Axis;
use super::escape::escape;
use super::how_to_read;
use super::plot::{Area, dot, labelled, line, svg, text};
use super::table::{Cell, Table};
use crate::quantize::{LinearReport, LinearSqnr, Report};
use crate::report::facts::{correction_gain, method_gain, spread, worst_linears};
use crate::report::number::{decibels, fixed, in_decibels, signed, significant};
use crate::report::part::{Kind, by_kind, in_words};
use std::collections::HashMap;

const AREA: Area = Area { left: 12.0, right: 98.0, top: 10.0, bottom: 150.0, height: 174.0 };
/// How many labels fit below one plot.
const ROOM: usize = 12;
/// The largest number of dots with room for words between them.
const FEW: usize = 7;

pub fn section(report: &Report) -> String {
    if report.linears.is_empty() {
        return how_to_read("The report has no matmuls.");
    }
    let mut html = how_to_read(
        "SQNR of every matmul alone, on calibration tokens. A line leads from the hollow dot (plain rounding) up to the full dot \
         (as written): the longer it is, the more shift, smoothing, rounding and correction gained. The lowest full dots are \
         the noisiest matmuls.",
    );
    html += &gains(&report.linears);
    html += &worst(&report.linears);
    html += LEGEND;
    let measures = report.linears.iter().filter_map(|linear| linear.measure.as_ref());
    let axis = Axis::around(measures.flat_map(|m| [m.output_db, m.uncorrected_db, m.plain_db].into_iter().flatten()));
    let kinds = by_kind(&report.linears, |linear| &linear.name);
    let plots = kinds.iter().enumerate().map(|(at, kind)| plot(at, kind, &axis));
    html += &format!("<div class=\"grid plots\">\n{}</div>\n", plots.collect::<String>());
    html += &table(report);
    html
}

const LEGEND: &str = "<ul class=\"legend\" aria-label=\"Legend\">\n\
    <li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><circle class=\"plain\" cx=\"8\" cy=\"8\" r=\"4\"/></svg> plain: \
    no shift, smoothing or correction, rounded to the nearest</li>\n\
    <li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><rect class=\"before\" x=\"1\" y=\"7\" width=\"14\" height=\"2\"/></svg> \
    before bias correction</li>\n\
    <li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><circle class=\"written\" cx=\"8\" cy=\"8\" r=\"4.5\"/></svg> as \
    written</li>\n\
    <li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><circle class=\"unused\" cx=\"8\" cy=\"8\" r=\"4.5\"/></svg> kept in \
    FP32: the value for INT8</li>\n</ul>\n";

/// Summarizes the effect of the methods over all matmuls.
fn gains(linears: &[LinearReport]) -> String {
    let measures = || linears.iter().filter_map(|linear| linear.measure.as_ref());
    let sentence = |what: &str, spread: Option<(f64, f64, f64)>| {
        let (low, middle, high) = spread?;
        Some(format!(
            "{what} changed the SQNR by {} dB in the median ({} to {}).",
            signed(middle),
            signed(low),
            signed(high)
        ))
    };
    let sentences = [
        sentence("Shift, smoothing and rounding", spread(measures().filter_map(method_gain))),
        sentence("Bias correction", spread(measures().filter_map(correction_gain))),
    ];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    if sentences.is_empty() { String::new() } else { format!("<p>{}</p>\n", sentences.join(" ")) }
}

/// Lists the worst matmuls by name.
fn worst(linears: &[LinearReport]) -> String {
    let worst = worst_linears(linears);
    if worst.is_empty() {
        return String::new();
    }
    let items = worst
        .iter()
        .map(|(linear, _, db)| format!("<li><code>{}</code>: {} dB</li>\n", escape(&linear.name), fixed(*db, 1)));
    format!("<h3>The noisiest</h3>\n<ol>\n{}</ol>\n<h3>By kind and layer</h3>\n", items.collect::<String>())
}

fn plot(number: usize, kind: &Kind<LinearReport>, axis: &Axis) -> String {
    let mut content = AREA.grid(axis);
    let count = kind.items.len();
    // Half the width of a dash; it is smaller if there are many dots.
    let half = if count <= ROOM { 9 } else { 5 };
    for (at, &(layer, _, linear)) in kind.items.iter().enumerate() {
        let x = AREA.middle(at, count);
        let place = layer.map_or("–".to_owned(), |layer| layer.to_string());
        if labelled(at, count, ROOM) {
            content += &text([x, AREA.bottom], [0, 17], "middle", &place);
        }
        let Some(measure) = &linear.measure else {
            content += &text([x, AREA.bottom], [0, -6], "middle", if count <= FEW { "FP32" } else { "–" });
            continue;
        };
        let y = |db: Option<f64>| db.map(|db| AREA.y(axis.place(db)));
        let tip = |what: &str, db: Option<f64>| format!("layer {place}, {what}: {}", in_decibels(db));
        let (plain, before, output) = (y(measure.plain_db), y(measure.uncorrected_db), y(measure.output_db));
        if let (Some(plain), Some(output)) = (plain, output) {
            content += &line([x, x], [plain, output], "change");
        }
        if let Some(plain) = plain {
            content += &dot([x, plain], 4.0, "plain", &tip("plain", measure.plain_db));
        }
        if let Some(before) = before {
            content += &format!(
                "<rect class=\"before\" x=\"{x:.2}%\" y=\"{:.1}\" width=\"{}\" height=\"2\" transform=\"translate(-{half} 0)\"/>",
                before - 1.0,
                2 * half
            );
        }
        if let Some(output) = output {
            let (class, what) =
                if linear.int8 { ("written", "as written") } else { ("unused", "kept in FP32, the value for INT8") };
            content += &dot([x, output], 4.5, class, &tip(what, measure.output_db));
        }
    }
    let range = spread(kind.items.iter().filter_map(|(.., linear)| linear.measure.as_ref()?.output_db));
    let description = match range {
        Some((low, middle, high)) => format!(
            "By layer, as written: worst {} dB, median {}, best {}. The table has every value.",
            fixed(low, 1),
            fixed(middle, 1),
            fixed(high, 1)
        ),
        None => "No values.".to_owned(),
    };
    let title = format!("{}: signal-to-quantization-noise ratio by layer", kind.title);
    let id = format!("matmul-plot-{number}");
    format!(
        "<figure><figcaption>{} <span class=\"muted\">dB by layer</span></figcaption>{}</figure>\n",
        escape(kind.title),
        svg(&id, &title, &description, AREA.height, &content)
    )
}

fn table(report: &Report) -> String {
    let inputs: HashMap<&str, usize> =
        report.activations.iter().enumerate().map(|(at, activation)| (activation.name.as_str(), at)).collect();
    let rows = report.linears.iter().map(|linear| {
        let of =
            |number: fn(&LinearSqnr) -> String| Cell::Number(linear.measure.as_ref().map_or("–".to_owned(), number));
        vec![
            Cell::Text(linear.name.clone()),
            Cell::Text(if linear.int8 { "INT8" } else { "FP32" }.to_owned()),
            of(|m| decibels(m.output_db)),
            of(|m| decibels(m.uncorrected_db)),
            of(|m| decibels(m.plain_db)),
            of(|m| method_gain(m).map_or("–".to_owned(), signed)),
            of(|m| correction_gain(m).map_or("–".to_owned(), signed)),
            of(|m| significant(m.correction)),
            Cell::Html(match inputs.get(linear.input.as_str()) {
                Some(at) => format!("<a href=\"#activation-{at}\">{}</a>", escape(&in_words(&linear.input))),
                None => escape(&in_words(&linear.input)),
            }),
        ]
    });
    Table {
        id: "matmul-table",
        caption: "Signal-to-quantization-noise ratio of every matmul's outputs, in dB, and what changed it",
        columns: &[
            "Matmul",
            "Stored in",
            "As written",
            "Before correction",
            "Plain",
            "Shift, smoothing, rounding",
            "Correction",
            "RMS of correction",
            "Input",
        ],
        rows: rows.collect(),
    }
    .html()
}
