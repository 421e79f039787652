//! Runs the FP32 model on calibration texts and keeps the activations that quantization observes.
//!
//! tract's FP32 results depend on the processor. These are the same bits everywhere, so that quantization writes the same bytes
//! on every machine and in a browser.

use super::units::units;
use crate::bert::{Bert, Pooling, transpose};
use crate::error::{Error, Result};
use crate::kernels::{Dense, FloatAttention, FloatColumns, FloatLinear, Kernel, sequence_means};
use crate::text::Tokens;

/// What the model computes for one text.
pub struct FloatRun {
    /// The values `[tokens, channels]` of every observed activation, in the order of [`FloatModel::observed`].
    pub activations: Vec<Vec<f32>>,
    /// One logit for each label.
    pub logits: Vec<f32>,
}

/// A [`Bert`] with its weights packed for products.
pub struct FloatModel<'a> {
    bert: &'a Bert,
    projection: Option<FloatLinear>,
    layers: Vec<FloatLayer<'a>>,
    attention: FloatAttention,
    head: Option<Dense>,
    classifier: Dense,
}

/// The linear layers and norms of one encoder layer.
struct FloatLayer<'a> {
    query: FloatLinear,
    key: FloatLinear,
    value: FloatLinear,
    projection: FloatLinear,
    attention_norm: Norm<'a>,
    up: FloatLinear,
    down: FloatLinear,
    output_norm: Norm<'a>,
}

impl<'a> FloatModel<'a> {
    /// Packs the weights of `bert`.
    pub fn new(bert: &'a Bert) -> Self {
        let (config, kernel) = (bert.config(), Kernel::detect());
        let dense = |name: &str, activation| {
            let bias = bert.weight(&format!("{name}.bias"));
            let weights = transpose(bert.weight(&format!("{name}.weight")), bias.len());
            Dense::new(kernel, &weights, bias, activation)
        };
        let layer = |at: usize| {
            let linear = |part: &str| linear(bert, kernel, &format!("encoder.layer.{at}.{part}"));
            let norm = |part: &str| Norm::new(bert, &format!("encoder.layer.{at}.{part}.LayerNorm"));
            FloatLayer {
                query: linear("attention.self.query"),
                key: linear("attention.self.key"),
                value: linear("attention.self.value"),
                projection: linear("attention.output.dense"),
                attention_norm: norm("attention.output"),
                up: linear("intermediate.dense"),
                down: linear("output.dense"),
                output_norm: norm("output"),
            }
        };
        let score_scale = 1.0 / (config.head_size() as f32).sqrt();
        FloatModel {
            bert,
            projection: config.embedding_size.map(|_| linear(bert, kernel, "embeddings_project")),
            layers: (0..config.layers).map(layer).collect(),
            attention: FloatAttention {
                kernel,
                heads: config.heads,
                head_size: config.head_size(),
                score_scale,
                fused: false,
            },
            head: config.head.dense.map(|function| dense("pooler.dense", Some(function))),
            classifier: dense("classifier", None),
        }
    }

    /// The names in the graph and the channels of the activations to observe: the inputs of every unit's linear layers, queries and
    /// keys.
    pub fn observed(&self) -> Vec<(String, usize)> {
        let config = self.bert.config();
        let of_unit = |unit: super::Unit| {
            let inputs = self.bert.weight(&format!("{}.weight", unit.linears[0])).len()
                / self.bert.weight(&format!("{}.bias", unit.linears[0])).len();
            let sides =
                unit.scores.is_some().then(|| unit.linears[..2].iter().map(|side| (side.clone(), config.hidden)));
            std::iter::once((unit.input, inputs)).chain(sides.into_iter().flatten()).collect::<Vec<_>>()
        };
        units(config).into_iter().flat_map(of_unit).collect()
    }

