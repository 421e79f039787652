//! Writes a recognised encoder as fused operators. What is in FP32 is a MatMul and an Add over the same unpadded rows.
//!
//! A value `x` of FP32 rows has a encoded form `x.quantized` where a product in integers reads it; either is written only
//! where something reads it.

use super::nodes::{activation, float, int, linear, norm, output, string, table};
use super::recognise::{AttentionPart, EmbeddingPart, Encoder, Layer, LinearPart, NormPart, Quantized, Scores};
use super::{FUSED_INPUTS, activated, attention, elementwise, embedding, float_attention, residual, sum_norm};
use crate::activation::Activation;
use crate::kernels::Kernel;
use crate::onnx::pb;

/// What the fused operators' names begin with.
pub(crate) const PREFIX: &str = "Bert8";

/// The fused nodes, which read [`FUSED_INPUTS`]. They name the initializers of their tensors.
pub(super) fn nodes(encoder: &Encoder, kernel: Kernel) -> Vec<pb::NodeProto> {
    let mut emit = Emit { kernel, nodes: Vec::new() };
    let mut x = "fused.embeddings".to_owned();
    emit.embedding(&x, &encoder.embedding, encoder.layers[0].attention.input());
    for (at, layer) in encoder.layers.iter().enumerate() {
        let name = |part: &str| format!("fused.layer.{at}.{part}");
        let next = encoder.layers.get(at + 1);
        let (context, middle, wide) = (name("attention"), name("projection"), name("feed_forward"));
        let output = next.map_or(encoder.first.to_owned(), |_| name("output"));

        // The fused operator picks the queries of first tokens itself.
        let asking = if next.is_none() { name("first_tokens") } else { x.clone() };
        if next.is_none() {
            emit.first_tokens(&asking, &x);
        }
        let heads = match layer.attention.scores {
            Scores::Integer { query_scale, key_scale } => {
                let scales = [query_scale, key_scale];
                emit.attention(&context, layer, &x, next.is_none(), scales);
                layer.attention.heads
            }
            Scores::Float => {
                if next.is_none() && layer.attention.query.input().is_some() {
                    emit.first_tokens(&stored(&asking), &stored(&x));
                }
                emit.float_attention(&context, &layer.attention, [&asking, &x, &x], layer.projection.input());
                // Heads of FP32 rows are not filled up.
                1
            }
        };
        let quantized = layer.up.input();
        emit.normed(&middle, (&layer.projection, heads), [&context, &asking], &layer.attention_norm, quantized);
        emit.feed_forward(&wide, layer, &middle);
        let quantized = next.and_then(|next| next.attention.input());
        emit.normed(&output, (&layer.down, 1), [&wide, &middle], &layer.output_norm, quantized);
        x = output;
    }
    emit.nodes
}

/// The name of a value's encoded form.
fn stored(x: &str) -> String {
    format!("{x}.quantized")
}

struct Emit {
    kernel: Kernel,
    nodes: Vec<pb::NodeProto>,
}

impl Emit {
    /// A node that is called like its first output.
    fn node(&mut self, op: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<pb::AttributeProto>) {
        self.nodes.push(pb::NodeProto {
            op_type: op.to_owned(),
            name: outputs[0].to_owned(),
            input: inputs.iter().map(|&i| i.to_owned()).collect(),
            output: outputs.iter().map(|&o| o.to_owned()).collect(),
            attribute,
            ..Default::default()
        });
    }

    fn fused(&mut self, op: &str, inputs: &[&str], outputs: &[&str], mut attributes: Vec<pb::AttributeProto>) {
        attributes.push(string("kernel", self.kernel.name()));
        self.node(op, inputs, outputs, attributes);
    }

    /// A fused operator that writes the rows `x` and, where a product in integers reads them, their encoded form.
    fn fused_rows(
        &mut self,
        op: &str,
        inputs: &[&str],
        x: &str,
        quantized: Option<&Quantized>,
        mut attributes: Vec<pb::AttributeProto>,
    ) {
        attributes.extend(quantized.into_iter().flat_map(output));
        match quantized {
            Some(_) => self.fused(op, inputs, &[x, &stored(x)], attributes),
            None => self.fused(op, inputs, &[x], attributes),
        }
    }

    fn embedding(&mut self, x: &str, part: &EmbeddingPart, quantized: Option<&Quantized>) {
        let tables = [("words", &part.words), ("types", &part.types), ("positions", &part.positions)];
        let mut attributes: Vec<_> = tables.into_iter().flat_map(|(name, part)| table(name, part)).collect();
        attributes.extend(norm(&part.norm));
        self.fused_rows(embedding::OP, &FUSED_INPUTS, x, quantized, attributes);
    }

    /// The rows of `x` at which sequences start.
    fn first_tokens(&mut self, first: &str, x: &str) {
        self.node("Gather", &[x, FUSED_INPUTS[2]], &[first], vec![int("axis", 0)]);
    }

