//! The integer format: products are MatMulInteger nodes, in one pattern that this crate fuses.

use super::{cast_to_f32, embedding_lookup, transform_channels, weight_initializer};
use crate::bert::{Bert, Float, Lowering};
use crate::onnx::{Attribute, GraphBuilder};
use crate::quantize::quantized_parameters::QuantizedParameters;
use std::collections::HashSet;

/// Lowers the parts that `parameters` names to integer operators, all others to FP32.
pub struct IntegerLowering<'a> {
    parameters: &'a QuantizedParameters,
    /// Activations that already have a QuantizeLinear node.
    quantized: HashSet<String>,
}

impl<'a> IntegerLowering<'a> {
    /// Starts without any QuantizeLinear node.
    pub fn new(parameters: &'a QuantizedParameters) -> Self {
        IntegerLowering { parameters, quantized: HashSet::new() }
    }

    /// The u8 value of the activation `x`. All its readers share one QuantizeLinear node.
    fn quantize(&mut self, g: &mut GraphBuilder, x: &str) -> String {
        let name = format!("{x}.quantized");
        if self.quantized.insert(x.to_owned()) {
            let activation = &self.parameters.activations[x];
            let scale = g.f32_scalar(&format!("{x}.scale"), activation.params.scale);
            let zero_point = g.u8_scalar(&format!("{x}.zero_point"), activation.params.zero_point);
            let transformed = transform_channels(g, activation, x);
            g.node("QuantizeLinear", &name, &[&transformed, &scale, &zero_point], &[]);
        }
        name
    }
}

impl Lowering for IntegerLowering<'_> {
    fn embedding(&mut self, g: &mut GraphBuilder, bert: &Bert, tensor: &str, ids: &str) -> String {
        match self.parameters.tables.get(tensor) {
            Some(table) => embedding_lookup(g, table, bert.config().embedding_features(), tensor, ids),
            None => Float.embedding(g, bert, tensor, ids),
        }
    }

    fn linear(&mut self, g: &mut GraphBuilder, bert: &Bert, layer: &str, x: &str) -> String {
        let Some(linear) = self.parameters.linears.get(layer) else { return Float.linear(g, bert, layer, x) };
        let x_scale = self.parameters.activations[x].params.scale;
        let out = linear.bias.len();
        let (scales, bias) = linear.with_output_factors(self.parameters.output_factors(layer));
        let scales: Vec<f32> = scales.iter().map(|w| w * x_scale).collect();

        let quantized = self.quantize(g, x);
        let weight = weight_initializer(g, linear, layer);
        let scale = g.f32s(&format!("{layer}.scale"), &[out], &scales);
        let bias = g.f32s(&format!("{layer}.bias"), &[out], &bias);
        let zero_point = format!("{x}.zero_point");
        let product = g.node("MatMulInteger", &format!("{layer}.matmul"), &[&quantized, &weight, &zero_point], &[]);
        let float = cast_to_f32(g, &format!("{layer}.float"), &product);
        let scaled = g.node("Mul", &format!("{layer}.scaled"), &[&float, &scale], &[]);
        g.node("Add", layer, &[&scaled, &bias], &[])
    }

    fn scores(&mut self, g: &mut GraphBuilder, bert: &Bert, prefix: &str, query: &str, key: &str) -> String {
        if !self.parameters.scores.contains(prefix) {
            return Float.scores(g, bert, prefix, query, key);
        }
        let layer = prefix.trim_end_matches(".scores");
        let [q, k] = ["query", "key"].map(|side| self.parameters.activations[&format!("{layer}.{side}")].params);
        let q_scale = g.f32_scalar(&format!("{layer}.query.scale_symmetric"), q.scale);
        let q_zero = g.u8_scalar("query.zero_point", q.zero_point);
        let k_scale = g.f32_scalar(&format!("{layer}.key.scale_symmetric"), k.scale);
        let k_zero = g.i8_scalar("key.zero_point", 0);
        let scale = q.scale * k.scale / (bert.config().head_size() as f32).sqrt();
        let scale = g.f32_scalar(&format!("{prefix}.scale"), scale);

        let query = g.node("QuantizeLinear", &format!("{layer}.query.quantized"), &[query, &q_scale, &q_zero], &[]);
        let key = g.node("QuantizeLinear", &format!("{layer}.key.quantized"), &[key, &k_scale, &k_zero], &[]);
        let perm = [("perm", Attribute::Ints(vec![0, 1, 3, 2]))];
        let key = g.node("Transpose", &format!("{layer}.key.transposed"), &[&key], &perm);
        let product = g.node("MatMulInteger", &format!("{prefix}.matmul"), &[&query, &key, &q_zero], &[]);
        let float = cast_to_f32(g, &format!("{prefix}.float"), &product);
        g.node("Mul", prefix, &[&float, &scale], &[])
    }

    fn classifier_bias<'a>(&'a self, _bert: &'a Bert) -> &'a [f32] {
        &self.parameters.classifier_bias
    }
}