    /// Runs the model on one text.
    ///
    /// # Errors
    /// If the text is empty, has not one token type for each token, has an id outside its table or more tokens than positions.
    pub fn run(&self, tokens: &Tokens) -> Result<FloatRun> {
        let config = self.bert.config();
        let count = tokens.ids.len();
        let mut activations = Vec::new();
        let mut x = self.embeddings(tokens)?;
        for layer in &self.layers {
            let [query, key, value] = [&layer.query, &layer.key, &layer.value].map(|layer| output(layer, &x));
            let mut context = vec![0.0; x.len()];
            self.attention.run([&query, &key, &value], &[count], &mut context);
            let mut middle = output(&layer.projection, &context);
            add(&mut middle, &x);
            layer.attention_norm.apply(&mut middle);
            let sums = output(&layer.up, &middle);
            let mut wide = vec![0.0; sums.len()];
            self.attention.kernel.activate(config.activation, &sums, &mut wide);
            let mut next = output(&layer.down, &wide);
            add(&mut next, &middle);
            layer.output_norm.apply(&mut next);
            activations.extend([std::mem::replace(&mut x, next), query, key, context, middle, wide]);
        }
        let mut pooled = vec![0.0; config.hidden];
        match config.head.pooling {
            Pooling::FirstToken => pooled.copy_from_slice(&x[..config.hidden]),
            Pooling::Mean => sequence_means(&x, &[count], config.hidden, &mut pooled),
        }
        if let Some(head) = &self.head {
            let mut out = vec![0.0; head.outputs()];
            head.run(&pooled, &mut out);
            pooled = out;
        }
        let mut logits = vec![0.0; self.classifier.outputs()];
        self.classifier.run(&pooled, &mut logits);
        Ok(FloatRun { activations, logits })
    }

    /// The rows that the first encoder layer reads.
    fn embeddings(&self, Tokens { ids, types, .. }: &Tokens) -> Result<Vec<f32>> {
        let config = self.bert.config();
        if ids.is_empty() || types.len() != ids.len() || ids.len() > config.max_positions {
            let problem = format!(
                "a calibration text has {} tokens and {} token types; expected as many types, and 1 to {} tokens",
                ids.len(),
                types.len(),
                config.max_positions
            );
            return Err(Error::Argument(problem));
        }
        let features = config.embedding_features();
        let table = |name: &str| self.bert.weight(&format!("embeddings.{name}_embeddings.weight"));
        let row = |table: &'a [f32], id: i64, what: &str| {
            let start = usize::try_from(id).ok().and_then(|id| id.checked_mul(features));
            start.and_then(|start| table.get(start..)?.get(..features)).ok_or_else(|| {
                Error::Argument(format!("a calibration text has the {what} {id}, which the model's table lacks"))
            })
        };
        let (words, positions) = (table("word"), table("position"));
        let type_rows = (config.type_vocab > 0).then(|| table("token_type"));
        let mut x = Vec::with_capacity(ids.len() * features);
        for (at, (&id, &token_type)) in ids.iter().zip(types).enumerate() {
            let start = x.len();
            x.extend_from_slice(row(words, id, "token id")?);
            if let Some(type_rows) = type_rows {
                add(&mut x[start..], row(type_rows, token_type, "token type")?);
            }
            add(&mut x[start..], row(positions, at as i64, "position")?);
        }
        Norm::new(self.bert, "embeddings.LayerNorm").apply(&mut x);
        Ok(self.projection.as_ref().map(|projection| output(projection, &x)).unwrap_or(x))
    }
}

/// The linear layer `name` of `bert`.
fn linear(bert: &Bert, kernel: Kernel, name: &str) -> FloatLinear {
    let (weights, bias) = (bert.weight(&format!("{name}.weight")), bert.weight(&format!("{name}.bias")));
    let inputs = weights.len() / bias.len();
    FloatLinear::new(FloatColumns::new(kernel, inputs, bias.len(), |k, n| weights[n * inputs + k]), bias)
}

/// The rows that `layer` computes from the rows `x`.
fn output(layer: &FloatLinear, x: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; x.len() / layer.inputs() * layer.outputs()];
    layer.run(x, &mut y);
    y
}

/// A LayerNorm of any number of features, with sums in FP64.
struct Norm<'a> {
    gamma: &'a [f32],
    beta: &'a [f32],
    epsilon: f64,
}

impl<'a> Norm<'a> {
    /// The norm `name` of `bert`.
    fn new(bert: &'a Bert, name: &str) -> Self {
        let [gamma, beta] = ["weight", "bias"].map(|part| bert.weight(&format!("{name}.{part}")));
        Norm { gamma, beta, epsilon: f64::from(bert.config().layer_norm_eps) }
    }

    /// Normalizes the rows of `x` in place.
    fn apply(&self, x: &mut [f32]) {
        for row in x.chunks_exact_mut(self.gamma.len()) {
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / row.len() as f64;
            let squares = row.iter().map(|&x| (f64::from(x) - mean) * (f64::from(x) - mean)).sum::<f64>();
            let scale = 1.0 / (squares / row.len() as f64 + self.epsilon).sqrt();
            for ((x, gamma), beta) in row.iter_mut().zip(self.gamma).zip(self.beta) {
                *x = ((f64::from(*x) - mean) * scale) as f32 * gamma + beta;
            }
        }
    }
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}
