//! The integers, scales and biases of an INT8 model.

use super::channel_transform::ChannelTransform;
use super::quant_params::{QuantParams, QuantizedRows};
use super::scheme_search::ActivationScheme;
use super::units::{EMBEDDING_TABLES, Unit, units};
use crate::bert::BertConfig;
use std::collections::{BTreeMap, HashSet};

/// Everything in which an INT8 model differs from its FP32 original. Parts that are not named here stay in FP32.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedParameters {
    /// Activations by their name in the graph: the inputs of linear layers, and the queries and keys of INT8 scores.
    pub activations: BTreeMap<String, QuantizedActivation>,
    /// Linear layers by name, such as `encoder.layer.0.intermediate.dense`.
    pub linears: BTreeMap<String, QuantizedLinear>,
    /// Attention scores by name, such as `encoder.layer.0.attention.self.scores`. Scores can be INT8 only if the layer's
    /// query, key and value are too.
    pub scores: HashSet<String>,
    /// Embedding tables `[rows, hidden]` by tensor name, with one scale per row.
    pub tables: BTreeMap<String, QuantizedRows>,
    /// The classifier's FP32 biases, by class id.
    pub classifier_bias: Vec<f32>,
}

impl QuantizedParameters {
    /// The factors that multiply the outputs of the linear `layer`, one per output channel. Only queries and keys of INT8
    /// scores have factors; all other layers return `None`.
    pub(super) fn output_factors(&self, layer: &str) -> Option<&[f32]> {
        self.activations.get(layer)?.factors.as_deref()
    }

    /// The names of the INT8 parts: units, then embedding tables.
    pub(super) fn parts(&self, config: &BertConfig) -> Vec<String> {
        let is_int8 = |unit: &Unit| unit.linears.iter().any(|name| self.linears.contains_key(name));
        let names = units(config).into_iter().filter(is_int8).map(|unit| unit.name);
        let tables = EMBEDDING_TABLES.into_iter().filter(|name| self.tables.contains_key(*name)).map(str::to_owned);
        names.chain(tables).collect()
    }

    /// A copy that holds only the units and embedding tables whose name `keep` accepts. `config` is the
    /// model's.
    pub(super) fn retain(&self, config: &BertConfig, keep: impl Fn(&str) -> bool) -> Self {
        let mut kept = self.clone();
        for unit in units(config).into_iter().filter(|unit| !keep(&unit.name)) {
            kept.linears.retain(|name, _| !unit.linears.contains(name));
            kept.scores.retain(|name| Some(name) != unit.scores.as_ref());
            kept.activations.retain(|name, _| *name != unit.input && !unit.linears.contains(name));
        }
        kept.tables.retain(|name, _| keep(name));
        kept
    }
}

/// A quantized linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedLinear {
    /// The weights `[out, in]` with one scale per output channel. Each input channel was divided by the input's factor
    /// ([`QuantizedActivation::factors`]) before rounding.
    pub weights: QuantizedRows,
    /// The FP32 biases, one per output channel. They include what the input's shift and bias correction add.
    pub bias: Vec<f32>,
}

impl QuantizedLinear {
    /// Weight scales and biases of the layer once its outputs are multiplied by `factors`, if any: one each per output
    /// channel.
    pub(super) fn with_output_factors(&self, factors: Option<&[f32]>) -> (Vec<f32>, Vec<f32>) {
        let times = |values: &[f32]| match factors {
            Some(factors) => values.iter().zip(factors).map(|(value, factor)| value * factor).collect(),
            None => values.to_vec(),
        };
        (times(&self.weights.scales), times(&self.bias))
    }
}

/// How an activation becomes u8: `QuantizeLinear(x · factors + offsets)`, with factors and offsets per channel.
///
/// Queries and keys are special: the file has no `Mul` for their factors. The layers that compute them multiply their
/// weight scales and biases by the factors instead.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedActivation {
    /// One factor per channel, the reciprocal of its SmoothQuant divisor; `None` if all are 1.
    pub factors: Option<Vec<f32>>,
    /// One offset per channel, `−center / divisor`; `None` if all are 0.
    pub offsets: Option<Vec<f32>>,
    /// Scale and zero point of the whole tensor.
    pub params: QuantParams,
}

impl QuantizedActivation {
    /// The quantization of an activation by `scheme`.
    pub(super) fn new(scheme: &ActivationScheme) -> Self {
        let ChannelTransform { centers, divisors } = &scheme.transform;
        let offsets = centers.iter().zip(divisors).map(|(center, s)| -center / s);
        QuantizedActivation {
            factors: divisors.iter().any(|&s| s != 1.0).then(|| divisors.iter().map(|s| 1.0 / s).collect()),
            offsets: centers.iter().any(|&center| center != 0.0).then(|| offsets.collect()),
            params: scheme.params,
        }
    }
}
