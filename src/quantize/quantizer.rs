//! From a model and its calibration statistics to integers and scales.

use super::calibrate::Observations;
use super::correct::bias_correction;
use super::params::{QuantParams, QuantizedRows};
use crate::bert::Bert;
use std::collections::BTreeMap;

/// A quantized linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearParameters {
    /// The weights `[out, in]`, one scale per output feature.
    pub weights: QuantizedRows,
    /// The corrected FP32 biases.
    pub bias: Vec<f32>,
}

/// All that the INT8 file holds beside what it shares with the FP32 file.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// Activations by their name in the graph: u8, asymmetric but for queries and keys.
    pub activations: BTreeMap<String, QuantParams>,
    /// Linear layers by name. Pooler and classifier stay in FP32: they see one token, so they cost next to nothing.
    pub linears: BTreeMap<String, LinearParameters>,
    /// Embedding tables by tensor name, one scale per row. The few rows of token types stay in FP32.
    pub tables: BTreeMap<String, QuantizedRows>,
}

/// The names of the linear layers that are quantized, with the activation that each reads.
pub fn quantized_layers(layers: usize) -> Vec<(String, String)> {
    let mut names = Vec::new();
    let mut x = "embeddings.LayerNorm".to_owned();
    for layer in 0..layers {
        let at = format!("encoder.layer.{layer}");
        for part in ["query", "key", "value"] {
            names.push((format!("{at}.attention.self.{part}"), x.clone()));
        }
        names.push((format!("{at}.attention.output.dense"), format!("{at}.attention.self.context")));
        names.push((format!("{at}.intermediate.dense"), format!("{at}.attention.output.LayerNorm")));
        names.push((format!("{at}.output.dense"), format!("{at}.intermediate.activation")));
        x = format!("{at}.output.LayerNorm");
    }
    names
}

/// Chooses scales and zero points and rounds the weights.
pub fn quantize_parameters(bert: &Bert, observations: &Observations) -> Parameters {
    let activations = observations
        .iter()
        .map(|(name, observer)| {
            let (min, max) = observer.mean_min_max();
            let symmetric = name.ends_with(".query") || name.ends_with(".key");
            let params =
                if symmetric { QuantParams::symmetric(max.max(-min)) } else { QuantParams::asymmetric(min, max) };
            (name.clone(), params)
        })
        .collect();
    let linears = quantized_layers(bert.config().layers)
        .into_iter()
        .map(|(name, input)| {
            let means = observations[&input].feature_means();
            let original = bert.weight(&format!("{name}.weight"));
            let weights = QuantizedRows::new(original, means.len());
            let correction = bias_correction(original, &weights, &means);
            let bias = bert.weight(&format!("{name}.bias")).iter().zip(correction).map(|(b, c)| b + c).collect();
            (name, LinearParameters { weights, bias })
        })
        .collect();
    let tables = ["embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"]
        .into_iter()
        .map(|name| (name.to_owned(), QuantizedRows::new(bert.weight(name), bert.config().hidden)))
        .collect();
    Parameters { activations, linears, tables }
}
