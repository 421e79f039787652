//! A model with its tokenizer: from texts to answers.

use super::classification::ranking;
use super::{Classification, ClassifierBuilder, Model, RankedText, Repeat, Timing};
use crate::clock::now_ms;
use crate::error::{Error, Result};
use crate::metrics::Latency;
use crate::task::{Problem, Texts};
use crate::text::{TextInput, TextTokenizer, Tokens};
use std::path::Path;

/// A model with its tokenizer, ready to classify texts or pairs of texts. FP32 and INT8 files work alike, natively and in
/// a browser.
///
/// ```
/// use bert8::Classifier;
///
/// let classifier = Classifier::builder()
///     .model_bytes(include_bytes!("../../tests/golden/model.int8.onnx").to_vec())
///     .tokenizer_bytes(include_bytes!("../../tests/golden/tokenizer.json"))
///     .max_length(32)
///     .build()?;
/// let answer = classifier.classify(("The cat sat at home.", "A cat was at home."))?;
/// assert_eq!(answer.probabilities.len(), 2);
/// println!("{:?} after {:.1} ms", answer.label, answer.timing.infer_ms);
/// # Ok::<(), bert8::Error>(())
/// ```
#[derive(Debug)]
pub struct Classifier {
    model: Model,
    tokenizer: TextTokenizer,
    max_length: usize,
    threshold: f32,
}

