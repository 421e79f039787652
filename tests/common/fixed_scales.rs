//! INT8 models with fixed scales, written by the quantizer's own code. They need no calibration, and any part can stay in FP32.

use bert8::bert::Bert;
use bert8::onnx::pb;
use bert8::quantize::{
    Format, QuantParams, QuantizedActivation, QuantizedLinear, QuantizedParameters, QuantizedRows, emit_int8, units,
};
use std::collections::{BTreeMap, HashSet};

/// Writes `bert` in the integer format, with fixed scales that suit [`tiny_bert`](super::tiny_bert). Embedding tables stay in
/// FP32, and so does every linear layer and attention score whose name `float` accepts. Scores also stay in FP32 if the
/// layer's query, key or value does. With `smooth`, every channel of a linear layer's input is multiplied by a factor.
pub fn with_fixed_scales(bert: &Bert, smooth: bool, float: impl Fn(&str) -> bool) -> pb::ModelProto {
    let mut parameters = QuantizedParameters {
        activations: BTreeMap::new(),
        linears: BTreeMap::new(),
        scores: HashSet::new(),
        tables: BTreeMap::new(),
        classifier_bias: bert.weight("classifier.bias").to_vec(),
    };
    for unit in units(bert.config()) {
        for layer in unit.linears.iter().filter(|layer| !float(layer)) {
            let bias = bert.weight(&format!("{layer}.bias")).to_vec();
            let mut weights = bert.weight(&format!("{layer}.weight")).to_vec();
            let channels = weights.len() / bias.len();
            let factors = smooth.then(|| factors(channels));
            if let Some(factors) = &factors {
                weights.iter_mut().enumerate().for_each(|(at, w)| *w /= factors[at % channels]);
            }
            let activation = QuantizedActivation { factors, offsets: None, params: activation_params(&unit.input) };
            parameters.activations.insert(unit.input.clone(), activation);
            let weights = QuantizedRows::new(&weights, channels);
            parameters.linears.insert(layer.clone(), QuantizedLinear { weights, bias });
        }
        if let Some(scores) = unit.scores.filter(|scores| !float(scores) && !unit.linears.iter().any(|l| float(l))) {
            for side in &unit.linears[..2] {
                let params = QuantParams::symmetric(4.0);
                let activation = QuantizedActivation { factors: None, offsets: None, params };
                parameters.activations.insert(side.clone(), activation);
            }
            parameters.scores.insert(scores);
        }
    }
    emit_int8(bert, &parameters, Format::Integer)
}

fn activation_params(name: &str) -> QuantParams {
    match name {
        x if x.ends_with("activation") => QuantParams::asymmetric(-0.2, 5.0),
        x if x.ends_with("context") => QuantParams::asymmetric(-3.0, 2.5),
        _ => QuantParams::asymmetric(-4.0, 3.5),
    }
}

/// Factors from 0.6 to 1.5, different for every channel.
fn factors(channels: usize) -> Vec<f32> {
    (0..channels).map(|j| 0.6 + (j * 7 % channels) as f32 * 0.9 / channels as f32).collect()
}
