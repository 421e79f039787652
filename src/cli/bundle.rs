//! `bert8 bundle`

use super::load;
use super::output::{Output, megabytes};
use anyhow::{Context, Result, anyhow, bail};
use bert8::base64;
use bert8::text::dataset::{BadRows, Dataset, Example};
use bert8::{Classifier, Precision};
use clap::Args as ClapArgs;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Write one HTML file that runs a model without a server
///
/// The file holds a page for one model, the model, its tokenizer and the WebAssembly that runs it.
/// It opens from a disk in Chromium, Firefox and Safari, without a server and without a network, and
/// its security policy forbids every request. It answers one text or pair at a time, with the same
/// INT8 logits as every other build.
///
/// SITE is the folder dist that ./build.sh makes. The model is the first in its list, another one of
/// the list, or your own:
///
///   bert8 bundle dist -o paraphrases.html
///   bert8 bundle dist --model prompt-injection -o injections.html
///   bert8 bundle dist --onnx int8.onnx --tokenizer tokenizer.json --title "My model" -o page.html
#[derive(Debug, ClapArgs)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The built site, whose page and WebAssembly are taken
    site: PathBuf,

    /// The HTML file to write
    #[arg(short, long, value_name = "PAGE.html")]
    output: PathBuf,

    /// The id of a model in the site's models/models.json [default: the first]
    #[arg(long, value_name = "ID")]
    model: Option<String>,

    /// The ONNX file of another model
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    onnx: Option<PathBuf>,

    /// The tokenizer.json of --onnx, if it is not beside it
    #[arg(long, value_name = "FILE", requires = "onnx")]
    tokenizer: Option<PathBuf>,

    /// The title of the page [default: the model's name]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

/// The page without the files, which the site has.
const TEMPLATE: &str = "bundle/page.template";
/// What the files replace in the page.
const PLACE: &str = "<!-- bert8: contents -->";
/// The WebAssembly build that runs in every browser, compressed to a quarter; browsers unpack it.
const PROGRAM: &str = "pkg/simd128/bert8_bg.wasm.gz";
/// The site's list of models.
const LIST: &str = "models/models.json";
/// The largest model. In base64 and as two-byte characters, it must fit into the longest text that browsers allow.
const MOST_BYTES: usize = 256 << 20;
/// How many examples the page offers.
const EXAMPLES: usize = 12;

/// A model of the site's list. Paths are relative to the site.
#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    name: String,
    int8: PathBuf,
    tokenizer: PathBuf,
    #[serde(default)]
    description: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    limits: String,
    examples: Option<PathBuf>,
}

/// What the page says about its model, as www/site/bundle/contents.js reads it.
#[derive(Debug, Default, Serialize)]
struct About {
    title: String,
    description: String,
    language: String,
    limits: String,
    version: &'static str,
    examples: Vec<Vec<String>>,
}

/// The files of a model, and what the page says about it.
struct Model {
    onnx: PathBuf,
    tokenizer: PathBuf,
    about: About,
}

pub fn run(args: &Args) -> Result<()> {
    let [template_path, program_path] = [TEMPLATE, PROGRAM].map(|name| args.site.join(name));
    for name in [TEMPLATE, PROGRAM] {
        if !args.site.join(name).is_file() {
            bail!("{} is not a site of this version: it has no {name}; make one with ./build.sh", args.site.display());
        }
    }
    let model = match &args.onnx {
        Some(onnx) => own(onnx, args.tokenizer.as_deref())?,
        None => listed(&args.site, args.model.as_deref())?,
    };
    let output = Output::new(&args.output, &[&template_path, &program_path, &model.onnx, &model.tokenizer])?;
    let template = String::from_utf8(load::read(&template_path)?)
        .with_context(|| format!("{} is not UTF-8", template_path.display()))?;
    let parts: Vec<&str> = template.split(PLACE).collect();
    let [start, end] = parts[..] else {
        bail!(
            "{} has {} places for files instead of one; make the site again",
            template_path.display(),
            parts.len() - 1
        );
    };
    let program = load::read(&program_path)?;
    let [onnx, tokenizer] = [load::read(&model.onnx)?, load::read(&model.tokenizer)?];
    check(&model, &onnx, &tokenizer)?;

    let title = args.title.clone().unwrap_or(model.about.title);
    let about = serde_json::to_string(&About { title, ..model.about })?.replace('<', r"\u003c");
    let mut page = start.to_owned();
    page += &element("about", "application/json", &about);
    for (name, bytes) in [("program", &program), ("model", &onnx), ("tokenizer", &tokenizer)] {
        page += &element(name, "application/octet-stream;base64", &base64::encode(bytes));
    }
    page += end;
    output.write(page.as_bytes())?;
    eprintln!(
        "wrote {} ({}: model {}, WebAssembly {}, tokenizer {}, in base64); open it in a browser",
        args.output.display(),
        megabytes(page.len()),
        megabytes(onnx.len()),
        megabytes(program.len()),
        megabytes(tokenizer.len())
    );
    Ok(())
}

