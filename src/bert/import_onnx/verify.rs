//! Verifies an import: the original graph and the imported model must return the same logits.

use crate::bert::{Bert, emit_fp32};
use crate::engine::{Engine, TokenInputs};
use crate::error::{Error, Result};
use crate::onnx::pb;
use crate::rng::Rng;
use pb::tensor_shape_proto::dimension::Value;

/// The largest difference of two logits that counts as rounding.
const TOLERANCE: f32 = 1e-3;
/// The same for a graph whose scales and other single numbers were rounded to 16 bits.
const HALF_TOLERANCE: f32 = 5e-2;
/// The most tokens of a probe. Files with larger fixed inputs are refused.
const TOKENS: usize = 1 << 16;

/// The graph that was imported, and what the probes must heed.
pub struct Original {
    /// The model, with standard names of inputs.
    pub model: pb::ModelProto,
    /// Whether single numbers of it are rounded to 16 bits.
    pub half: bool,
    /// The id of padding, if positions depend on it. Such an id has no position of its own.
    pub padding: Option<i64>,
    /// Whether padding counts in the mean over tokens, so that it changes the logits.
    pub counts_padding: bool,
}

/// Inputs to run both models on.
struct Probe {
    shape: (usize, usize),
    ids: Vec<i64>,
    mask: Vec<i64>,
    types: Vec<i64>,
}

/// Runs `original` and `bert` on the same inputs.
///
/// # Errors
/// If their logits differ, or the original cannot be run.
pub fn verify(original: Original, bert: &Bert, file_name: &str) -> Result<()> {
    let tolerance = if original.half { HALF_TOLERANCE } else { TOLERANCE };
    let probes = probes(&original, bert, file_name)?;
    let expected = run_original(&original.model, &probes, file_name)?;
    drop(original);
    let imported = Engine::for_any_shape(&emit_fp32(bert), file_name)?;
    let mut worst = 0f32;
    for (probe, expected) in probes.iter().zip(&expected) {
        let logits = logits(&imported, probe, file_name)?;
        if logits.len() != expected.len() {
            return Err(Error::file(
                file_name,
                format!("returns {} numbers for {} rows, expected {}", expected.len(), probe.shape.0, logits.len()),
            ));
        }
        let differences = logits.iter().zip(expected).map(|(a, b)| (a - b).abs());
        worst = differences.fold(worst, |worst, d| if d.is_nan() { f32::INFINITY } else { worst.max(d) });
    }
    if worst <= tolerance {
        return Ok(());
    }
    Err(Error::file(
        file_name,
        format!(
            "looks like a BERT classifier of {} layers and {} heads, but its logits differ by up to {worst} from those \
             of such a classifier with the same weights (limit {tolerance}); its graph computes something else",
            bert.config().layers,
            bert.config().heads
        ),
    ))
}

/// The logits of the original for every probe. Plans the graph for each shape: many exporters compute sizes in ways
/// that tract can only follow if they are numbers.
fn run_original(model: &pb::ModelProto, probes: &[Probe], file_name: &str) -> Result<Vec<Vec<f32>>> {
    let mut engine = None;
    let mut results = Vec::new();
    for probe in probes {
        let engine = match &mut engine {
            Some((shape, engine)) if *shape == probe.shape => engine,
            other => {
                let engine = Engine::for_shape(model, probe.shape, file_name).map_err(|e| cannot_run(e, file_name))?;
                &mut other.insert((probe.shape, engine)).1
            }
        };
        results.push(logits(engine, probe, file_name).map_err(|e| cannot_run(e, file_name))?);
    }
    Ok(results)
}

/// Explains that the engine cannot run the original.
fn cannot_run(error: Error, file_name: &str) -> Error {
    match error {
        Error::Engine { stage, source, .. } => {
            let problem = format!(
                "looks like a BERT classifier, but cannot run to check its import ({stage} failed); export it again with \
                 constant folding"
            );
            Error::file_from(file_name, problem, source)
        }
        other => other,
    }
}

/// The first output for `probe`.
fn logits(engine: &Engine, probe: &Probe, file_name: &str) -> Result<Vec<f32>> {
    let Probe { shape, ids, mask, types } = probe;
    let outputs = engine.run(&TokenInputs { batch: shape.0, ids, mask, types })?;
    outputs.into_iter().next().ok_or_else(|| Error::file(file_name, "returns no output"))
}

/// The inputs to run: two batches with padding and both token types, and a short row without padding. Fixed input sizes
/// of the model take precedence.
fn probes(original: &Original, bert: &Bert, file_name: &str) -> Result<Vec<Probe>> {
    let config = bert.config();
    let model = &original.model;
    let has = |name: &str| inputs(model).any(|i| i.name == name);
    let fixed = [0, 1].map(|axis| inputs(model).find_map(|input| fixed_size(input, axis)));
    let mut rng = Rng::new(8);
    let mut probes = Vec::new();
    for (batch, sequence) in [(2, 16), (2, 16), (1, 7)] {
        let batch = fixed[0].unwrap_or(batch);
        let sequence = fixed[1].unwrap_or(sequence.min(config.max_positions));
        if sequence > config.max_positions
            || batch.checked_mul(sequence).is_none_or(|tokens| tokens == 0 || tokens > TOKENS)
        {
            let problem = format!(
                "only accepts inputs of shape [{batch}, {sequence}], but has {} positions",
                config.max_positions
            );
            return Err(Error::file(file_name, problem));
        }
        let mut probe = Probe { shape: (batch, sequence), ids: vec![], mask: vec![], types: vec![] };
        for row in 0..batch {
            let padding = if has("attention_mask") && !original.counts_padding {
                sequence / 4 * ((row + probes.len()) % 2)
            } else {
                0
            };
            for at in 0..sequence {
                let id = rng.below(config.vocab_size) as i64;
                probe.ids.push(if Some(id) == original.padding { i64::from(id == 0) } else { id });
                probe.mask.push(i64::from(at < sequence - padding));
                probe.types.push(i64::from(config.type_vocab > 1 && at >= sequence / 2));
            }
        }
        probes.push(probe);
    }
    Ok(probes)
}

/// The inputs of `model` that are not initializers.
fn inputs(model: &pb::ModelProto) -> impl Iterator<Item = &pb::ValueInfoProto> {
    let graph = model.graph.as_ref();
    graph.into_iter().flat_map(|graph| {
        graph.input.iter().filter(|input| graph.initializer.iter().all(|tensor| tensor.name != input.name))
    })
}

/// The size of an input along `axis`, if the file fixes it.
fn fixed_size(input: &pb::ValueInfoProto, axis: usize) -> Option<usize> {
    let Some(pb::type_proto::Value::TensorType(tensor)) = &input.r#type.as_ref()?.value else { return None };
    match tensor.shape.as_ref()?.dim.get(axis)?.value {
        Some(Value::DimValue(size)) => usize::try_from(size).ok().filter(|&size| size > 0),
        _ => None,
    }
}
