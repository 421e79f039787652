//! A model with its tokenizer: sentence pairs to classes.

use super::{Classification, ClassifierBuilder, Model, Repeat, Timing};
use crate::clock::now_ms;
use crate::error::Result;
use crate::metrics::Latency;
use crate::task::Texts;
use crate::text::{TextTokenizer, Tokens};
use std::path::Path;

/// A model with its tokenizer, ready to classify pairs of sentences. FP32 and INT8 files work alike, natively and in a
/// browser.
///
/// ```
/// use bert8::Classifier;
///
/// let classifier = Classifier::builder()
///     .model_bytes(include_bytes!("../../tests/golden/model.int8.onnx").to_vec())
///     .tokenizer_bytes(include_bytes!("../../tests/golden/tokenizer.json"))
///     .max_length(32)
///     .build()?;
/// let answer = classifier.classify("The cat sat at home.", "A cat was at home.")?;
/// assert_eq!(answer.probabilities.len(), 2);
/// println!("{:?} after {:.1} ms", answer.label, answer.timing.infer_ms);
/// # Ok::<(), bert8::Error>(())
/// ```
#[derive(Debug)]
pub struct Classifier {
    model: Model,
    tokenizer: TextTokenizer,
    max_length: usize,
}

impl Classifier {
    /// Creates a builder that loads a model and its tokenizer from files or bytes.
    pub fn builder() -> ClassifierBuilder {
        ClassifierBuilder::default()
    }

    /// Loads the ONNX file and the tokenizer.json at these paths, with default options.
    ///
    /// ```no_run
    /// use bert8::Classifier;
    ///
    /// let classifier = Classifier::from_files("model.int8.onnx", "tokenizer.json")?;
    /// let answer = classifier.classify("He left.", "He went away.")?;
    /// # Ok::<(), bert8::Error>(())
    /// ```
    ///
    /// # Errors
    /// If a file cannot be read or is damaged, the graph is not a sequence classifier, or the tokenizer belongs to another
    /// model.
    pub fn from_files(model: impl AsRef<Path>, tokenizer: impl AsRef<Path>) -> Result<Self> {
        Self::builder().model_file(model).tokenizer_file(tokenizer).build()
    }

    /// Combines a model and its tokenizer. Pairs are cut to `max_length` tokens, by default and at most the model's own
    /// limit.
    ///
    /// # Errors
    /// If the tokenizer has ids that the model lacks, or `max_length` leaves no room for words.
    pub fn new(model: Model, tokenizer: TextTokenizer, max_length: Option<usize>) -> Result<Self> {
        if let Some(vocab_size) = model.info().vocab_size {
            tokenizer.check_vocabulary(vocab_size)?;
        }
        let limit = model.info().max_positions;
        let max_length = max_length.unwrap_or(limit).min(limit);
        tokenizer.check_limit(max_length, Texts::Pair)?;
        Ok(Classifier { model, tokenizer, max_length })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The length limit in tokens, including special tokens. Longer pairs are cut.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// How many pairs to pass to one call of [`Classifier::classify_batch`] if the caller reports progress between calls. Fewer
    /// pairs cost speed.
    pub fn step_pairs(&self) -> usize {
        self.model.step_pairs()
    }

    /// Returns the token ids of a pair, cut to [`Classifier::max_length`].
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn tokenize(&self, first: &str, second: &str) -> Result<Tokens> {
        self.tokenizer.encode((first, second), self.max_length)
    }

    /// Classifies one pair.
    ///
    /// # Errors
    /// If the tokenizer or the model fails.
    pub fn classify(&self, first: &str, second: &str) -> Result<Classification> {
        self.classify_repeatedly(first, second, Repeat::default())
    }

    /// Classifies one pair several times, for stable timing.
    ///
    /// # Errors
    /// If the tokenizer or the model fails.
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
        Ok(Classification::new(self.model.info(), &tokens, logits, timing))
    }

    /// Classifies many pairs and returns the answers in the same order. An INT8 model runs several pairs at a time, without
    /// padding; `infer_ms` is then the pair's share of the time, in proportion to its tokens.
    ///
    /// ```
    /// # use bert8::Classifier;
    /// # let classifier = Classifier::builder()
    /// #     .model_bytes(include_bytes!("../../tests/golden/model.int8.onnx").to_vec())
    /// #     .tokenizer_bytes(include_bytes!("../../tests/golden/tokenizer.json"))
    /// #     .build()?;
    /// let answers = classifier.classify_batch(&[("rain", "sun"), ("It is raining.", "rain")])?;
    /// assert_eq!(answers.len(), 2);
    /// # Ok::<(), bert8::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the tokenizer or the model fails for any pair.
    pub fn classify_batch<S: AsRef<str>>(&self, pairs: &[(S, S)]) -> Result<Vec<Classification>> {
        let mut tokenized = Vec::with_capacity(pairs.len());
        for (first, second) in pairs {
            let start = now_ms();
            let tokens = self.tokenize(first.as_ref(), second.as_ref())?;
            tokenized.push((tokens, now_ms() - start));
        }
        let all: Vec<&Tokens> = tokenized.iter().map(|(tokens, _)| tokens).collect();
        let mut answers = Vec::with_capacity(pairs.len());
        self.model.run_batches(&all, |batch| {
            let per_token = batch.ms / batch.tokens as f64;
            for logits in batch.logits {
                let (tokens, tokenize_ms) = &tokenized[answers.len()];
                let infer_ms = per_token * tokens.ids.len() as f64;
                let timing = Timing { tokenize_ms: *tokenize_ms, infer_ms, runs: 1 };
                answers.push(Classification::new(self.model.info(), tokens, logits, timing));
            }
        })?;
        Ok(answers)
    }
}
