//! Histograms of activations, and a table of how each is quantized.

use super::escape::escape;
use super::how_to_read;
use super::outliers;
use super::plot::{Area, line, svg, text};
use super::table::{Cell, Table};
use crate::quantize::{ActivationReport, Report};
use crate::report::number::{fixed, percent, significant};
use crate::report::part::{Kind, by_kind};

const AREA: Area = Area { left: 19.0, right: 97.0, top: 6.0, bottom: 86.0, height: 106.0 };
/// The share of the width left free on either side, so that lines at the ends are visible.
const MARGIN: f64 = 0.04;

pub fn section(report: &Report) -> String {
    if report.activations.is_empty() {
        return how_to_read("No activation is quantized.");
    }
    let mut html = how_to_read(
        "Values after shift and division, counted on a logarithmic scale. The 8 bits span the range between the two vertical \
         lines. Values outside, in the second colour, are clipped. A narrow peak in a wide range wastes integers.",
    );
    for kind in by_kind(&report.activations, |activation| &activation.name) {
        let counts = kind.items.iter().flat_map(|(.., activation)| &activation.histogram.counts);
        let scale = Counts::up_to(counts.copied().max().unwrap_or(0));
        let plots = kind.items.iter().map(|&(layer, at, activation)| figure(&kind, layer, at, activation, &scale));
        let name = if kind.title == kind.name { String::new() } else { format!(" <code>{}</code>", escape(kind.name)) };
        html += &format!(
            "<h3>{}{name}</h3>\n<div class=\"grid small\">\n{}</div>\n",
            escape(kind.title),
            plots.collect::<String>()
        );
    }
    html += &outliers::table(&report.activations);
    html += &table(&report.activations);
    html
}

fn figure(
    kind: &Kind<ActivationReport>,
    layer: Option<u32>,
    at: usize,
    activation: &ActivationReport,
    scale: &Counts,
) -> String {
    let place = layer.map_or(kind.title.to_owned(), |layer| format!("Layer {layer}"));
    let mut notes = Vec::new();
    notes.extend(activation.alpha.map(|alpha| format!("α {}", fixed(alpha.into(), 2))));
    notes.extend(activation.shifted.then(|| "shifted".to_owned()));
    let title = format!("{}, {place}: histogram", kind.title);
    let id = format!("activation-plot-{at}");
    format!(
        "<figure id=\"activation-{at}\"><figcaption>{} <span class=\"muted\">{} clipped</span> <span class=\"muted\">{}</span>\
         </figcaption>{}</figure>\n",
        escape(&place),
        escape(&percent(activation.clipped)),
        escape(&notes.join(", ")),
        svg(&id, &title, &description(activation), AREA.height, &histogram(activation, scale))
    )
}

fn description(activation: &ActivationReport) -> String {
    format!(
        "Values from {} to {}; the 8 bits span {} to {}. The table has every number.",
        significant(activation.histogram.min.into()),
        significant(activation.histogram.max.into()),
        significant(activation.range.0.into()),
        significant(activation.range.1.into())
    )
}

fn histogram(activation: &ActivationReport, scale: &Counts) -> String {
    let histogram = &activation.histogram;
    let (first, last) = (f64::from(histogram.min), f64::from(histogram.max));
    let limits = [activation.range.0, activation.range.1].map(f64::from);
    let (low, high) = (first.min(limits[0]), last.max(limits[1]));
    if histogram.counts.iter().all(|&count| count == 0) || !(high - low).is_finite() || first > last || low >= high {
        return text([50.0, AREA.y(0.5)], [0, 0], "middle", "nothing to draw");
    }
    let share = |value: f64| MARGIN + (1.0 - 2.0 * MARGIN) * ((value - low) / (high - low)).clamp(0.0, 1.0);
    let mut content: String =
        scale.ticks().map(|(count, label)| AREA.grid_line(AREA.y(scale.share(count)), &label)).collect();
    content += &format!(
        "<svg x=\"{:.2}%\" y=\"{}\" width=\"{:.2}%\" height=\"{}\" viewBox=\"0 0 1000 1000\" \
         preserveAspectRatio=\"none\">",
        AREA.left,
        AREA.top,
        AREA.right - AREA.left,
        AREA.bottom - AREA.top,
    );
    let width = (last - first) / histogram.counts.len() as f64;
    for (class, clipped) in [("bars", false), ("clipped", true)] {
        content += &format!("<path class=\"{class}\" d=\"");
        for (at, &count) in histogram.counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let from = first + at as f64 * width;
            let middle = from + width / 2.0;
            if clipped == (middle < limits[0] || middle > limits[1]) {
                let [left, right] = [from, from + width].map(|x| share(x) * 1000.0);
                let top = 1000.0 - scale.share(f64::from(count)) * 1000.0;
                content += &format!("M{left:.1} 1000V{top:.0}H{right:.1}V1000Z");
            }
        }
        content += "\"/>";
    }
    content += "</svg>";
    content += &line([AREA.left, AREA.right], [AREA.bottom; 2], "base");
    for limit in limits {
        let x = AREA.x(share(limit));
        content += &line([x, x], [AREA.top, AREA.bottom + 3.0], "limit");
        content += &text([x, AREA.bottom], [0, 15], "middle", &significant(limit));
    }
    let [left, zero, right] = [limits[0], 0.0, limits[1]].map(share);
    if zero - left > 0.3 && right - zero > 0.3 {
        content += &text([AREA.x(zero), AREA.bottom], [0, 15], "middle", "0");
    }
    content
}

/// A logarithmic axis of counts. It starts at 0.5 so that a count of 1 is visible.
struct Counts {
    top: f64,
}

impl Counts {
    fn up_to(highest: u32) -> Self {
        Counts { top: f64::from(highest).max(10.0) }
    }

    /// Returns the height of a count, from 0 to 1.
    fn share(&self, count: f64) -> f64 {
        libm::log10(count / 0.5) / libm::log10(self.top / 0.5)
    }

    /// Returns powers of ten with their labels; every other one if there are many.
    fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let powers = libm::log10(self.top).floor() as i32;
        (0..=powers).step_by(if powers > 3 { 2 } else { 1 }).map(|power| {
            let label = match power {
                0..3 => format!("{}", 10u32.pow(power as u32)),
                3..6 => format!("{}k", 10u32.pow(power as u32 - 3)),
                _ => format!("{}M", 10u32.pow(power as u32 - 6)),
            };
            (10f64.powi(power), label)
        })
    }
}

fn table(activations: &[ActivationReport]) -> String {
    let rows = activations.iter().map(|activation| {
        let span = |(low, high): (f32, f32)| {
            Cell::Number(format!("{} to {}", significant(low.into()), significant(high.into())))
        };
        vec![
            Cell::Text(activation.name.clone()),
            span((activation.min, activation.max)),
            Cell::Text(if activation.shifted { "yes" } else { "no" }.to_owned()),
            Cell::Number(activation.alpha.map_or("–".to_owned(), |alpha| fixed(alpha.into(), 2))),
            span(activation.divisors),
            span(activation.range),
            Cell::Number(percent(activation.clipped)),
            Cell::Number(significant(activation.params.scale.into())),
            Cell::Number(activation.params.zero_point.to_string()),
        ]
    });
    Table {
        id: "activation-table",
        caption: "How every activation is quantized",
        columns: &[
            "Activation",
            "Observed range",
            "Shifted",
            "α",
            "Divisors",
            "Range of the 8 bits",
            "Clipped",
            "Scale",
            "Zero point",
        ],
        rows: rows.collect(),
    }
    .html()
}
