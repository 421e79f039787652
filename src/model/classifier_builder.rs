//! Named options for loading a classifier.

use super::{Classifier, Model, ModelBuilder};
use crate::error::{Error, Result};
use crate::kernels::{Kernel, ThreadPool};
use crate::model_file::ModelFile;
use crate::text::TextTokenizer;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Options for loading a [`Classifier`]; see [`Classifier::builder`].
///
/// A model and a tokenizer are required; everything else has a default.
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClassifierBuilder {
    model: Option<Input<ModelFile>>,
    model_options: ModelBuilder,
    tokenizer: Option<Input<Vec<u8>>>,
    tokenizer_name: Option<String>,
    max_length: Option<usize>,
    threshold: Option<f32>,
}

/// Where a file's content comes from.
#[derive(Debug)]
enum Input<T> {
    Path(PathBuf),
    Content(T),
}

impl ClassifierBuilder {
    /// Sets the path of the model's ONNX file.
    pub fn model_file(mut self, path: impl AsRef<Path>) -> Self {
        self.model = Some(Input::Path(path.as_ref().to_owned()));
        self
    }

    /// Sets the bytes of the model's ONNX file: a `Vec<u8>` or a [`ModelFile`].
    pub fn model_bytes(mut self, content: impl Into<ModelFile>) -> Self {
        self.model = Some(Input::Content(content.into()));
        self
    }

    /// Sets the name that errors use for the model's file. The default is its path, or `the model` for bytes.
    pub fn model_name(mut self, name: impl Into<String>) -> Self {
        self.model_options = self.model_options.file_name(name);
        self
    }

    /// Sets the path of the model's tokenizer.json.
    pub fn tokenizer_file(mut self, path: impl AsRef<Path>) -> Self {
        self.tokenizer = Some(Input::Path(path.as_ref().to_owned()));
        self
    }

    /// Sets the bytes of the model's tokenizer.json.
    pub fn tokenizer_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.tokenizer = Some(Input::Content(bytes.into()));
        self
    }

    /// Sets the name that errors use for the tokenizer's file. The default is its path, or `the tokenizer` for bytes.
    pub fn tokenizer_name(mut self, name: impl Into<String>) -> Self {
        self.tokenizer_name = Some(name.into());
        self
    }

    /// Sets the kernel for INT8 matrix products. The default is the fastest one, [`Kernel::detect`].
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.model_options = self.model_options.kernel(kernel);
        self
    }

    /// Sets the threads that load and run the model. The default is the calling thread alone.
    ///
    /// ```no_run
    /// use bert8::{Classifier, kernels::ThreadPool};
    /// use std::sync::Arc;
    ///
    /// let pool = Arc::new(ThreadPool::new(4)?);
    /// let classifier = Classifier::builder()
    ///     .model_file("model.int8.onnx")
    ///     .tokenizer_file("tokenizer.json")
    ///     .thread_pool(pool)
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn thread_pool(mut self, pool: Arc<ThreadPool>) -> Self {
        self.model_options = self.model_options.thread_pool(pool);
        self
    }

    /// Sets the length limit in tokens, including special tokens: longer inputs are cut. The default, and the largest
    /// possible value, is the model's own limit.
    pub fn max_length(mut self, tokens: usize) -> Self {
        self.max_length = Some(tokens);
        self
    }

    /// Sets the smallest probability at which a label of a multi-label model applies, from 0 to 1. The default is 0.5.
    pub fn threshold(mut self, probability: f32) -> Self {
        self.threshold = Some(probability);
        self
    }

    /// Loads the model and the tokenizer.
    ///
    /// # Errors
    /// If the model or the tokenizer is not set, cannot be read or is damaged; if the graph is not a sequence classifier;
    /// if the tokenizer has ids that the model lacks; if `max_length` leaves no room for words; if `threshold` is not from
    /// 0 to 1, or is set for a model that is not multi-label.
    pub fn build(self) -> Result<Classifier> {
        let missing = |what: &str| Error::Argument(format!("a classifier needs a {what}: set its file or its bytes"));
        let tokenizer = match self.tokenizer.ok_or_else(|| missing("tokenizer"))? {
            Input::Path(path) => {
                let bytes = std::fs::read(&path).map_err(|e| Error::io("read", &path, e))?;
                let name = self.tokenizer_name.unwrap_or_else(|| path.display().to_string());
                TextTokenizer::from_bytes(&bytes, &name)?
            }
            Input::Content(bytes) => {
                TextTokenizer::from_bytes(&bytes, self.tokenizer_name.as_deref().unwrap_or("the tokenizer"))?
            }
        };
        let model: Model = match self.model.ok_or_else(|| missing("model"))? {
            Input::Path(path) => self.model_options.load_file(path)?,
            Input::Content(content) => self.model_options.load(content)?,
        };
        let classifier = Classifier::new(model, tokenizer, self.max_length)?;
        match self.threshold {
            Some(threshold) => classifier.with_threshold(threshold),
            None => Ok(classifier),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_without_a_model_or_a_tokenizer_says_so() {
        let error = Classifier::builder().build().unwrap_err();
        assert!(error.to_string().contains("needs a tokenizer"), "{error}");
        let tokenizer = include_bytes!("../../tests/golden/tokenizer.json");
        let error = Classifier::builder().tokenizer_bytes(tokenizer).build().unwrap_err();
        assert!(error.to_string().contains("needs a model"), "{error}");
    }

    #[test]
    fn thresholds_are_probabilities_for_multi_label_models() {
        let build = |threshold| {
            let model = include_bytes!("../../tests/golden/model.int8.onnx").to_vec();
            let tokenizer = include_bytes!("../../tests/golden/tokenizer.json");
            let builder = Classifier::builder().model_bytes(model).model_name("m.onnx").tokenizer_bytes(tokenizer);
            builder.threshold(threshold).build().unwrap_err().to_string()
        };
        for wrong in [-0.1, 1.5, f32::NAN, f32::INFINITY] {
            assert_eq!(build(wrong), format!("the threshold must be a probability from 0 to 1, not {wrong}"));
        }
        assert_eq!(build(0.5), "m.onnx is a single-label model; a threshold is only for multi-label models");
    }

    #[test]
    fn names_are_used_in_errors() {
        let builder = || Classifier::builder().model_bytes(vec![1, 2, 3]).model_name("m.onnx").tokenizer_name("t.json");
        let error = builder().tokenizer_bytes(b"{}").build().unwrap_err();
        assert!(error.to_string().starts_with("t.json: "), "{error}");
        let error = builder().tokenizer_bytes(include_bytes!("../../tests/golden/tokenizer.json")).build().unwrap_err();
        assert!(error.to_string().starts_with("m.onnx: "), "{error}");
    }
}
