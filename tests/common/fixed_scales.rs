//! INT8 files of another kind than the quantizer's defaults: parts in FP32, factors before rounding.

use bert8::bert::{Bert, Float, Lowering, build_graph};
use bert8::onnx::pb::tensor_proto::DataType;
use bert8::onnx::{Attribute, GraphBuilder, pb};
use bert8::quantize::{QuantParams, QuantizedRows};
use std::collections::HashSet;

/// Writes `bert` in the INT8 file's pattern, with fixed scales that suit [`tiny_bert`](super::tiny_bert). Linear layers and
/// scores stay in FP32 where `float` says so of their names in the graph; scores also where queries, keys or values are.
/// With `smooth`, what is rounded has been multiplied with a factor for every feature.
pub fn with_fixed_scales(bert: &Bert, smooth: bool, float: impl Fn(&str) -> bool) -> pb::ModelProto {
    build_graph(bert, &mut FixedScales { smooth, float, quantized: HashSet::new() })
}

struct FixedScales<F> {
    smooth: bool,
    float: F,
    /// Activations that have their QuantizeLinear node already.
    quantized: HashSet<String>,
}

fn activation_params(x: &str) -> QuantParams {
    match x {
        x if x.ends_with("activation") => QuantParams::asymmetric(-0.2, 5.0),
        x if x.ends_with("context") => QuantParams::asymmetric(-3.0, 2.5),
        _ => QuantParams::asymmetric(-4.0, 3.5),
    }
}

/// Between 0.6 and 1.5, another for every feature.
fn factors(features: usize) -> Vec<f32> {
    (0..features).map(|j| 0.6 + (j * 7 % features) as f32 * 0.9 / features as f32).collect()
}

impl<F: Fn(&str) -> bool> FixedScales<F> {
    fn quantize(&mut self, g: &mut GraphBuilder, x: &str, features: usize) -> String {
        let name = format!("{x}.quantized");
        if self.quantized.insert(x.to_owned()) {
            let params = activation_params(x);
            let mut read = x.to_owned();
            if self.smooth {
                let factors = g.f32s(&format!("{x}.factors"), &[features], &factors(features));
                read = g.node("Mul", &format!("{x}.smoothed"), &[x, &factors], &[]);
            }
            let scale = g.f32_scalar(&format!("{x}.scale"), params.scale);
            let zero_point = g.u8_scalar(&format!("{x}.zero_point"), params.zero_point);
            g.node("QuantizeLinear", &name, &[&read, &scale, &zero_point], &[]);
        }
        name
    }
}

fn to_float(g: &mut GraphBuilder, name: &str, x: &str) -> String {
    g.node("Cast", name, &[x], &[("to", Attribute::Int(DataType::Float as i64))])
}

impl<F: Fn(&str) -> bool> Lowering for FixedScales<F> {
    fn embedding(&mut self, g: &mut GraphBuilder, bert: &Bert, tensor: &str, ids: &str) -> String {
        Float.embedding(g, bert, tensor, ids)
    }

    fn linear(&mut self, g: &mut GraphBuilder, bert: &Bert, layer: &str, x: &str) -> String {
        if (self.float)(layer) {
            return Float.linear(g, bert, layer, x);
        }
        let bias = bert.weight(&format!("{layer}.bias"));
        let mut weights = bert.weight(&format!("{layer}.weight")).to_vec();
        let (n, k) = (bias.len(), weights.len() / bias.len());
        if self.smooth {
            let factors = factors(k);
            weights.iter_mut().enumerate().for_each(|(at, w)| *w /= factors[at % k]);
        }
        let rows = QuantizedRows::new(&weights, k);
        let transposed: Vec<i8> = (0..k * n).map(|at| rows.values[at % n * k + at / n]).collect();
        let scales: Vec<f32> = rows.scales.iter().map(|w| w * activation_params(x).scale).collect();

        let quantized = self.quantize(g, x, k);
        let weight = g.i8s(&format!("{layer}.weight_quantized"), &[k, n], &transposed);
        let scale = g.f32s(&format!("{layer}.scale"), &[n], &scales);
        let bias = g.f32s(&format!("{layer}.bias"), &[n], bias);
        let zero_point = format!("{x}.zero_point");
        let product = g.node("MatMulInteger", &format!("{layer}.matmul"), &[&quantized, &weight, &zero_point], &[]);
        let product = to_float(g, &format!("{layer}.float"), &product);
        let scaled = g.node("Mul", &format!("{layer}.scaled"), &[&product, &scale], &[]);
        g.node("Add", layer, &[&scaled, &bias], &[])
    }

    fn scores(&mut self, g: &mut GraphBuilder, bert: &Bert, prefix: &str, query: &str, key: &str) -> String {
        let at = prefix.trim_end_matches(".scores");
        if ["query", "key", "value", "scores"].iter().any(|part| (self.float)(&format!("{at}.{part}"))) {
            return Float.scores(g, bert, prefix, query, key);
        }
        let params = QuantParams::symmetric(4.0);
        let step = g.f32_scalar("heads.scale", params.scale);
        let (query_zero, key_zero) = (g.u8_scalar("query.zero_point", 128), g.i8_scalar("key.zero_point", 0));
        let scale = params.scale * params.scale / (bert.config().head_size() as f32).sqrt();
        let scale = g.f32_scalar("scores.scale_quantized", scale);
        let query = g.node("QuantizeLinear", &format!("{at}.query.quantized"), &[query, &step, &query_zero], &[]);
        let key = g.node("QuantizeLinear", &format!("{at}.key.quantized"), &[key, &step, &key_zero], &[]);
        let perm = [("perm", Attribute::Ints(vec![0, 1, 3, 2]))];
        let key = g.node("Transpose", &format!("{at}.key.transposed"), &[&key], &perm);
        let product = g.node("MatMulInteger", &format!("{prefix}.matmul"), &[&query, &key, &query_zero], &[]);
        let product = to_float(g, &format!("{prefix}.float"), &product);
        g.node("Mul", prefix, &[&product, &scale], &[])
    }
}
