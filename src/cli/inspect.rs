//! `bert8 inspect`

use super::load;
use super::output::{megabytes, print_json};
use super::source;
use anyhow::Result;
use bert8::bert::BertConfig;
use bert8::model::{Accuracy, Model};
use bert8::ops::Fused;
use bert8::task::{Problem, Texts};
use bert8::{ModelInfo, Precision, onnx};
use clap::Args as ClapArgs;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Show what a model file or folder contains, and how bert8 would run it
///
/// For a Hugging Face folder: the architecture and the number of parameters. For an ONNX file: precision, sizes, labels,
/// operators, and fused layers.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A Hugging Face folder, an ONNX file that bert8 can run, or a folder with one (model.onnx or onnx/model.onnx)
    model: PathBuf,

    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Folder {
    config: BertConfig,
    parameters: usize,
}

#[derive(Debug, Serialize)]
struct File {
    bytes: usize,
    #[serde(flatten)]
    info: ModelInfo,
    kernel: &'static str,
    fused: Fused,
    operators: BTreeMap<String, usize>,
}

pub fn run(args: &Args) -> Result<()> {
    match load::onnx_file(&args.model) {
        Some(path) => file(&path, args.json),
        None => folder(args),
    }
}

fn folder(args: &Args) -> Result<()> {
    let config = source::folder(&args.model)?.config().clone();
    let parameters = config.tensor_shapes().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    if args.json {
        return print_json(&Folder { config, parameters });
    }
    say!("classifier of the BERT family, {:.1} M parameters", parameters as f64 / 1e6);
    say!(
        "layers {}  hidden {}  heads {}  intermediate {}",
        config.layers,
        config.hidden,
        config.heads,
        config.intermediate
    );
    say!("vocabulary {}  positions {}  activation {:?}", config.vocab_size, config.max_positions, config.activation);
    say!("{}", task(&config.labels, config.problem, config.texts));
    Ok(())
}

fn file(path: &Path, json: bool) -> Result<()> {
    let bytes = load::read(path)?;
    let name = path.display().to_string();
    let proto = onnx::decode_skeleton(&bytes, &name)?;
    let mut operators = BTreeMap::new();
    for node in proto.graph.iter().flat_map(|graph| &graph.node) {
        *operators.entry(node.op_type.clone()).or_insert(0) += 1;
    }
    drop(proto);
    let size = bytes.len();
    let model = Model::from_bytes(bytes, &name)?;
    let (info, kernel, fused) = (model.info().clone(), model.kernel(), model.fused().clone());
    if json {
        return print_json(&File { bytes: size, info, kernel, fused, operators });
    }
    say!("{name}: {:?}, {}", info.precision, megabytes(size));
    say!("layers {}  hidden {}  positions {}", info.layers, info.hidden, info.max_positions);
    say!("{}", task(&info.labels, info.problem, info.texts));
    if let Some(accuracy) = &info.accuracy {
        say!("{}", describe(accuracy, info.texts));
    }
    say!("runs on {kernel}");
    match &fused.reason {
        Some(reason) if info.precision == Precision::Fp32 => {
            say!("not fused: {reason}; bert8 convert writes a graph that is");
        }
        Some(reason) if fused.left == 0 => say!("not fused: {reason}, which bert8 quantize --format integer writes"),
        Some(reason) => say!("not fused: {reason}; {} integer products run one by one", fused.left),
        None if fused.complete() && info.precision == Precision::Fp32 => say!("fused: {}", count(&fused)),
        None if fused.complete() => say!("fused: {}", layers(&fused)),
        None => {}
    }
    let listed: Vec<String> = operators.iter().map(|(op, count)| format!("{op} {count}")).collect();
    say!("operators in the file: {}", listed.join(", "));
    Ok(())
}

/// Describes what is known of a model's accuracy, for instance `accuracy 0.8603 [0.8260, 0.8922], agreement with FP32 99.5 %, SQNR
/// 34.0 dB, on 408 pairs`.
fn describe(accuracy: &Accuracy, texts: Option<Texts>) -> String {
    let metric = accuracy.metric.map(|found| {
        format!("{} {:.4} [{:.4}, {:.4}]", found.name, found.value, found.interval.low, found.interval.high)
    });
    let agreement = accuracy.agreement.map(|share| format!("agreement with FP32 {:.1} %", share * 100.0));
    let sqnr = accuracy.sqnr.map(|db| format!("SQNR {db:.1} dB"));
    let rows = if texts == Some(Texts::Pair) { "pairs" } else { "texts" };
    let unseen = match accuracy.unseen {
        Some(true) => " that calibration did not see",
        Some(false) => " of the calibration itself",
        None => "",
    };
    let found: Vec<String> = [metric, agreement, sqnr].into_iter().flatten().collect();
    let found = if found.is_empty() { "no difference from FP32".to_owned() } else { found.join(", ") };
    format!("{found}, on {} {rows}{unseen}", accuracy.rows)
}

/// Counts the fused layers, for instance `6 layers in 25 operators`.
fn count(fused: &Fused) -> String {
    format!("{} layers in {} operators", fused.layers, fused.operators)
}

/// Summarizes the fused layers of an INT8 file, and says how many products are in FP32.
fn layers(fused: &Fused) -> String {
    let all = count(fused);
    match fused.float_products {
        0 => all,
        1 => format!("{all}; {} all INT8, 1 matrix product in FP32", fused.integer_layers),
        products => format!("{all}; {} all INT8, {products} matrix products in FP32", fused.integer_layers),
    }
}

/// Describes what the model answers and reads, for instance `labels no, yes (single-label), reads a pair of texts`.
fn task(labels: &[String], problem: Problem, texts: Option<Texts>) -> String {
    let answers = match problem {
        Problem::Regression => "one score (regression)".to_owned(),
        problem => format!("labels {} ({problem})", labels.join(", ")),
    };
    texts.map_or(answers.clone(), |texts| format!("{answers}, reads {texts}"))
}
