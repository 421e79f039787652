//! The QDQ format: the FP32 graph with a QuantizeLinear and DequantizeLinear pair wherever a value is rounded. Engines such
//! as OpenVINO and TensorRT turn these pairs into integer products.

use super::{embedding_lookup, transform_channels, weight_initializer};
use crate::bert::{Bert, Float, Lowering};
use crate::onnx::{Attribute, GraphBuilder};
use crate::quantize::quant_params::QuantParams;
use crate::quantize::quantized_parameters::QuantizedParameters;
use std::collections::HashSet;

/// The u8 zero point of a symmetric range.
const SYMMETRIC_ZERO: u8 = 128;

/// Lowers the parts that `parameters` names to QDQ pairs around FP32 operators, all others to plain FP32.
pub struct QdqLowering<'a> {
    parameters: &'a QuantizedParameters,
    /// Activations that already have a QDQ pair.
    paired: HashSet<String>,
}

impl<'a> QdqLowering<'a> {
    /// Starts without any QDQ pair.
    pub fn new(parameters: &'a QuantizedParameters) -> Self {
        QdqLowering { parameters, paired: HashSet::new() }
    }

    /// The rounded FP32 value of the activation `x`. All its readers share one QDQ pair.
    fn quantize_dequantize(&mut self, g: &mut GraphBuilder, x: &str) -> String {
        let name = format!("{x}.dequantized");
        if self.paired.insert(x.to_owned()) {
            let activation = &self.parameters.activations[x];
            let transformed = transform_channels(g, activation, x);
            qdq_pair(g, x, &transformed, activation.params);
        }
        name
    }
}

/// Adds a QDQ pair on the value `x` and returns its output, `{name}.dequantized`. The names of all its nodes start with
/// `name`.
///
/// Symmetric ranges are written as s8 with zero point 0, that is, u8 integers less 128. TensorRT accepts no other zero
/// point, and OpenVINO multiplies two activations as integers only if both zero points are 0.
fn qdq_pair(g: &mut GraphBuilder, name: &str, x: &str, params: QuantParams) -> String {
    let scale = g.f32_scalar(&format!("{name}.scale"), params.scale);
    let zero_point = format!("{name}.zero_point");
    let zero_point = match params.zero_point {
        SYMMETRIC_ZERO => g.i8_scalar(&zero_point, 0),
        zero => g.u8_scalar(&zero_point, zero),
    };
    let quantized = g.node("QuantizeLinear", &format!("{name}.quantized"), &[x, &scale, &zero_point], &[]);
    g.node("DequantizeLinear", &format!("{name}.dequantized"), &[&quantized, &scale, &zero_point], &[])
}

impl Lowering for QdqLowering<'_> {
    fn embedding(&mut self, g: &mut GraphBuilder, bert: &Bert, tensor: &str, ids: &str) -> String {
        match self.parameters.tables.get(tensor) {
            Some(table) => embedding_lookup(g, table, bert.config().embedding_features(), tensor, ids),
            None => Float.embedding(g, bert, tensor, ids),
        }
    }

    fn linear(&mut self, g: &mut GraphBuilder, bert: &Bert, layer: &str, x: &str) -> String {
        let Some(linear) = self.parameters.linears.get(layer) else { return Float.linear(g, bert, layer, x) };
        let out = linear.bias.len();
        let (scales, bias) = linear.with_output_factors(self.parameters.output_factors(layer));
        let rounded = self.quantize_dequantize(g, x);
        let weight = weight_initializer(g, linear, layer);
        let scale = g.f32s(&format!("{layer}.weight_scale"), &[out], &scales);
        let zero_point = g.i8s(&format!("{layer}.weight_zero_point"), &[out], &vec![0; out]);
        let axis = [("axis", Attribute::Int(1))];
        let weight = g.node("DequantizeLinear", &format!("{layer}.weight"), &[&weight, &scale, &zero_point], &axis);
        let bias = g.f32s(&format!("{layer}.bias"), &[out], &bias);
        let product = g.node("MatMul", &format!("{layer}.matmul"), &[&rounded, &weight], &[]);
        g.node("Add", layer, &[&product, &bias], &[])
    }

    fn scores(&mut self, g: &mut GraphBuilder, bert: &Bert, prefix: &str, query: &str, key: &str) -> String {
        if !self.parameters.scores.contains(prefix) {
            return Float.scores(g, bert, prefix, query, key);
        }
        let layer = prefix.trim_end_matches(".scores");
        let [query, key] = [("query", query), ("key", key)].map(|(side, x)| {
            let name = format!("{layer}.{side}");
            qdq_pair(g, &name, x, self.parameters.activations[&name].params)
        });
        Float.scores(g, bert, prefix, &query, &key)
    }

    fn classifier_bias<'a>(&'a self, _bert: &'a Bert) -> &'a [f32] {
        &self.parameters.classifier_bias
    }
}