    /// Attention in one operator: from the encoded form of `x` to `context`, in the form in which the projection reads it.
    fn attention(&mut self, context: &str, layer: &Layer, x: &str, first_only: bool, scales: [f32; 2]) {
        let part = &layer.attention;
        let parts = ["query", "key", "value"].into_iter().zip(part.parts());
        let mut attributes: Vec<_> = parts
            .flat_map(|(name, part)| match part {
                LinearPart::Integer(part) => linear(name, part),
                LinearPart::Float(_) => Vec::new(),
            })
            .collect();
        attributes.extend([
            int("heads", part.heads as i64),
            float("query_output_scale", scales[0]),
            float("key_output_scale", scales[1]),
            float("score_scale", part.score_scale),
            int("first_only", i64::from(first_only)),
        ]);
        let quantized = layer.projection.input();
        attributes.extend(quantized.into_iter().flat_map(output));
        let context = quantized.map_or(context.to_owned(), |_| stored(context));
        self.fused(attention::OP, &[&stored(x), FUSED_INPUTS[2]], &[&context], attributes);
    }

    /// Attention with scores in FP32; queries, keys and values are linear layers of `x`.
    fn float_attention(&mut self, context: &str, part: &AttentionPart, x: [&str; 3], quantized: Option<&Quantized>) {
        let names = ["query", "key", "value"].map(|name| format!("{context}.{name}"));
        for ((name, part), x) in names.iter().zip(part.parts()).zip(x) {
            self.linear(name, part, x, None);
        }
        let [query, key, value] = names.each_ref().map(String::as_str);
        let attributes = vec![
            int("features", part.query.sizes().1 as i64),
            int("heads", part.heads as i64),
            float("score_scale", part.score_scale),
        ];
        self.fused(float_attention::OP, &[query, key, value, FUSED_INPUTS[2]], &[context], attributes);
        if quantized.is_some() {
            self.elementwise(context, context, part.query.sizes().1, None, quantized);
        }
    }

    /// The FP32 rows `y` of a linear layer over `x`; FP32 layers have no activation.
    fn linear(&mut self, y: &str, part: &LinearPart, x: &str, function: Option<Activation>) {
        match part {
            LinearPart::Integer(part) => {
                let mut attributes = linear("linear", part);
                attributes.extend(function.map(activation));
                self.fused(super::linear::OP, &[&stored(x)], &[y], attributes);
            }
            LinearPart::Float(part) => {
                let product = format!("{y}.product");
                self.node("MatMul", &[x, &part.weights.name], &[&product], vec![]);
                self.node("Add", &[&product, &part.bias.name], &[y], vec![]);
            }
        }
    }

    /// Rows `y` of an activation of `x`: in the encoded form where a product in integers reads them, else in FP32.
    fn elementwise(
        &mut self,
        y: &str,
        x: &str,
        features: usize,
        function: Option<Activation>,
        quantized: Option<&Quantized>,
    ) {
        let mut attributes = vec![int("features", features as i64)];
        attributes.extend(function.map(activation));
        attributes.extend(quantized.into_iter().flat_map(output));
        match quantized {
            Some(_) => self.fused(elementwise::QUANTIZE, &[x], &[&stored(y)], attributes),
            None => self.fused(elementwise::ACTIVATION, &[x], &[y], attributes),
        }
    }

    /// The activated rows `wide`, in the form in which the second feed-forward layer reads them.
    fn feed_forward(&mut self, wide: &str, layer: &Layer, middle: &str) {
        match (&layer.up, layer.down.input()) {
            (LinearPart::Integer(up), Some(quantized)) => {
                let mut attributes = linear("linear", up);
                attributes.push(activation(layer.activation));
                attributes.extend(output(quantized));
                self.fused(activated::OP, &[&stored(middle)], &[&stored(wide)], attributes);
            }
            (LinearPart::Integer(_), None) => self.linear(wide, &layer.up, middle, Some(layer.activation)),
            (LinearPart::Float(up), quantized) => {
                let sums = format!("{wide}.sums");
                self.linear(&sums, &layer.up, middle, None);
                self.elementwise(wide, &sums, up.n, Some(layer.activation), quantized);
            }
        }
    }

    /// The rows `y` of the LayerNorm of a linear layer, whose inputs are heads, over `x`, and a residual.
    fn normed(
        &mut self,
        y: &str,
        (part, heads): (&LinearPart, usize),
        [x, residual]: [&str; 2],
        norm_part: &NormPart,
        quantized: Option<&Quantized>,
    ) {
        match part {
            LinearPart::Integer(part) => {
                let mut attributes = linear("linear", part);
                attributes.push(int("heads", heads as i64));
                attributes.extend(norm(norm_part));
                self.fused_rows(residual::OP, &[&stored(x), residual], y, quantized, attributes);
            }
            LinearPart::Float(_) => {
                let sums = format!("{y}.sums");
                self.linear(&sums, part, x, None);
                self.fused_rows(sum_norm::OP, &[&sums, residual], y, quantized, norm(norm_part));
            }
        }
    }
}
