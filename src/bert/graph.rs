//! The ONNX graph of a BERT classifier. FP32 and INT8 files share it; a [`Lowering`] writes the parts in which they differ.

use super::{Bert, BertConfig, HeadActivation, Pooling};
use crate::activation::Activation;
use crate::onnx::pb::tensor_proto::DataType;
use crate::onnx::{Attribute, Dim, GraphBuilder, metadata, pb};
use crate::task::Problem;
use Attribute::{Float, Int, Ints};

/// The metadata key of the file's [`BertConfig`], which is stored as JSON.
const CONFIG_KEY: &str = "bert8.config";
/// The value that is added to the scores of masked tokens. It is the lowest finite FP32 value, which makes their softmax
/// weights exactly 0.
const MASKED: f32 = f32::MIN;

/// Writes the parts of the graph that quantization changes. Every method adds nodes to `graph` and returns the name of the
/// value that holds the result.
pub trait Lowering {
    /// Looks up the rows `ids` of the embedding table `tensor` `[rows, H]`. `ids` names an INT64 value.
    fn embedding(&mut self, graph: &mut GraphBuilder, bert: &Bert, tensor: &str, ids: &str) -> String;

    /// `x · Wᵀ + b` with the tensors `{layer}.weight` `[out, in]` and `{layer}.bias` `[out]`. The returned value is named
    /// `layer`.
    fn linear(&mut self, graph: &mut GraphBuilder, bert: &Bert, layer: &str, x: &str) -> String;

    /// The attention scores `q · kᵀ / √d` of one layer, `[batch, heads, sequence, sequence]`. `query` and `key` name values
    /// `[batch, heads, sequence, d]`. Names of new nodes start with `prefix`, which ends with `.scores`.
    fn scores(&mut self, graph: &mut GraphBuilder, bert: &Bert, prefix: &str, query: &str, key: &str) -> String;

    /// The biases of the classifier, by class id.
    fn classifier_bias<'a>(&'a self, bert: &'a Bert) -> &'a [f32] {
        bert.weight("classifier.bias")
    }
}

/// Writes the graph of `bert`. Its inputs are `input_ids`, `attention_mask` and, if the model has token types,
/// `token_type_ids`, INT64 `[batch, sequence]`; its output is `logits`, FP32 `[batch, labels]`.
pub fn build_graph(bert: &Bert, lowering: &mut dyn Lowering) -> pb::ModelProto {
    let config = bert.config();
    let mut g = GraphBuilder::new("bert-sequence-classifier");
    let tokens = [Dim::Named("batch"), Dim::Named("sequence")];
    for input in ["input_ids", "attention_mask"] {
        g.input(input, DataType::Int64, &tokens);
    }
    if config.type_vocab > 0 {
        g.input("token_type_ids", DataType::Int64, &tokens);
    }
    g.output("logits", DataType::Float, &[Dim::Named("batch"), Dim::Fixed(config.labels.len())]);

    let mask = additive_mask(&mut g);
    let mut x = embeddings(&mut g, bert, lowering);
    for layer in 0..config.layers {
        x = encoder_layer(&mut g, bert, lowering, layer, &x, &mask);
    }
    let mut pooled = pool(&mut g, config.head.pooling, &x);
    if let Some(function) = config.head.dense {
        pooled = float_linear(&mut g, bert, "pooler.dense", bert.weight("pooler.dense.bias"), &pooled);
        pooled = head_activation(&mut g, function, "pooler.activation", &pooled);
    }
    let logits = float_linear(&mut g, bert, "classifier", lowering.classifier_bias(bert), &pooled);
    g.node("Identity", "logits", &[&logits], &[]);
    let json = serde_json::to_string(config).expect("every field of a configuration can be written as JSON");
    g.finish(&[(CONFIG_KEY, json)])
}

/// Returns the configuration that [`build_graph`] stored in `model`. Returns `None` if another program wrote the file, or if
/// the stored sizes are not valid.
pub fn embedded_config(model: &pb::ModelProto) -> Option<BertConfig> {
    let mut config: BertConfig = serde_json::from_str(metadata(model, CONFIG_KEY)?).ok()?;
    // Files of version 0.2 and earlier do not state the problem.
    if config.labels.len() == 1 && config.problem == Problem::SingleLabel {
        config.problem = Problem::Regression;
    }
    config.validate(CONFIG_KEY).ok().map(|()| config)
}

/// Adds `x · Wᵀ + bias` in FP32, as MatMul and Add, and returns the result's name, `layer`.
pub(super) fn float_linear(g: &mut GraphBuilder, bert: &Bert, layer: &str, bias: &[f32], x: &str) -> String {
    let out = bias.len();
    let transposed = transpose(bert.weight(&format!("{layer}.weight")), out);
    let weight = g.f32s(&format!("{layer}.weight_t"), &[transposed.len() / out, out], &transposed);
    let bias = g.f32s(&format!("{layer}.bias"), &[out], bias);
    let product = g.node("MatMul", &format!("{layer}.matmul"), &[x, &weight], &[]);
    g.node("Add", layer, &[&product, &bias], &[])
}

