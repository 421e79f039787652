//! Proof that an import is right: the original graph and the imported model must give the same logits.

use crate::bert::{Bert, emit_fp32};
use crate::engine::{Engine, TokenInputs};
use crate::error::{Error, Result};
use crate::onnx::pb;
use pb::tensor_shape_proto::dimension::Value;

/// The largest difference of two logits that rounding may explain.
const TOLERANCE: f32 = 1e-3;
/// The same for a graph whose scales and other numbers were rounded to 16 bits.
const HALF_TOLERANCE: f32 = 5e-2;
/// The most tokens of a probe; files that fix larger inputs are refused.
const TOKENS: usize = 1 << 16;

/// Inputs to try a model on.
struct Probe {
    shape: (usize, usize),
    ids: Vec<i64>,
    mask: Vec<i64>,
    types: Vec<i64>,
}

/// Runs `original` and `bert` on the same inputs and refuses `bert` if their logits disagree. `half` tells that the
/// original's numbers are rounded to 16 bits.
pub fn verify(original: pb::ModelProto, bert: &Bert, half: bool, file: &str) -> Result<()> {
    let tolerance = if half { HALF_TOLERANCE } else { TOLERANCE };
    let probes = probes(&original, bert, file)?;
    let expected = run_original(&original, &probes, file)?;
    drop(original);
    let imported = Engine::for_any_shape(&emit_fp32(bert), file)?;
    let mut worst = 0f32;
    for (probe, expected) in probes.iter().zip(&expected) {
        let logits = logits(&imported, probe, file)?;
        if logits.len() != expected.len() {
            return Err(Error::file(
                file,
                format!("gives {} numbers for {} rows, expected {}", expected.len(), probe.shape.0, logits.len()),
            ));
        }
        let differences = logits.iter().zip(expected).map(|(a, b)| (a - b).abs());
        worst = differences.fold(worst, |worst, d| if d.is_nan() { f32::INFINITY } else { worst.max(d) });
    }
    if worst <= tolerance {
        return Ok(());
    }
    Err(Error::file(
        file,
        format!(
            "looks like a BERT classifier of {} layers and {} heads, but its logits differ by up to {worst} from such a \
             classifier's with the same weights (limit {tolerance}); its graph computes something else",
            bert.config().layers,
            bert.config().heads
        ),
    ))
}

/// The logits of the original for every probe. A graph from elsewhere is typed for each shape, since many exporters
/// compute sizes in ways that tract follows only when they are numbers.
fn run_original(model: &pb::ModelProto, probes: &[Probe], file: &str) -> Result<Vec<Vec<f32>>> {
    let mut engine = None;
    let mut results = Vec::new();
    for probe in probes {
        let engine = match &mut engine {
            Some((shape, engine)) if *shape == probe.shape => engine,
            other => {
                let engine = Engine::for_shape(model, probe.shape, file).map_err(|e| cannot_run(e, file))?;
                &mut other.insert((probe.shape, engine)).1
            }
        };
        results.push(logits(engine, probe, file).map_err(|e| cannot_run(e, file))?);
    }
    Ok(results)
}

/// That the engine cannot run the original.
fn cannot_run(error: Error, file: &str) -> Error {
    match error {
        Error::Engine { stage, source, .. } => {
            let problem = format!(
                "looks like a BERT classifier, but cannot run to check its import ({stage} failed); export it again with \
                 constant folding"
            );
            Error::file_from(file, problem, source)
        }
        other => other,
    }
}

fn logits(engine: &Engine, probe: &Probe, file: &str) -> Result<Vec<f32>> {
    let Probe { shape, ids, mask, types } = probe;
    let outputs = engine.run(&TokenInputs { batch: shape.0, ids, mask, types })?;
    outputs.into_iter().next().ok_or_else(|| Error::file(file, "gives no output"))
}

/// Two batches with padding and two segments, and a short row without, as far as the model has these inputs.
fn probes(model: &pb::ModelProto, bert: &Bert, file: &str) -> Result<Vec<Probe>> {
    let config = bert.config();
    let has = |name: &str| inputs(model).any(|i| i.name == name);
    let fixed = [0, 1].map(|axis| inputs(model).find_map(|input| fixed_size(input, axis)));
    let mut random = Random(8);
    let mut probes = Vec::new();
    for (batch, sequence) in [(2, 16), (2, 16), (1, 7)] {
        let batch = fixed[0].unwrap_or(batch);
        let sequence = fixed[1].unwrap_or(sequence.min(config.max_positions));
        if sequence > config.max_positions
            || batch.checked_mul(sequence).is_none_or(|tokens| tokens == 0 || tokens > TOKENS)
        {
            let problem = format!(
                "takes inputs of shape [{batch}, {sequence}] only, for which it holds {} positions",
                config.max_positions
            );
            return Err(Error::file(file, problem));
        }
        let mut probe = Probe { shape: (batch, sequence), ids: vec![], mask: vec![], types: vec![] };
        for row in 0..batch {
            let padding = if has("attention_mask") { sequence / 4 * ((row + probes.len()) % 2) } else { 0 };
            for at in 0..sequence {
                probe.ids.push(random.below(config.vocab_size));
                probe.mask.push(i64::from(at < sequence - padding));
                probe.types.push(i64::from(at >= sequence / 2));
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

/// The size of an input along `axis` where the file fixes it.
fn fixed_size(input: &pb::ValueInfoProto, axis: usize) -> Option<usize> {
    let Some(pb::type_proto::Value::TensorType(tensor)) = &input.r#type.as_ref()?.value else { return None };
    match tensor.shape.as_ref()?.dim.get(axis)?.value {
        Some(Value::DimValue(size)) => usize::try_from(size).ok().filter(|&size| size > 0),
        _ => None,
    }
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> i64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize % limit) as i64
    }
}