/// The smallest probability at which a label of a multi-label model applies, if the caller does not set another.
const DEFAULT_THRESHOLD: f32 = 0.5;

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
    /// let answer = classifier.classify(("He left.", "He went away."))?;
    /// # Ok::<(), bert8::Error>(())
    /// ```
    ///
    /// # Errors
    /// If a file cannot be read or is damaged, the graph is not a sequence classifier, or the tokenizer belongs to another
    /// model.
    pub fn from_files(model: impl AsRef<Path>, tokenizer: impl AsRef<Path>) -> Result<Self> {
        Self::builder().model_file(model).tokenizer_file(tokenizer).build()
    }

    /// Combines a model and its tokenizer. Inputs are cut to `max_length` tokens, by default and at most the model's own
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
        // A model that does not tell how many texts it reads may get one. Pairs are checked when they come.
        tokenizer.check_limit(max_length, model.info().texts.unwrap_or(Texts::Single))?;
        Ok(Classifier { model, tokenizer, max_length, threshold: DEFAULT_THRESHOLD })
    }

    /// Sets the smallest probability at which a label of a multi-label model applies, in place of 0.5.
    ///
    /// # Errors
    /// If `threshold` is not from 0 to 1, or the model is not multi-label.
    pub fn with_threshold(self, threshold: f32) -> Result<Self> {
        if !(0.0..=1.0).contains(&threshold) {
            let problem = format!("the threshold must be a probability from 0 to 1, not {threshold}");
            return Err(Error::Argument(problem));
        }
        let problem = self.model.info().problem;
        if problem != Problem::MultiLabel {
            let file = &self.model.file_name;
            let problem = format!("{file} is a {problem} model; a threshold is only for multi-label models");
            return Err(Error::Argument(problem));
        }
        Ok(Classifier { threshold, ..self })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// The length limit in tokens, including special tokens. Longer inputs are cut.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// The smallest probability at which a label of a multi-label model applies.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// How many inputs to pass to one call of [`Classifier::classify_batch`] if the caller reports progress between calls.
    /// Fewer inputs cost speed.
    pub fn step_inputs(&self) -> usize {
        self.model.step_inputs()
    }

    /// Returns the token ids of a text or a pair, cut to [`Classifier::max_length`].
    ///
    /// # Errors
    /// If the model reads another number of texts, `max_length` leaves no room for words, the tokenizer fails, or the text
    /// holds padding that has no position ([`ModelInfo::padding_id`](super::ModelInfo::padding_id)).
    pub fn tokenize<'a>(&self, input: impl Into<TextInput<'a>>) -> Result<Tokens> {
        let input = input.into();
        let (info, file) = (self.model.info(), &self.model.file_name);
        if let Some(read) = info.texts.filter(|read| *read != input.texts()) {
            return Err(Error::Argument(format!("{file} reads {read} at a time, but was given {}", input.texts())));
        }
        let tokens = self.tokenizer.encode(input, self.max_length)?;
        match info.padding_id.filter(|&padding| tokens.ids.contains(&(padding as i64))) {
            None => Ok(tokens),
            Some(padding) => Err(Error::Argument(format!(
                "the text holds the padding token (id {padding}), for instance as a literal `<pad>`; padding has no position in \
                 {file}, so remove it from the text"
            ))),
        }
    }

    /// Classifies a text or a pair.
    ///
    /// ```
    /// # use bert8::Classifier;
    /// # let classifier = Classifier::builder()
    /// #     .model_bytes(include_bytes!("../../tests/golden/model.int8.onnx").to_vec())
    /// #     .tokenizer_bytes(include_bytes!("../../tests/golden/tokenizer.json"))
    /// #     .build()?;
    /// let one = classifier.classify("It is raining.")?;
    /// let pair = classifier.classify(("It is raining.", "rain"))?;
    /// # assert!(one.tokens < pair.tokens);
    /// # Ok::<(), bert8::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Classifier::tokenize`], and if the model fails.
    pub fn classify<'a>(&self, input: impl Into<TextInput<'a>>) -> Result<Classification> {
        self.classify_repeatedly(input, Repeat::default())
    }

    /// Classifies a text or a pair several times, for stable timing.
    ///
    /// # Errors
    /// As [`Classifier::classify`].
    pub fn classify_repeatedly<'a>(&self, input: impl Into<TextInput<'a>>, repeat: Repeat) -> Result<Classification> {
        let input = input.into();
        for _ in 0..repeat.warmup {
            self.model.logits(&self.tokenize(input)?)?;
        }
        let (mut tokenizing, mut inferring) = (Vec::new(), Vec::new());
        let begin = now_ms();
        let (tokens, logits) = loop {
            let start = now_ms();
            let tokens = self.tokenize(input)?;
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
        Ok(self.answer(&tokens, logits, timing))
    }

    /// Classifies many texts or pairs, mixed if the model allows both, and returns the answers in the same order. An INT8
    /// model runs several at a time, without padding; `infer_ms` is then the input's share of the time, in proportion to
    /// its tokens.
    ///
    /// ```
    /// # use bert8::Classifier;
    /// # let classifier = Classifier::builder()
    /// #     .model_bytes(include_bytes!("../../tests/golden/model.int8.onnx").to_vec())
    /// #     .tokenizer_bytes(include_bytes!("../../tests/golden/tokenizer.json"))
    /// #     .build()?;
    /// use bert8::text::TextInput;
    ///
    /// let answers = classifier.classify_batch(["rain", "It is raining."])?;
    /// assert_eq!(answers.len(), 2);
    /// let mixed = [TextInput::from("rain"), ("It is raining.", "rain").into()];
    /// assert_eq!(classifier.classify_batch(mixed)?.len(), 2);
    /// # Ok::<(), bert8::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Classifier::classify`], for any of the inputs.
    pub fn classify_batch<'a, I>(&self, inputs: I) -> Result<Vec<Classification>>
    where
        I: IntoIterator,
        I::Item: Into<TextInput<'a>>,
    {
        let mut tokenized = Vec::new();
        for input in inputs {
            let start = now_ms();
            let tokens = self.tokenize(input)?;
            tokenized.push((tokens, now_ms() - start));
        }
        let all: Vec<&Tokens> = tokenized.iter().map(|(tokens, _)| tokens).collect();
        let mut answers = Vec::with_capacity(all.len());
        self.model.run_batches(&all, |batch| {
            let per_token = batch.ms / batch.tokens as f64;
            for logits in batch.logits {
                let (tokens, tokenize_ms) = &tokenized[answers.len()];
                let infer_ms = per_token * tokens.ids.len() as f64;
                answers.push(self.answer(tokens, logits, Timing { tokenize_ms: *tokenize_ms, infer_ms, runs: 1 }));
            }
        })?;
        Ok(answers)
    }

    /// Scores the pair of `query` and each of `texts`, and returns the texts from the highest score to the lowest. Texts of
    /// equal score keep their order.
    ///
    /// ```no_run
    /// # let classifier = bert8::Classifier::from_files("reranker.int8.onnx", "tokenizer.json")?;
    /// let texts = ["Bread is baked.", "Rain is water that falls."];
    /// for ranked in classifier.rerank("What is rain?", texts)? {
    ///     println!("{:.3} {}", ranked.score, texts[ranked.index]);
    /// }
    /// # Ok::<(), bert8::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the model does not have exactly one output; otherwise as [`Classifier::classify`], for any of the pairs.
    pub fn rerank<S: AsRef<str>>(&self, query: &str, texts: impl IntoIterator<Item = S>) -> Result<Vec<RankedText>> {
        self.check_reranker()?;
        let texts: Vec<S> = texts.into_iter().collect();
        let answers = self.classify_batch(texts.iter().map(|text| (query, text.as_ref())))?;
        let ranked: Vec<RankedText> = answers.into_iter().enumerate().filter_map(RankedText::new).collect();
        let logits: Vec<f32> = ranked.iter().map(|text| text.logit).collect();
        Ok(ranking(&logits).into_iter().map(|at| ranked[at].clone()).collect())
    }

    /// Checks that the model can rerank: that it has exactly one output.
    ///
    /// # Errors
    /// If it has more.
    pub fn check_reranker(&self) -> Result<()> {
        match self.model.info().labels.len() {
            1 => Ok(()),
            outputs => Err(Error::Argument(format!(
                "{} has {outputs} outputs; reranking needs a model whose only output is a score",
                self.model.file_name
            ))),
        }
    }

    fn answer(&self, tokens: &Tokens, logits: Vec<f32>, timing: Timing) -> Classification {
        let unknown_id = self.tokenizer.unknown_id();
        Classification::new(self.model.info(), self.threshold, (tokens, unknown_id), logits, timing)
    }
}
