//! Writes a recognised encoder as fused operators over unpadded rows. Linear layers of an FP32 encoder become MatMul and Add, which
//! tract multiplies faster. Those of an INT8 encoder have an operator whose results are the same bits everywhere.
//!
//! A value `x` of FP32 rows also has an encoded form, called [`encoded(x)`](encoded), if an integer product reads it.
//! Each form is only written if something reads it.

use super::both_forms::encoded;
use super::recognise::{AttentionPart, Encoder, Layer, LinearPart, NormPart, PoolingPart, Quantized, Scores};
use super::{
    FUSED_INPUTS, activated, activation, attention, embedding, float_attention, float_linear, linear, mean, quantize,
    residual, sum_norm,
};
use crate::kernels::Kernel;
use crate::onnx::pb;
use pb::attribute_proto::AttributeType;

/// The fused nodes, which read [`FUSED_INPUTS`]. Their attributes name the initializers of their tensors.
pub(super) fn nodes(encoder: &Encoder, kernel: Kernel) -> Vec<pb::NodeProto> {
    let mut emit = Emit { kernel, integers: encoder.has_integers(), nodes: Vec::new() };
    let mut x = emit.embeddings(encoder);
    for (at, layer) in encoder.layers.iter().enumerate() {
        let next = encoder.layers.get(at + 1);
        let first_only = next.is_none() && encoder.pooling == PoolingPart::FirstToken;
        let output = if first_only { encoder.pooled.to_owned() } else { format!("fused.layer.{at}.output") };
        emit.layer(&format!("fused.layer.{at}"), layer, &x, &output, next, first_only);
        x = output;
    }
    if encoder.pooling == PoolingPart::Mean {
        let features = encoder.layers.last().map_or(0, |layer| layer.output_norm.gamma.len());
        emit.nodes.push(mean::node(kernel, &x, encoder.pooled, features));
    }
    emit.nodes
}

struct Emit {
    kernel: Kernel,
    /// Whether a part of the encoder is in integers.
    integers: bool,
    nodes: Vec<pb::NodeProto>,
}

impl Emit {
    /// The rows that the first layer reads, and their encoded form if it reads that.
    fn embeddings(&mut self, encoder: &Encoder) -> String {
        let x = "fused.embeddings".to_owned();
        let quantized = encoder.layers[0].attention.input();
        let Some(projection) = &encoder.embedding_projection else {
            self.nodes.push(embedding::node(self.kernel, &x, &encoder.embedding, quantized));
            return x;
        };
        self.nodes.push(embedding::node(self.kernel, &x, &encoder.embedding, projection.input()));
        let projected = "fused.embeddings.projected".to_owned();
        self.linear(&projected, projection, &x);
        if let Some(quantized) = quantized {
            let features = projection.sizes().1;
            self.nodes.push(quantize::node(self.kernel, &projected, &projected, features, None, quantized));
        }
        projected
    }

    /// The encoder layer that computes the rows `output` from the rows `x`. Other values are called `name.…`. With
    /// `first_only`, it computes the rows of first tokens only.
    fn layer(&mut self, name: &str, layer: &Layer, x: &str, output: &str, next: Option<&Layer>, first_only: bool) {
        let name = |part: &str| format!("{name}.{part}");
        let (context, middle, wide) = (name("attention"), name("projection"), name("feed_forward"));
        // The rows with a query, which are also the residual.
        let query_rows = if first_only { name("first_tokens") } else { x.to_owned() };
        if first_only {
            self.first_tokens(&query_rows, x);
        }
        let heads = match layer.attention.scores {
            // This operator picks the first tokens itself.
            Scores::Integer { query_scale, key_scale } => {
                let (part, scales) = (&layer.attention, [query_scale, key_scale]);
                let quantized = layer.projection.input();
                self.nodes.push(attention::node(self.kernel, x, &context, part, scales, first_only, quantized));
                part.heads
            }
            Scores::Float => {
                if first_only && layer.attention.query.input().is_some() {
                    self.first_tokens(&encoded(&query_rows), &encoded(x));
                }
                self.float_attention(&context, &layer.attention, [&query_rows, x, x], layer.projection.input());
                // Heads of FP32 rows are not padded.
                1
            }
        };
        let quantized = layer.up.input();
        self.normed(&middle, (&layer.projection, heads), [&context, &query_rows], &layer.attention_norm, quantized);
        self.feed_forward(&wide, layer, &middle);
        let quantized = next.and_then(|next| next.attention.input());
        self.normed(output, (&layer.down, 1), [&wide, &middle], &layer.output_norm, quantized);
    }

