//! The library's one error type.
//!
//! Every message names the file, node, tensor or line at fault, says what was found, and says what to do about it. The
//! messages name the library's parameters; the command line adds its own options.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

/// A result with the library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of another library, as the source of an [`Error`].
type Source = Box<dyn StdError + Send + Sync>;

/// Returns the first `most` characters of `text`, and an ellipsis if there are more: messages quote files, which may be of any size.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What can go wrong between a model file and an answer.
///
/// `Display` shows one error without its source. [`Error::with_sources`] shows both.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing a file failed.
    #[error("cannot {action} {}", path.display())]
    #[non_exhaustive]
    Io {
        /// What was attempted: `read`, `create`, `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file is truncated, is not what its name says, or holds something unusable.
    #[error("{file}: {problem}")]
    #[non_exhaustive]
    File {
        /// The file's name as the caller gave it, or a description of where the bytes came from.
        file: String,
        /// What was expected, what was found, and what to do.
        problem: String,
        /// The parser's error, if any.
        source: Option<Source>,
    },
    /// A model configuration asks for something unsupported or contradictory.
    #[error("{file}: `{field}` {problem}")]
    Config {
        /// The configuration file.
        file: String,
        /// The field at fault.
        field: &'static str,
        /// What was expected and found.
        problem: String,
    },
    /// A weight tensor is missing or unusable.
    #[error("{file}: tensor `{tensor}` {problem}")]
    Tensor {
        /// The file that should hold the tensor.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// What was expected and found.
        problem: String,
    },
    /// A graph node is not what a BERT classifier needs.
    #[error("{file}: node `{node}` ({op}) {problem}")]
    Node {
        /// The ONNX file.
        file: String,
        /// The node's name, or its first output if it has no name.
        node: String,
        /// The node's operator.
        op: String,
        /// What was expected and found.
        problem: String,
    },
    /// A line of a file of texts cannot be used.
    #[error("{file}, line {line}: {problem}")]
    #[non_exhaustive]
    Line {
        /// The file of texts.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What was expected and found.
        problem: String,
        /// The parser's error, if any.
        source: Option<Source>,
    },
    /// An ONNX file cannot run as it is, but may run after an import: see
    /// [`import_onnx_file`](crate::bert::import_onnx_file) and [`emit_fp32`](crate::bert::emit_fp32).
    #[error("{file}: {problem}; if it is a BERT classifier, import it and write it as one FP32 ONNX file first")]
    #[non_exhaustive]
    NeedsImport {
        /// The ONNX file.
        file: String,
        /// Why it cannot run.
        problem: String,
        /// The engine's error, if any.
        source: Option<Source>,
    },
    /// The number of attention heads is unknown or wrong. The caller can set it with
    /// [`ImportOptions::heads`](crate::bert::ImportOptions::heads).
    #[error("{file}: {problem}")]
    #[non_exhaustive]
    Heads {
        /// The ONNX file.
        file: String,
        /// What was expected and found.
        problem: String,
    },
    /// It is unknown which output of an ONNX file holds the logits. The caller can name it with
    /// [`ImportOptions::output`](crate::bert::ImportOptions::output).
    #[error("{file}: {problem}")]
    #[non_exhaustive]
    Output {
        /// The ONNX file.
        file: String,
        /// What was expected and found.
        problem: String,
    },
    /// An ONNX file is already quantized. [`ImportOptions::requantize`](crate::bert::ImportOptions::requantize) accepts the
    /// INT8 files of other tools.
    #[error(
        "{file}: node `{node}` ({op}) shows that the file is already quantized; use the FP32 model that it was made from, or \
         set requantize to dequantize its weights, which does not bring back the accuracy that the first quantization lost"
    )]
    #[non_exhaustive]
    Quantized {
        /// The ONNX file.
        file: String,
        /// The quantized node's name, or its first output if it has no name.
        node: String,
        /// The node's operator.
        op: String,
    },
    /// The inference engine refused the model or failed while running it.
    #[error("{file}: {stage} failed")]
    #[non_exhaustive]
    Engine {
        /// The model file.
        file: String,
        /// What the engine was doing, such as `parsing the model`.
        stage: &'static str,
        /// The engine's error.
        source: Source,
    },
    /// An argument contradicts another or is out of range.
    #[error("{0}")]
    Argument(String),
}

impl Error {
    /// Creates an [`Error::Io`] for `path`.
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Error::Io { action, path: path.to_owned(), source }
    }

    /// Creates an [`Error::File`] without a source.
    pub fn file(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::File { file: file.into(), problem: problem.into(), source: None }
    }

    /// Creates an [`Error::File`] caused by `source`.
    pub fn file_from(file: impl Into<String>, problem: impl Into<String>, source: impl Into<Source>) -> Self {
        Error::File { file: file.into(), problem: problem.into(), source: Some(source.into()) }
    }

    /// Creates an [`Error::Line`] without a source.
    pub fn line(file: impl Into<String>, line: usize, problem: impl Into<String>) -> Self {
        Error::Line { file: file.into(), line, problem: problem.into(), source: None }
    }

    /// Creates an [`Error::Line`] caused by `source`.
    pub fn line_from(
        file: impl Into<String>,
        line: usize,
        problem: impl Into<String>,
        source: impl Into<Source>,
    ) -> Self {
        Error::Line { file: file.into(), line, problem: problem.into(), source: Some(source.into()) }
    }

    /// Creates an [`Error::Tensor`].
    pub fn tensor(file: impl Into<String>, tensor: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Tensor { file: file.into(), tensor: tensor.into(), problem: problem.into() }
    }

    /// Creates an [`Error::NeedsImport`] without a source.
    pub fn needs_import(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::NeedsImport { file: file.into(), problem: problem.into(), source: None }
    }

    /// Creates an [`Error::Heads`].
    pub fn heads(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Heads { file: file.into(), problem: problem.into() }
    }

    /// Creates an [`Error::Output`].
    pub fn output(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Output { file: file.into(), problem: problem.into() }
    }

    /// Creates an [`Error::Engine`] caused by `source`.
    pub fn engine(file: impl Into<String>, stage: &'static str, source: impl Into<Source>) -> Self {
        Error::Engine { file: file.into(), stage, source: source.into() }
    }

    /// The error's message followed by those of its sources, joined by `: `.
    ///
    /// ```
    /// use bert8::Model;
    ///
    /// let error = Model::from_file("missing.onnx").unwrap_err();
    /// assert_eq!(error.to_string(), "cannot read missing.onnx");
    /// assert!(error.with_sources().starts_with("cannot read missing.onnx: "));
    /// ```
    pub fn with_sources(&self) -> String {
        let sources = std::iter::successors(self.source(), |&error| error.source());
        sources.fold(self.to_string(), |text, source| format!("{text}: {source}"))
    }
}
