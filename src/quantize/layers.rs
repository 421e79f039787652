//! How far each encoder layer's result is from FP32's once all before it is quantized too.

use crate::bert::{Bert, emit_fp32};
use crate::engine::{Engine, TokenInputs};
use crate::error::Result;
use crate::metrics::sqnr_db;
use crate::onnx::{decode_model, pb};
use crate::text::Tokens;
use serde::{Deserialize, Serialize};

/// The noise in the result of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// The value's name in the graph.
    pub name: String,
    /// Signal to quantization noise in decibels; `None` where there is no noise.
    pub sqnr_db: Option<f64>,
}

/// Runs the FP32 and the INT8 graph of `bert` on `samples` and compares the embeddings, every layer's result and the logits.
///
/// # Errors
/// If a graph cannot run.
pub fn layer_reports(bert: &Bert, int8: &[u8], samples: &[Tokens]) -> Result<Vec<LayerReport>> {
    let mut names = vec!["embeddings.LayerNorm".to_owned()];
    names.extend((0..bert.config().layers).map(|layer| format!("encoder.layer.{layer}.output.LayerNorm")));
    names.push("logits".to_owned());
    let engine = |mut model: pb::ModelProto, file: &str| {
        let graph = model.graph.get_or_insert_default();
        graph.output =
            names.iter().map(|name| pb::ValueInfoProto { name: name.clone(), ..Default::default() }).collect();
        Engine::for_any_shape(&model, file)
    };
    let exact = engine(emit_fp32(bert), "the FP32 model")?;
    let rounded = engine(decode_model(int8, "the INT8 model")?, "the INT8 model")?;
    let mut values = vec![(Vec::new(), Vec::new()); names.len()];
    for tokens in samples {
        let mask = vec![1; tokens.ids.len()];
        let inputs = TokenInputs { batch: 1, ids: &tokens.ids, mask: &mask, types: &tokens.types };
        for ((all, exact), rounded) in values.iter_mut().zip(exact.run(&inputs)?).zip(rounded.run(&inputs)?) {
            all.0.extend(exact);
            all.1.extend(rounded);
        }
    }
    let report = |(name, (exact, rounded)): (String, (Vec<f32>, Vec<f32>))| LayerReport {
        name,
        sqnr_db: sqnr_db(&exact, &rounded),
    };
    Ok(names.into_iter().zip(values).map(report).collect())
}
