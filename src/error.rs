//! The library's one error type. Every variant says which file, node, tensor or line is at fault, what was found and
//! what to do about it, because it is shown as is on the command line and in the page.

use std::path::{Path, PathBuf};

/// A result with the library's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between a model file and an answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading or writing a file failed.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// What was attempted: `read`, `create`, `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason. Not a `source`: whoever prints the chain of sources would say it twice.
        reason: std::io::Error,
    },
    /// A file is truncated, is not what its name says, or holds something unusable.
    #[error("{file}: {problem}")]
    File {
        /// The file as the user named it, or a description of where the bytes came from.
        file: String,
        /// What was expected, what was found, and what to do.
        problem: String,
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
        /// The file the tensor was looked for in.
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
        /// The node's name, or its first output where it has none.
        node: String,
        /// The node's operator.
        op: String,
        /// What was expected and found.
        problem: String,
    },
    /// A line of a sentence-pair file cannot be used.
    #[error("{file}, line {line}: {problem}")]
    Line {
        /// The pairs file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What was expected and found.
        problem: String,
    },
    /// The inference engine refused the model or failed while running it.
    #[error("{file}: {stage} failed: {reason}")]
    Engine {
        /// The model file.
        file: String,
        /// What the engine was doing: `parsing`, `optimising`, `running`.
        stage: &'static str,
        /// The engine's own words.
        reason: String,
    },
    /// An argument contradicts another or lies outside its range.
    #[error("{0}")]
    Argument(String),
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(action: &'static str, path: &Path, reason: std::io::Error) -> Self {
        Error::Io { action, path: path.to_owned(), reason }
    }

    /// An [`Error::File`].
    pub fn file(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::File { file: file.into(), problem: problem.into() }
    }

    /// An [`Error::Tensor`].
    pub fn tensor(file: impl Into<String>, tensor: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Tensor { file: file.into(), tensor: tensor.into(), problem: problem.into() }
    }

    /// An [`Error::Engine`] carrying the whole chain of the engine's reasons.
    pub fn engine(
        file: impl Into<String>,
        stage: &'static str,
        reason: impl std::fmt::Debug + std::fmt::Display,
    ) -> Self {
        Error::Engine { file: file.into(), stage, reason: format!("{reason:#}") }
    }
}
