//! Quantization noise that has accumulated after every encoder layer.

use crate::bert::{Bert, emit_fp32};
use crate::engine::{Engine, TokenInputs};
use crate::error::Result;
use crate::metrics::sqnr_db;
use crate::onnx::{decode_model, pb};
use crate::text::Tokens;
use serde::{Deserialize, Serialize};

/// The noise in the output of one encoder layer of the INT8 model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// The output's name in the graph.
    pub name: String,
    /// The signal to quantization noise ratio in decibels; `None` if there is no noise.
    pub sqnr_db: Option<f64>,
}

/// Runs the FP32 and the INT8 model on `samples` and compares their embeddings, every encoder layer's output and the logits,
/// in this order. `int8` holds the bytes of the INT8 ONNX file of `bert`.
///
/// # Errors
/// Fails if `int8` is not an ONNX file or a model cannot run.
pub fn layer_reports(bert: &Bert, int8: &[u8], samples: &[Tokens]) -> Result<Vec<LayerReport>> {
    let mut names = vec!["embeddings.LayerNorm".to_owned()];
    names.extend((0..bert.config().layers).map(|layer| format!("encoder.layer.{layer}.output.LayerNorm")));
    names.push("logits".to_owned());
    let engine = |mut model: pb::ModelProto, name: &str| {
        let graph = model.graph.get_or_insert_default();
        graph.output =
            names.iter().map(|name| pb::ValueInfoProto { name: name.clone(), ..Default::default() }).collect();
        Engine::for_any_shape(&model, name)
    };
    let fp32 = engine(emit_fp32(bert), "the FP32 model")?;
    let int8 = engine(decode_model(int8, "the INT8 model")?, "the INT8 model")?;
    let mut values = vec![(Vec::new(), Vec::new()); names.len()];
    for tokens in samples {
        let mask = vec![1; tokens.ids.len()];
        let inputs = TokenInputs { batch: 1, ids: &tokens.ids, mask: &mask, types: &tokens.types };
        for ((all, fp32), int8) in values.iter_mut().zip(fp32.run(&inputs)?).zip(int8.run(&inputs)?) {
            all.0.extend(fp32);
            all.1.extend(int8);
        }
    }
    let report =
        |(name, (fp32, int8)): (String, (Vec<f32>, Vec<f32>))| LayerReport { name, sqnr_db: sqnr_db(&fp32, &int8) };
    Ok(names.into_iter().zip(values).map(report).collect())
}