/// Returns a script element that holds data and does not run.
fn element(name: &str, kind: &str, text: &str) -> String {
    format!("<script type=\"{kind}\" id=\"bert8-{name}\">{text}</script>\n")
}

/// Refuses files that are too large or do not load together.
fn check(model: &Model, onnx: &[u8], tokenizer: &[u8]) -> Result<()> {
    if onnx.len() > MOST_BYTES {
        bail!(
            "{} has {}; a page in one file takes models of up to {}, so quantize it, or serve the site: bert8 serve",
            model.onnx.display(),
            megabytes(onnx.len()),
            megabytes(MOST_BYTES)
        );
    }
    let classifier = Classifier::builder()
        .model_bytes(onnx.to_vec())
        .model_name(model.onnx.display().to_string())
        .tokenizer_bytes(tokenizer.to_vec())
        .tokenizer_name(model.tokenizer.display().to_string())
        .build()?;
    if classifier.model().info().precision != Precision::Int8 {
        eprintln!("note: {} is not INT8; bert8 quantize makes it smaller and faster", model.onnx.display());
    }
    Ok(())
}

/// Returns the visitor's own model.
fn own(onnx: &Path, tokenizer: Option<&Path>) -> Result<Model> {
    let tokenizer = load::existing_tokenizer(onnx, tokenizer)?;
    if tokenizer.extension().is_some_and(|extension| extension == "txt") {
        bail!(
            "a browser needs a tokenizer.json in place of {0}: bert8 tokenizer {0} -o tokenizer.json",
            tokenizer.display()
        );
    }
    let title = onnx.file_name().unwrap_or(onnx.as_os_str()).to_string_lossy().into_owned();
    let about = About { title, version: env!("CARGO_PKG_VERSION"), ..About::default() };
    Ok(Model { onnx: onnx.to_owned(), tokenizer, about })
}

/// Returns the model `id` of the site's list, or the first.
fn listed(site: &Path, id: Option<&str>) -> Result<Model> {
    let path = site.join(LIST);
    let all: Vec<Listed> = serde_json::from_slice(&load::read(&path)?)
        .map_err(|error| anyhow!("{} is not a list of models: {error}; name a model with --onnx", path.display()))?;
    let ids = || all.iter().map(|found| found.id.as_str()).collect::<Vec<_>>().join(", ");
    let found = match id {
        Some(id) => all.iter().find(|found| found.id == id),
        None => all.first(),
    };
    let Some(found) = found else {
        bail!("{} has no model {:?}; it has {}", path.display(), id.unwrap_or_default(), ids());
    };
    let about = About {
        title: found.name.clone(),
        description: found.description.clone(),
        language: found.language.clone(),
        limits: found.limits.clone(),
        version: env!("CARGO_PKG_VERSION"),
        examples: found.examples.as_ref().map(|file| examples(&site.join(file))).transpose()?.unwrap_or_default(),
    };
    Ok(Model { onnx: site.join(&found.int8), tokenizer: site.join(&found.tokenizer), about })
}

/// Returns the first texts or pairs of a file.
fn examples(path: &Path) -> Result<Vec<Vec<String>>> {
    let data = Dataset::read(path, BadRows::Refuse)?;
    let texts = |example: &Example| [Some(example.first.clone()), example.second.clone()];
    Ok(data.examples.iter().take(EXAMPLES).map(|example| texts(example).into_iter().flatten().collect()).collect())
}
