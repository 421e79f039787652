//! A sentence-pair classifier: tokenizer and model, the same for FP32 and INT8, native and in the browser.

use super::Model;
use crate::clock::now_ms;
use crate::error::Result;
use crate::metrics::{Latency, argmax};
use crate::text::{PairTokenizer, Tokens};
use serde::Serialize;

/// The answer for one pair: a class or, from a regression model, a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Classification {
    /// The name of the class with the largest logit; `None` for a regression model.
    pub label: Option<String>,
    /// Its id.
    pub label_id: Option<usize>,
    /// Softmax of the logits, by class id; empty for a regression model.
    pub probabilities: Vec<f32>,
    /// What a regression model puts out, as it is: the one logit.
    pub score: Option<f32>,
    /// What the model puts out, by class id.
    pub logits: Vec<f32>,
    /// Tokens of the pair, special ones included.
    pub tokens: usize,
    /// Whether the pair was longer than the limit and has been cut.
    pub truncated: bool,
    /// How long it took.
    pub timing: Timing,
}

/// Durations of one classification; medians where it was repeated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// Milliseconds from sentences to token ids.
    pub tokenize_ms: f64,
    /// Milliseconds from token ids to logits.
    pub infer_ms: f64,
    /// How often it was run, warm-up apart.
    pub runs: usize,
}

/// How often to repeat a classification for its timing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeat {
    /// Runs before the clock starts.
    pub warmup: usize,
    /// Timed runs, one at least.
    pub runs: usize,
    /// After this many milliseconds no further run starts.
    pub budget_ms: f64,
}

impl Default for Repeat {
    fn default() -> Self {
        Repeat { warmup: 0, runs: 1, budget_ms: f64::INFINITY }
    }
}

/// A model with its tokenizer, ready to classify pairs.
#[derive(Debug)]
pub struct Classifier {
    model: Model,
    tokenizer: PairTokenizer,
    max_length: usize,
}

impl Classifier {
    /// Loads a model from the bytes of an ONNX file and of a tokenizer.json; the file names are for errors. Pairs are
    /// cut to `max_length` tokens, by default and at most the model's own limit.
    ///
    /// # Errors
    /// If a file is damaged, the two do not belong together, or the graph is not a sequence classifier.
    pub fn from_bytes(model: (Vec<u8>, &str), tokenizer: (&[u8], &str), max_length: Option<usize>) -> Result<Self> {
        let tokenizer = PairTokenizer::from_bytes(tokenizer.0, tokenizer.1)?;
        Self::new(Model::from_bytes(model.0, model.1)?, tokenizer, max_length)
    }

    /// Puts a model and its tokenizer together, as [`Classifier::from_bytes`] does.
    ///
    /// # Errors
    /// If the tokenizer has ids that the model lacks, or `max_length` is 0.
    pub fn new(model: Model, tokenizer: PairTokenizer, max_length: Option<usize>) -> Result<Self> {
        if let Some(vocab_size) = model.info().vocab_size {
            tokenizer.check_vocabulary(vocab_size)?;
        }
        let limit = model.info().max_positions;
        let max_length = max_length.unwrap_or(limit).min(limit);
        tokenizer.check_limit(max_length)?;
        Ok(Classifier { model, tokenizer, max_length })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The longest pair in tokens; longer ones are cut.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// The token ids of a pair, cut to [`Classifier::max_length`].
    pub fn tokenize(&self, first: &str, second: &str) -> Result<Tokens> {
        self.tokenizer.encode(first, second, self.max_length)
    }

    /// Answers for one pair.
    pub fn classify(&self, first: &str, second: &str) -> Result<Classification> {
        self.classify_repeatedly(first, second, Repeat::default())
    }

    /// Answers for one pair, repeating the work for stable timing.
    pub fn classify_repeatedly(&self, first: &str, second: &str, repeat: Repeat) -> Result<Classification> {
        for _ in 0..repeat.warmup {
            self.model.logits(&self.tokenize(first, second)?)?;
        }
        let (mut tokenizing, mut inferring) = (Vec::new(), Vec::new());
        let begin = now_ms();
        let (tokens, logits) = loop {
            let start = now_ms();
            let tokens = self.tokenize(first, second)?;
            let middle = now_ms();
            let logits = self.model.logits(&tokens)?;
            let end = now_ms();
            tokenizing.push(middle - start);
            inferring.push(end - middle);
            if inferring.len() >= repeat.runs || end - begin >= repeat.budget_ms {
                break (tokens, logits);
            }
        };
        let median = |durations: &[f64]| Latency::new(durations).map_or(0.0, |l| l.p50_ms);
        let timing = Timing { tokenize_ms: median(&tokenizing), infer_ms: median(&inferring), runs: inferring.len() };
        Ok(self.classification(&tokens, logits, timing))
    }

    /// Answers for many pairs. An INT8 model takes several at a time, without padding; `infer_ms` is then a pair's share of
    /// their time, by tokens.
    pub fn classify_batch<S: AsRef<str>>(&self, pairs: &[(S, S)]) -> Result<Vec<Classification>> {
        let mut tokenized = Vec::with_capacity(pairs.len());
        for (first, second) in pairs {
            let start = now_ms();
            let tokens = self.tokenize(first.as_ref(), second.as_ref())?;
            tokenized.push((tokens, now_ms() - start));
        }
        let all: Vec<&Tokens> = tokenized.iter().map(|(tokens, _)| tokens).collect();
        let mut answers = Vec::with_capacity(pairs.len());
        while answers.len() < all.len() {
            let done = answers.len();
            let batch = &all[done..][..self.model.batch_len(&all[done..])];
            let start = now_ms();
            let logits = self.model.logits_of(batch)?;
            let per_token = (now_ms() - start) / batch.iter().map(|tokens| tokens.ids.len()).sum::<usize>() as f64;
            for ((tokens, tokenize_ms), logits) in tokenized[done..].iter().zip(logits) {
                let infer_ms = per_token * tokens.ids.len() as f64;
                answers.push(self.classification(
                    tokens,
                    logits,
                    Timing { tokenize_ms: *tokenize_ms, infer_ms, runs: 1 },
                ));
            }
        }
        Ok(answers)
    }

    fn classification(&self, tokens: &Tokens, logits: Vec<f32>, timing: Timing) -> Classification {
        let info = self.model.info();
        let label_id = (!info.is_regression()).then(|| argmax(&logits));
        Classification {
            label: label_id.map(|id| info.labels[id].clone()),
            label_id,
            probabilities: if info.is_regression() { Vec::new() } else { softmax(&logits) },
            score: logits.first().copied().filter(|_| info.is_regression()),
            logits,
            tokens: tokens.ids.len(),
            truncated: tokens.truncated,
            timing,
        }
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let numerators: Vec<f32> = logits.iter().map(|logit| (logit - max).exp()).collect();
    let sum: f32 = numerators.iter().sum();
    numerators.into_iter().map(|numerator| numerator / sum).collect()
}
