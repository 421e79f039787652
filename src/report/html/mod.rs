//! A report as one HTML page without scripts and other files.

mod activations;
mod axis;
mod conclusion;
mod escape;
mod formulas;
mod layers;
mod linears;
mod origin;
mod outliers;
mod parts;
mod plot;
mod table;
mod texts;
mod weights;

use crate::quantize::Report;
use escape::escape;

const STYLE: &str = include_str!("style.css");

/// A section of the page: its id, its heading, and the function that writes it.
type Section = (&'static str, &'static str, fn(&Report) -> String);

const SECTIONS: [Section; 9] = [
    ("conclusion", "Conclusion", conclusion::section),
    ("parts", "Damage and size of every part", parts::section),
    ("texts", "Flips and margins", texts::section),
    ("layers", "Noise after every layer", layers::section),
    ("matmuls", "Noise of every matmul", linears::section),
    ("activations", "Activations", activations::section),
    ("weights", "Weights", weights::section),
    ("origin", "How it was made", origin::section),
    ("formulas", "How the numbers are computed", |_| formulas::section()),
];

/// Returns `report` as one HTML document, without scripts or other files. `file_name` names the report on the page. Text from
/// the report, which may be hostile, is escaped, and the document's content security policy allows nothing but its own styles.
pub fn page(report: &Report, file_name: &str) -> String {
    let file = escape(file_name);
    let (title, made) = match &report.provenance {
        Some(from) => (
            format!("Quantization report: {}", escape(&from.model)),
            format!(
                ", bert8 {}, preset {}, <time datetime=\"{date}\">{date}</time>",
                escape(&from.version),
                escape(&from.preset),
                date = escape(&from.date)
            ),
        ),
        None => (format!("Quantization report: {file}"), String::new()),
    };
    let links: String =
        SECTIONS.iter().map(|(id, title, _)| format!("<li><a href=\"#{id}\">{title}</a></li>\n")).collect();
    let sections: String = SECTIONS
        .iter()
        .map(|(id, title, content)| {
            format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n{}</section>\n", content(report))
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <p class=\"muted\">The contents of {file}, written by bert8 quantize{made}. Headings of columns lead to their \
         <a href=\"#formulas\">formulas</a>.</p>\n\
         <nav aria-label=\"Sections\"><ul>\n{links}</ul></nav>\n</header>\n<main>\n{sections}</main>\n</body>\n</html>\n"
    )
}

/// Returns a paragraph that explains how to read a section.
fn how_to_read(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}
