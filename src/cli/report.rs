//! `bert8 report`

use super::load;
use super::output::Output;
use anyhow::{Context, Result, anyhow};
use bert8::quantize::Report;
use bert8::report::{page, printable, summary};
use clap::Args as ClapArgs;
use serde_json::error::Category;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Explain what quantization did: a summary on standard output, or a page with plots
///
/// Shows the JSON file that bert8 quantize --report wrote. Without --html, prints a summary. With
/// --html, writes plots and tables of everything to one HTML file that needs no other files.
///
/// The summary and the page begin with a verdict, its reasons, and what to do next.
///
/// Most numbers are the signal-to-quantization-noise ratio (SQNR) in decibels; more is better. At
/// 20 dB the noise is a tenth of the signal, at 40 dB a hundredth; one bit is worth 6 dB. Look for
///
///   a layer after which the noise jumps, then the matmul in it with the fewest decibels;
///   an activation whose values crowd a small part of its range, or with many clipped values;
///   a weight tensor far below the others.
///
/// bert8 quantize --ignore PATTERN keeps such parts in FP32. With --sensitivity, bert8 quantize
/// measures what every part does to the logits, and the report orders the parts by it. With
/// --max-drop, bert8 quantize finds the parts itself.
///
///   bert8 quantize my-model --calibration pairs.tsv -o int8.onnx --report report.json --sensitivity
///   bert8 report report.json --html report.html
#[derive(Debug, ClapArgs)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The JSON file that bert8 quantize --report wrote
    report: PathBuf,

    /// Write a page with plots and tables: one file without scripts, for light and dark screens
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    let Some(path) = &args.html else {
        let text = summary(&read(&args.report)?) + "\nFor plots and all numbers: bert8 report --html FILE\n";
        return std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output");
    };
    let output = Output::new(path, &[&args.report])?;
    let name = args.report.file_name().unwrap_or_default().to_string_lossy();
    let page = page(&read(&args.report)?, &name);
    output.write(page.as_bytes())?;
    eprintln!("wrote {} ({:.0} kB)", path.display(), page.len() as f64 / 1e3);
    Ok(())
}

fn read(path: &Path) -> Result<Report> {
    serde_json::from_slice(&load::read(path)?).map_err(|error| {
        let (problem, advice) = match error.classify() {
            Category::Eof => ("is cut off", "write it again with bert8 quantize --report"),
            Category::Data => ("is not a report of this version", "write it again with bert8 quantize --report"),
            Category::Syntax | Category::Io => ("is not JSON", "name the file that bert8 quantize --report wrote"),
        };
        anyhow!("{}: {problem}: {}; {advice}", path.display(), printable(&error.to_string()))
    })
}
