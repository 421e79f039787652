//! A model that runs: ONNX bytes, fused where they match, on tract.

use crate::engine::{Engine, Graph, TokenInputs};
use crate::error::{Error, Result};
use crate::kernels::Kernel;
use crate::model_info::{ModelInfo, Precision};
use crate::onnx::{Source, decode_skeleton};
use crate::ops::{Fused, fuse, keep_first_token, read_when_parsed};
use crate::tokenizer::Tokens;
use std::sync::Arc;

/// A sequence classifier, ready for token ids.
#[derive(Debug)]
pub struct Model {
    engine: Engine,
    info: ModelInfo,
    fused: Fused,
    file: String,
}

impl Model {
    /// Loads a model from the bytes of an ONNX file, which is named in errors.
    ///
    /// # Errors
    /// If the file is damaged, or the graph is not a sequence classifier.
    pub fn from_bytes(bytes: Vec<u8>, file: &str) -> Result<Self> {
        Self::from_source(Arc::new(bytes), file)
    }

    /// Loads a model whose ONNX file, which is named in errors, lies in `source`. Of its large tensors one at a time is
    /// copied from there.
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    pub fn from_source(source: Arc<dyn Source>, file: &str) -> Result<Self> {
        let mut proto = decode_skeleton(&*source, file)?;
        let mut info = ModelInfo::new(&proto);
        let fused = fuse(&mut proto);
        if fused.linears == 0 {
            keep_first_token(&mut proto);
        }
        read_when_parsed(&mut proto);
        let graph = Graph { proto: &proto, source: Some(&source) };
        let engine = match fused.linears {
            0 => Engine::for_any_shape(graph, file)?,
            _ => Engine::fused(graph, file)?,
        };
        drop((proto, source));
        if info.labels.is_empty() {
            info.labels = (0..count_labels(&engine, file)?).map(|id| format!("LABEL_{id}")).collect();
        }
        Ok(Model { engine, info, fused, file: file.to_owned() })
    }

    /// What the model is.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// What was fused.
    pub fn fused(&self) -> Fused {
        self.fused
    }

    /// What the matrix products run on: `tract` for FP32, the kernel's name for INT8, with `(partly fused)` where some
    /// products did not match, and `unfused` where none did.
    pub fn kernel(&self) -> String {
        let name = Kernel::detect().path().name();
        match self.info.precision {
            Precision::Fp32 => "tract".to_owned(),
            Precision::Int8 if self.fused.complete() => name.to_owned(),
            Precision::Int8 if self.fused.linears > 0 => format!("{name} (partly fused)"),
            Precision::Int8 => "unfused".to_owned(),
        }
    }

    /// The logits of a tokenized pair, by class id.
    ///
    /// # Errors
    /// If there are too many tokens, or what comes out is not one finite logit for every class.
    pub fn logits(&self, tokens: &Tokens) -> Result<Vec<f32>> {
        let (count, limit) = (tokens.ids.len(), self.info.max_positions);
        if count > limit {
            return Err(Error::Argument(format!(
                "{count} tokens are more than the {limit} positions of {}",
                self.file
            )));
        }
        let mask = vec![1; count];
        let inputs = TokenInputs { batch: 1, ids: &tokens.ids, mask: &mask, types: &tokens.types };
        let logits = self.engine.run(&inputs)?.into_iter().next().unwrap_or_default();
        if logits.len() != self.info.labels.len() || logits.iter().any(|l| !l.is_finite()) {
            let classes = self.info.labels.len();
            let problem = format!("gave {logits:?} for {classes} classes; it is damaged or no sequence classifier");
            return Err(Error::file(&self.file, problem));
        }
        Ok(logits)
    }
}

/// How many logits a model without metadata gives for one short input.
fn count_labels(engine: &Engine, file: &str) -> Result<usize> {
    let probe = TokenInputs { batch: 1, ids: &[0; 4], mask: &[1; 4], types: &[0, 0, 1, 1] };
    let outputs = engine.run(&probe)?;
    match outputs.first().map(Vec::len) {
        Some(labels @ 1..=65_536) if outputs.len() == 1 => Ok(labels),
        _ => {
            Err(Error::file(file, "is no sequence classifier: expected one output, `logits` of shape [batch, labels]"))
        }
    }
}
