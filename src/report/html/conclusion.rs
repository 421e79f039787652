//! The conclusion: what an engineer decides with, and a line to copy.

use super::escape::escape;
use crate::quantize::Report;
use crate::report::conclusion::{Conclusion, Verdict, conclusion};
use crate::report::number::{bytes, count, in_decibels, percent};

pub fn section(report: &Report) -> String {
    let Conclusion { verdict, headline, reasons, line, next: (why, command) } = conclusion(report);
    let class = match verdict {
        Verdict::Good => "good",
        Verdict::Doubtful | Verdict::Unknown => "doubtful",
        Verdict::Bad => "bad",
    };
    let reasons = reasons.iter().map(|reason| format!("<li>{}</li>\n", escape(reason)));
    format!(
        "<p class=\"verdict {class}\"><strong>{headline}</strong></p>\n{}<ul class=\"reasons\">\n{}</ul>\n\
         <h3>In one line</h3>\n{}<h3>What next</h3>\n<p>{}</p>\n{}",
        tiles(report),
        reasons.collect::<String>(),
        copyable("The file in one line", &line),
        escape(&why),
        copyable("The next command", &command)
    )
}

/// Returns a box with one line of text. A click selects all of it.
fn copyable(name: &str, text: &str) -> String {
    format!(
        "<pre class=\"copy\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><code>{}</code></pre>\n",
        escape(name),
        escape(text)
    )
}

/// The most important numbers.
fn tiles(report: &Report) -> String {
    let mut tiles = Vec::new();
    if let Some(check) = &report.check {
        tiles.push((in_decibels(check.difference.sqnr_db), "sqnr", "SQNR of the logits"));
        tiles.extend(check.difference.agreement.map(|share| (percent(share), "agreement", "agreement with FP32")));
    }
    tiles.push((bytes(report.sizes.int8_bytes), "size", "in the file"));
    tiles.push((percent(report.sizes.ratio), "size", "of FP32's size"));
    let int8 = report.linears.iter().filter(|linear| linear.int8).count();
    tiles.push((format!("{} of {}", count(int8), count(report.linears.len())), "matmul", "matmuls in INT8"));
    let tile = |(number, formula, what): (String, &str, &str)| {
        format!("<li><strong>{}</strong> <a href=\"#formula-{formula}\">{what}</a></li>\n", escape(&number))
    };
    format!("<ul class=\"tiles\">\n{}</ul>\n", tiles.into_iter().map(tile).collect::<String>())
}
