//! `bert8 rerank`

use super::classifier::ClassifierArgs;
use super::output::print_json;
use anyhow::{Context, Result, bail};
use bert8::model::RankedText;
use clap::Args as ClapArgs;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Sort texts by how well they match a query
///
/// Scores the pair of the query and each text with a model that has one output, such as a cross-encoder, and prints the
/// texts from the highest score to the lowest.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    classifier: ClassifierArgs,

    /// The query, the first text of every pair
    query: String,

    /// The texts to sort
    #[arg(value_name = "TEXT")]
    given: Vec<String>,

    /// A UTF-8 file with one text a line, in place of TEXT; empty lines are skipped
    #[arg(long, value_name = "FILE", conflicts_with = "given")]
    texts: Option<PathBuf>,

    /// Print only the best texts, at most this many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    top: Option<u32>,

    /// Print one JSON array of texts with their index, score, logit and timing
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    text: &'a str,
    #[serde(flatten)]
    ranked: RankedText,
}

pub fn run(args: &Args) -> Result<()> {
    let texts = match &args.texts {
        Some(path) => read_lines(path)?,
        None => args.given.clone(),
    };
    if texts.is_empty() {
        bail!("there is no text to sort; give one or more TEXT arguments, or a file with --texts");
    }
    let ranked = args.classifier.load()?.rerank(&args.query, &texts)?;
    let cut = ranked.iter().filter(|ranked| ranked.truncated).count();
    if cut > 0 {
        eprintln!("note: {cut} of {} inputs were cut", ranked.len());
    }
    let top = args.top.map_or(usize::MAX, |top| top as usize);
    let best = ranked.into_iter().take(top).map(|ranked| Line { text: &texts[ranked.index], ranked });
    if args.json {
        return print_json(&best.collect::<Vec<_>>());
    }
    for Line { text, ranked } in best {
        say!("{:.4}  {text}", ranked.score);
    }
    Ok(())
}

/// Returns the lines of the file at `path` that are not blank.
fn read_lines(path: &Path) -> Result<Vec<String>> {
    let bytes = super::load::read(path)?;
    let text = String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8 text", path.display()))?;
    let lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    if lines.is_empty() {
        bail!("{} holds no texts", path.display());
    }
    Ok(lines)
}
