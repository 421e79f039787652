//! How clearly INT8 and FP32 decide, text by text.

use super::axis::Axis;
use super::how_to_read;
use super::plot::{Area, dot, line, svg, text};
use super::table::{Cell, Table};
use crate::quantize::{Report, TextMargins};
use crate::report::conclusion::at_risk;
use crate::report::facts::spread;
use crate::report::number::{count, counted, fixed, signed, significant};

const AREA: Area = Area { left: 9.0, right: 97.0, top: 26.0, bottom: 246.0, height: 290.0 };
/// How many texts the table has.
const SHOWN: usize = 10;

pub fn section(report: &Report) -> String {
    let Some(check) = &report.check else {
        return how_to_read("INT8 was not compared with FP32.");
    };
    let Some((change, at_risk)) = at_risk(&check.margins) else {
        return how_to_read("The model decides nothing, so no text can flip; or the report has no margins.");
    };
    let margins = || check.margins.iter();
    let flips = margins().filter(|text| text.flipped).count();
    let (_, middle, _) = spread(margins().map(|text| text.fp32)).unwrap_or_default();
    let mut html = how_to_read(&format!(
        "Every dot is a text: how clearly FP32 decides (to the right), and what INT8 leaves of that (upwards). On the diagonal, \
         INT8 changes nothing; below zero, it decides otherwise. {} of {} flip. The median margin in FP32 is {}, the largest \
         change {}, which exceeds FP32's margin on {}.",
        count(flips),
        counted(check.margins.len(), "text"),
        significant(middle),
        significant(change),
        counted(at_risk, "text")
    ));
    html += &plot(&check.margins);
    let mut closest: Vec<&TextMargins> = margins().collect();
    closest.sort_by(|a, b| a.int8.total_cmp(&b.int8));
    let rows = closest.into_iter().take(SHOWN).map(|text| {
        vec![
            Cell::Text(place(text)),
            Cell::Number(significant(text.fp32)),
            Cell::Number(significant(text.int8)),
            Cell::Number(signed(text.int8 - text.fp32)),
            Cell::Text(if text.flipped { "yes" } else { "no" }.to_owned()),
        ]
    });
    let file = report.provenance.as_ref().map_or("the calibration texts", |from| &from.calibration.name);
    html += &Table {
        id: "text-table",
        caption: &format!("The texts with the smallest margins in INT8, by their line in {file}"),
        columns: &["Text", "Margin in FP32", "Margin in INT8", "Change", "Flips"],
        rows: rows.collect(),
    }
    .html();
    html
}

fn place(text: &TextMargins) -> String {
    text.line.map_or("–".to_owned(), |line| format!("line {line}"))
}

fn plot(margins: &[TextMargins]) -> String {
    let fp32 = Axis::around(margins.iter().map(|text| text.fp32).chain([0.0]));
    let int8 = Axis::around(margins.iter().map(|text| text.int8).chain([0.0]));
    let at = |x: f64, y: f64| [AREA.x(fp32.place(x)), AREA.y(int8.place(y))];
    let mut content = AREA.grid(&int8) + &text([AREA.left, 10.0], [-30, 2], "start", "margin in INT8");
    for &tick in &fp32.ticks {
        content += &text(at(tick, int8.low), [0, 18], "middle", &fixed(tick, fp32.decimals));
    }
    let (low, high) = (fp32.low.max(int8.low), fp32.high.min(int8.high));
    if low < high {
        let ends = [at(low, low), at(high, high)];
        content += &line([ends[0][0], ends[1][0]], [ends[0][1], ends[1][1]], "base");
    }
    let zero = at(0.0, 0.0)[1];
    content += &line([AREA.left, AREA.right], [zero; 2], "limit");
    for text in margins {
        let tip = format!("{}: {} in FP32, {} in INT8", place(text), significant(text.fp32), significant(text.int8));
        content += &dot(at(text.fp32, text.int8), 4.0, if text.flipped { "flipped" } else { "written" }, &tip);
    }
    content += &text([AREA.x(0.5), AREA.bottom], [0, 38], "middle", "margin in FP32");
    let flips = margins.iter().filter(|text| text.flipped).count();
    let description = format!(
        "{}, {} below zero. The table has those closest to zero.",
        counted(margins.len(), "text"),
        count(flips)
    );
    format!(
        "<figure class=\"wide\">{}</figure>\n",
        svg("text-plot", "Margins of all texts in FP32 and in INT8", &description, AREA.height, &content)
    )
}