/// Transposes a row-major matrix `[rows, cols]` to `[cols, rows]`.
pub(crate) fn transpose<T: Copy>(values: &[T], rows: usize) -> Vec<T> {
    let cols = values.len() / rows;
    (0..cols).flat_map(|c| (0..rows).map(move |r| values[r * cols + c])).collect()
}

/// The mask to add to attention scores, `[batch, 1, 1, sequence]`: 0 for tokens, [`MASKED`] for padding.
fn additive_mask(g: &mut GraphBuilder) -> String {
    let axes = g.i64s("mask.axes", &[2], &[1, 2]);
    let one = g.f32_scalar("mask.one", 1.0);
    let lowest = g.f32_scalar("mask.lowest", MASKED);
    let float = g.node("Cast", "mask.float", &["attention_mask"], &[("to", Int(DataType::Float as i64))]);
    let wide = g.node("Unsqueeze", "mask.wide", &[&float, &axes], &[]);
    let inverse = g.node("Sub", "mask.inverse", &[&one, &wide], &[]);
    g.node("Mul", "mask.additive", &[&inverse, &lowest], &[])
}

/// The sum of word, token type and position embeddings after LayerNorm and projection, `[batch, sequence, H]`.
fn embeddings(g: &mut GraphBuilder, bert: &Bert, lowering: &mut dyn Lowering) -> String {
    let words = lowering.embedding(g, bert, "embeddings.word_embeddings.weight", "input_ids");
    let types = (bert.config().type_vocab > 0)
        .then(|| lowering.embedding(g, bert, "embeddings.token_type_embeddings.weight", "token_type_ids"));
    let (zero, one) = (g.i64s("position.start", &[], &[0]), g.i64s("position.step", &[], &[1]));
    let axis = g.i64s("position.axis", &[], &[1]);
    let shape = g.node("Shape", "position.shape", &["input_ids"], &[]);
    let length = g.node("Gather", "position.length", &[&shape, &axis], &[("axis", Int(0))]);
    let ids = g.node("Range", "position.ids", &[&zero, &length, &one], &[]);
    let positions = lowering.embedding(g, bert, "embeddings.position_embeddings.weight", &ids);
    let sum = match types {
        Some(types) => g.node("Add", "embeddings.words_and_types", &[&words, &types], &[]),
        None => words,
    };
    let sum = g.node("Add", "embeddings.sum", &[&sum, &positions], &[]);
    let x = layer_norm(g, bert, "embeddings.LayerNorm", &sum);
    match bert.config().embedding_size {
        Some(_) => float_linear(g, bert, "embeddings_project", bert.weight("embeddings_project.bias"), &x),
        None => x,
    }
}

/// One encoder layer: attention and feed-forward block, each with residual and LayerNorm. Maps `x` `[batch, sequence, H]` to
/// the same shape.
fn encoder_layer(
    g: &mut GraphBuilder,
    bert: &Bert,
    lowering: &mut dyn Lowering,
    layer: usize,
    x: &str,
    mask: &str,
) -> String {
    let at = format!("encoder.layer.{layer}");
    let context = attention(g, bert, lowering, &format!("{at}.attention.self"), x, mask);
    let attended = lowering.linear(g, bert, &format!("{at}.attention.output.dense"), &context);
    let sum = g.node("Add", &format!("{at}.attention.output.residual"), &[&attended, x], &[]);
    let x = layer_norm(g, bert, &format!("{at}.attention.output.LayerNorm"), &sum);
    let wide = lowering.linear(g, bert, &format!("{at}.intermediate.dense"), &x);
    let wide = activation(g, bert.config().activation, &format!("{at}.intermediate.activation"), &wide);
    let narrow = lowering.linear(g, bert, &format!("{at}.output.dense"), &wide);
    let sum = g.node("Add", &format!("{at}.output.residual"), &[&narrow, &x], &[]);
    layer_norm(g, bert, &format!("{at}.output.LayerNorm"), &sum)
}

/// Self-attention before its output layer: the context `[batch, sequence, H]`. Names of nodes start with `at`.
fn attention(g: &mut GraphBuilder, bert: &Bert, lowering: &mut dyn Lowering, at: &str, x: &str, mask: &str) -> String {
    let config = bert.config();
    let split = g.i64s("heads.shape", &[4], &[0, 0, config.heads as i64, config.head_size() as i64]);
    let merged = g.i64s("hidden.shape", &[3], &[0, 0, config.hidden as i64]);
    let mut heads = |part: &str| {
        let name = format!("{at}.{part}");
        let flat = lowering.linear(g, bert, &name, x);
        let reshaped = g.node("Reshape", &format!("{name}.split"), &[&flat, &split], &[]);
        g.node("Transpose", &format!("{name}.heads"), &[&reshaped], &[("perm", Ints(vec![0, 2, 1, 3]))])
    };
    let (query, key, value) = (heads("query"), heads("key"), heads("value"));
    let scores = lowering.scores(g, bert, &format!("{at}.scores"), &query, &key);
    let masked = g.node("Add", &format!("{at}.masked"), &[&scores, mask], &[]);
    let weights = g.node("Softmax", &format!("{at}.softmax"), &[&masked], &[("axis", Int(-1))]);
    let context = g.node("MatMul", &format!("{at}.context.heads"), &[&weights, &value], &[]);
    let context = g.node("Transpose", &format!("{at}.context.split"), &[&context], &[("perm", Ints(vec![0, 2, 1, 3]))]);
    g.node("Reshape", &format!("{at}.context"), &[&context, &merged], &[])
}

