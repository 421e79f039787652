//! A model that runs: ONNX bytes, fused where they match, on tract; and with a tokenizer the [`Classifier`].

mod classifier;
mod info;
mod table_rows;

pub use classifier::{Classification, Classifier, Repeat, Timing};
pub use info::{ModelInfo, Precision};

use crate::bert::embedded_config;
use crate::engine::{Engine, FusedEngine, Graph, TokenInputs, graph_check};
use crate::error::{Error, Result};
use crate::kernels::Kernel;
use crate::model_file::ModelFile;
use crate::onnx::decode_skeleton;
use crate::ops::{Fused, fuse, in_file_tensors_to_nodes, keep_first_token};
use crate::text::Tokens;
use std::rc::Rc;
use table_rows::TableRows;

/// Tokens of the sequences that run together: enough to keep weights in use while they are at hand, few enough that
/// activations stay in the caches.
const BATCH_TOKENS: usize = 512;

/// A sequence classifier, ready for token ids.
#[derive(Debug)]
pub struct Model {
    runner: Runner,
    info: ModelInfo,
    fused: Fused,
    kernel: Kernel,
    rows: TableRows,
    file: String,
}

#[derive(Debug)]
enum Runner {
    Fused(FusedEngine),
    AsWritten(Engine),
}

impl Model {
    /// Loads a model from the bytes of an ONNX file, which is named in errors, for the fastest kernel.
    ///
    /// # Errors
    /// If the file is damaged, or the graph is not a sequence classifier.
    pub fn from_bytes(bytes: Vec<u8>, file: &str) -> Result<Self> {
        Self::from_file(bytes, file, Kernel::detect())
    }

    /// Loads a model from an ONNX file, which is called `file` in errors; `kernel` does the integer products. Of large
    /// tensors that are not packed yet, one at a time is copied.
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    pub fn from_file(content: impl Into<ModelFile>, file: &str, kernel: Kernel) -> Result<Self> {
        let stored = Rc::new(content.into());
        let mut proto = decode_skeleton(stored.source(), file)?;
        graph_check::no_fused_operators(&proto, file)?;
        let foreign = embedded_config(&proto).is_none();
        if !foreign {
            graph_check::finite_tensors(&proto, file)?;
        }
        let mut info = ModelInfo::new(&proto);
        let rows = TableRows::of(&proto);
        let fused = fuse(&mut proto, kernel);
        if !fused.complete() {
            keep_first_token(&mut proto);
        }
        in_file_tensors_to_nodes(&mut proto);
        let graph = Graph { proto: &proto, file: Some(&stored) };
        let runner = match fused.complete() {
            true => Runner::Fused(FusedEngine::new(graph, file)?),
            false => {
                let engine = Engine::for_any_shape(graph, file);
                Runner::AsWritten(if foreign { engine.map_err(|e| not_as_it_is(e, file))? } else { engine? })
            }
        };
        drop((proto, stored));
        if info.labels.is_empty() {
            let labels = count_labels(&runner, file).map_err(|e| not_as_it_is(e, file))?;
            info.labels = (0..labels).map(|id| format!("LABEL_{id}")).collect();
        }
        Ok(Model { runner, info, fused, kernel, rows, file: file.to_owned() })
    }

    /// What the model is.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// What was fused, and why nothing was.
    pub fn fused(&self) -> &Fused {
        &self.fused
    }

    /// What the matrix products run on: `tract` for FP32, the kernel's name for INT8, and `unfused` for an INT8 graph that
    /// was not recognised and runs on tract as it is written.
    pub fn kernel(&self) -> &'static str {
        match self.info.precision {
            Precision::Fp32 => "tract",
            Precision::Int8 if self.fused.complete() => self.kernel.name(),
            Precision::Int8 => "unfused",
        }
    }

    /// The logits of a tokenized pair, by class id.
    ///
    /// # Errors
    /// If there are too many tokens, one has an id or a type that the model lacks, or what comes out is not one finite logit for
    /// every class.
    pub fn logits(&self, tokens: &Tokens) -> Result<Vec<f32>> {
        let logits = self.logits_of(&[tokens])?;
        Ok(logits.into_iter().next().unwrap_or_default())
    }

    /// The logits of many tokenized pairs, each by class id. A fused model lays them end to end.
    ///
    /// # Errors
    /// As [`Model::logits`].
    pub fn logits_of(&self, pairs: &[&Tokens]) -> Result<Vec<Vec<f32>>> {
        let limit = self.info.max_positions;
        if let Some(long) = pairs.iter().find(|tokens| tokens.ids.len() > limit) {
            let count = long.ids.len();
            return Err(Error::Argument(format!(
                "{count} tokens are more than the {limit} positions of {}",
                self.file
            )));
        }
        for tokens in pairs {
            self.rows.check(tokens, &self.file)?;
        }
        let mut all = Vec::with_capacity(pairs.len());
        let mut rest = pairs;
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(self.batch_len(rest));
            let logits = self.runner.run(batch)?;
            let classes = self.info.labels.len();
            if logits.len() != classes * batch.len() || logits.iter().any(|l| !l.is_finite()) {
                let shown = &logits[..logits.len().min(classes.max(1))];
                let problem = format!("gave {shown:?} for {classes} classes; it is damaged or no sequence classifier");
                return Err(Error::file(&self.file, problem));
            }
            all.extend(logits.chunks_exact(classes).map(<[f32]>::to_vec));
            rest = after;
        }
        Ok(all)
    }

    /// How many of `pairs`, from the first on, run together.
    pub(crate) fn batch_len(&self, pairs: &[&Tokens]) -> usize {
        let mut tokens = 0;
        let fits = |pair: &&&Tokens| {
            tokens += pair.ids.len();
            tokens <= BATCH_TOKENS
        };
        match self.runner {
            Runner::Fused(_) => pairs.iter().take_while(fits).count().max(1),
            Runner::AsWritten(_) => 1,
        }
    }
}

impl Runner {
    /// The output's values for `pairs`: one pair alone where nothing is fused.
    fn run(&self, pairs: &[&Tokens]) -> Result<Vec<f32>> {
        match self {
            Runner::Fused(engine) => engine.run(pairs),
            Runner::AsWritten(engine) => {
                let [pair] = pairs else { return Err(Error::Argument("an unfused graph takes one pair".into())) };
                let mask = vec![1; pair.ids.len()];
                let mut outputs =
                    engine.run(&TokenInputs { batch: 1, ids: &pair.ids, mask: &mask, types: &pair.types })?;
                // A graph with several outputs is no classifier; what it gives is refused as of the wrong length.
                Ok(if outputs.len() == 1 { outputs.remove(0) } else { Vec::new() })
            }
        }
    }
}

/// That the engine cannot run an export as it is: one of fixed shapes, say, or in half precision.
fn not_as_it_is(error: Error, file: &str) -> Error {
    match error {
        Error::Engine { stage, reason, .. } => {
            let advice = format!("if it is a BERT classifier, convert it first: bert8 convert {file} -o fp32.onnx");
            Error::file(file, format!("cannot be run as it is; {advice} ({stage} failed: {reason})"))
        }
        other => other,
    }
}

/// How many logits a model without metadata gives for one short input.
fn count_labels(runner: &Runner, file: &str) -> Result<usize> {
    let probe = Tokens { ids: vec![0; 4], types: vec![0; 4], truncated: false };
    match runner.run(&[&probe])?.len() {
        labels @ 1..=65_536 => Ok(labels),
        _ => {
            Err(Error::file(file, "is no sequence classifier: expected one output, `logits` of shape [batch, labels]"))
        }
    }
}