    /// The rows of `x` at which sequences start.
    fn first_tokens(&mut self, first: &str, x: &str) {
        self.standard_node("Gather", [x, FUSED_INPUTS[2]], first);
        let axis =
            pb::AttributeProto { name: "axis".to_owned(), r#type: AttributeType::Int as i32, ..Default::default() };
        self.nodes.last_mut().expect("the node was just added").attribute.push(axis);
    }

    /// Attention with scores in FP32. Queries, keys and values are linear layers of the rows `x`.
    fn float_attention(&mut self, context: &str, part: &AttentionPart, x: [&str; 3], quantized: Option<&Quantized>) {
        let names = ["query", "key", "value"].map(|name| format!("{context}.{name}"));
        for ((name, part), x) in names.iter().zip(part.parts()).zip(x) {
            self.linear(name, part, x);
        }
        let (kernel, parts, features) = (self.kernel, names.each_ref().map(String::as_str), part.query.sizes().1);
        let fused = !self.integers;
        self.nodes.push(float_attention::node(kernel, parts, context, features, part.heads, part.score_scale, fused));
        if let Some(quantized) = quantized {
            self.nodes.push(quantize::node(kernel, context, context, features, None, quantized));
        }
    }

    /// The FP32 rows `y` of a linear layer over `x`, without an activation.
    fn linear(&mut self, y: &str, part: &LinearPart, x: &str) {
        match part {
            LinearPart::Integer(layer) => self.nodes.push(linear::node(self.kernel, x, y, layer, None)),
            LinearPart::Float(layer) if self.integers => self.nodes.push(float_linear::node(self.kernel, x, y, layer)),
            LinearPart::Float(layer) => {
                let product = format!("{y}.product");
                self.standard_node("MatMul", [x, &layer.weights.name], &product);
                self.standard_node("Add", [&product, &layer.bias.name], y);
            }
        }
    }

    /// The rows `wide` of the first feed-forward layer and its activation, in the form that the second layer reads.
    fn feed_forward(&mut self, wide: &str, layer: &Layer, middle: &str) {
        let (kernel, function) = (self.kernel, layer.activation);
        let node = match (&layer.up, layer.down.input()) {
            (LinearPart::Integer(up), Some(output)) => activated::node(kernel, middle, wide, up, function, output),
            (LinearPart::Integer(up), None) => linear::node(kernel, middle, wide, up, Some(function)),
            (LinearPart::Float(up), output) => {
                let sums = format!("{wide}.sums");
                self.linear(&sums, &layer.up, middle);
                match output {
                    Some(output) => quantize::node(kernel, &sums, wide, up.n, Some(function), output),
                    None => activation::node(kernel, &sums, wide, up.n, function),
                }
            }
        };
        self.nodes.push(node);
    }

    /// The rows `y`: the LayerNorm of a linear layer over `x`, whose rows are heads, plus a residual.
    fn normed(
        &mut self,
        y: &str,
        (part, heads): (&LinearPart, usize),
        [x, residual]: [&str; 2],
        norm: &NormPart,
        quantized: Option<&Quantized>,
    ) {
        let node = match part {
            LinearPart::Integer(layer) => residual::node(self.kernel, [x, residual], y, layer, heads, norm, quantized),
            LinearPart::Float(_) => {
                let sums = format!("{y}.sums");
                self.linear(&sums, part, x);
                sum_norm::node(self.kernel, [&sums, residual], y, norm, quantized)
            }
        };
        self.nodes.push(node);
    }

    /// A node of a standard operator, called like its output.
    fn standard_node(&mut self, op: &str, inputs: [&str; 2], output: &str) {
        self.nodes.push(pb::NodeProto {
            op_type: op.to_owned(),
            name: output.to_owned(),
            input: inputs.map(str::to_owned).into(),
            output: vec![output.to_owned()],
            ..Default::default()
        });
    }
}
