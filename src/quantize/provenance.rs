//! Where an INT8 file comes from.

use crate::integrity::Integrity;
use serde::{Deserialize, Serialize};

/// Where an INT8 file comes from: what a report says beyond numbers. None of it is in the file, so the same inputs have the
/// same bytes on any day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The name of the model that was quantized: that of its folder or file.
    pub model: String,
    /// The name of the preset.
    pub preset: String,
    /// The command line as it was typed, quoted for a POSIX shell. If none was typed: one that writes the same file, or `None`.
    pub command: Option<String>,
    /// The version of bert8.
    pub version: String,
    /// The date and time in UTC, as [`utc`](super::utc) writes it.
    pub date: String,
    /// The file with the calibration texts.
    pub calibration: SourceFile,
    /// The INT8 file.
    pub output: SourceFile,
}

/// A file, and the hash that tells whether another one is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The file's name.
    pub name: String,
    /// The hash of its bytes.
    pub integrity: Integrity,
}
