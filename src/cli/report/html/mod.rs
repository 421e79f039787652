//! A report as one page of HTML: no scripts, no other files.

mod activations;
mod axis;
mod escape;
mod layers;
mod linears;
mod plot;
mod summary;
mod table;
mod weights;

use bert8::quantize::Report;
use escape::escape;

const STYLE: &str = include_str!("style.css");

/// A part of the page: its id, its heading, and what writes it.
type Section = (&'static str, &'static str, fn(&Report) -> String);

const SECTIONS: [Section; 5] = [
    ("summary", "Summary", summary::section),
    ("layers", "Noise after every layer", layers::section),
    ("matmuls", "Noise of every matmul", linears::section),
    ("activations", "Activations", activations::section),
    ("weights", "Weights", weights::section),
];

/// The page of `report`, which was read from a file called `file`.
pub fn page(report: &Report, file: &str) -> String {
    let file = escape(file);
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
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Quantization report: {file}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>Quantization report</h1>\n\
         <p class=\"muted\">What bert8 quantize wrote to {file}. Signal to quantization noise (SQNR) is in decibels, and more is \
         better: at 20 dB the noise is a tenth of the signal, at 40 dB a hundredth; one bit is worth 6 dB.</p>\n\
         <nav aria-label=\"Sections\"><ul>\n{links}</ul></nav>\n</header>\n<main>\n{sections}</main>\n</body>\n</html>\n"
    )
}

/// A paragraph that says how to read what follows.
fn how_to_read(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}