/// The row of each sequence that the head reads, `[batch, H]`, from the rows `x` of its tokens.
fn pool(g: &mut GraphBuilder, pooling: Pooling, x: &str) -> String {
    match pooling {
        Pooling::FirstToken => {
            let first = g.i64s("cls_position", &[], &[0]);
            g.node("Gather", "pooler.cls", &[x, &first], &[("axis", Int(1))])
        }
        Pooling::Mean => {
            let (last, tokens) = (g.i64s("pooler.last_axis", &[1], &[-1]), g.i64s("pooler.token_axis", &[1], &[1]));
            let weights = g.node("Unsqueeze", "pooler.weights", &["mask.float", &last], &[]);
            let weighted = g.node("Mul", "pooler.weighted", &[x, &weights], &[]);
            let keep = [("keepdims", Int(0))];
            let sum = g.node("ReduceSum", "pooler.sum", &[&weighted, &tokens], &keep);
            let count = g.node("ReduceSum", "pooler.count", &[&weights, &tokens], &keep);
            g.node("Div", "pooler.mean", &[&sum, &count], &[])
        }
    }
}

fn head_activation(g: &mut GraphBuilder, function: HeadActivation, name: &str, x: &str) -> String {
    match function {
        HeadActivation::Tanh => g.node("Tanh", name, &[x], &[]),
        HeadActivation::Relu => activation(g, Activation::Relu, name, x),
        HeadActivation::Gelu => activation(g, Activation::Gelu, name, x),
    }
}

fn layer_norm(g: &mut GraphBuilder, bert: &Bert, name: &str, x: &str) -> String {
    let [gamma, beta] = ["weight", "bias"].map(|part| {
        let tensor = format!("{name}.{part}");
        let values = bert.weight(&tensor);
        g.f32s(&tensor, &[values.len()], values)
    });
    let epsilon = Float(bert.config().layer_norm_eps);
    g.node("LayerNormalization", name, &[x, &gamma, &beta], &[("axis", Int(-1)), ("epsilon", epsilon)])
}

fn activation(g: &mut GraphBuilder, kind: Activation, name: &str, x: &str) -> String {
    match kind {
        Activation::Relu => g.node("Relu", name, &[x], &[]),
        Activation::Gelu => {
            let sqrt2 = g.f32_scalar("gelu.sqrt2", std::f32::consts::SQRT_2);
            let (one, half) = (g.f32_scalar("gelu.one", 1.0), g.f32_scalar("gelu.half", 0.5));
            let scaled = g.node("Div", &format!("{name}.scaled"), &[x, &sqrt2], &[]);
            let erf = g.node("Erf", &format!("{name}.erf"), &[&scaled], &[]);
            let sum = g.node("Add", &format!("{name}.sum"), &[&erf, &one], &[]);
            let product = g.node("Mul", &format!("{name}.product"), &[x, &sum], &[]);
            g.node("Mul", name, &[&product, &half], &[])
        }
        Activation::GeluTanh => {
            let cubic = g.f32_scalar("gelu.cubic", 0.044715);
            let slope = g.f32_scalar("gelu.slope", (2.0 / std::f32::consts::PI).sqrt());
            let (one, half) = (g.f32_scalar("gelu.one", 1.0), g.f32_scalar("gelu.half", 0.5));
            let square = g.node("Mul", &format!("{name}.square"), &[x, x], &[]);
            let cube = g.node("Mul", &format!("{name}.cube"), &[&square, x], &[]);
            let cube = g.node("Mul", &format!("{name}.cubic_term"), &[&cube, &cubic], &[]);
            let inner = g.node("Add", &format!("{name}.inner"), &[x, &cube], &[]);
            let inner = g.node("Mul", &format!("{name}.scaled"), &[&inner, &slope], &[]);
            let tanh = g.node("Tanh", &format!("{name}.tanh"), &[&inner], &[]);
            let sum = g.node("Add", &format!("{name}.sum"), &[&tanh, &one], &[]);
            let product = g.node("Mul", &format!("{name}.product"), &[x, &sum], &[]);
            g.node("Mul", name, &[&product, &half], &[])
        }
    }
}
