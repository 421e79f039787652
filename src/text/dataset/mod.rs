//! Reads files of texts and pairs of texts, with or without labels: TSV, CSV, JSON lines, JSON arrays and plain text.
//!
//! Columns and fields are found by their names: those of every GLUE task, and other usual ones. [`Dataset::read`] tells the
//! formats apart by the file's content.

mod columns;
mod json;
mod label;
mod table;

pub use label::Label;

use super::TextInput;
use crate::error::{Error, Result};
use crate::metrics::Target;
use crate::task::{Problem, Texts};
use std::path::Path;

/// One row of a file: a text or a pair of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The row's first line in the file, counted from 1.
    pub line: usize,
    /// The only text, or the first of a pair.
    pub first: String,
    /// The second text of a pair.
    pub second: Option<String>,
    /// The label as written; `None` if the row has none.
    pub label: Option<Label>,
}

impl Example {
    /// The texts.
    pub fn input(&self) -> TextInput<'_> {
        TextInput { first: &self.first, second: self.second.as_deref() }
    }

    /// Returns the row's label as the right answer of a model with these `labels`, or `None` if the row has none. The labels
    /// of GLUE's hidden test sets (-1) and of pairs without a majority (`-`) count as none.
    ///
    /// # Errors
    /// If the label is not one that the model can answer, or has two meanings. The error names `file_name` and the line.
    pub fn target(&self, problem: Problem, labels: &[String], file_name: &str) -> Result<Option<Target>> {
        let Some(label) = &self.label else { return Ok(None) };
        label.target(problem, labels).map_err(|problem| Error::line(file_name, self.line, problem))
    }
}

/// What to do about rows that cannot be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BadRows {
    /// The first one is an error.
    #[default]
    Refuse,
    /// They are left out, and listed in [`Dataset::skipped`].
    Skip,
}

/// The rows of a file.
#[derive(Debug)]
pub struct Dataset {
    /// The file's name, for errors.
    pub file_name: String,
    /// Whether the rows hold one text or two.
    pub texts: Texts,
    /// The rows, in the order of the file.
    pub examples: Vec<Example>,
    /// The rows that were left out, each with the reason.
    pub skipped: Vec<Error>,
    bad_rows: BadRows,
}

impl Dataset {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If the file cannot be read, is not UTF-8 text, names no columns of texts, or holds no usable row. Unless `bad_rows`
    /// says otherwise, also if a row is not like the others: of another width, not UTF-8, with another number of texts. The
    /// error names the line.
    pub fn read(path: &Path, bad_rows: BadRows) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        Self::from_bytes(&bytes, &path.display().to_string(), bad_rows)
    }

    /// Reads the rows in `bytes`, the content of a file called `file_name`. The name's ending, such as `.csv`, decides where the
    /// content allows several formats.
    ///
    /// # Errors
    /// As [`Dataset::read`].
    pub fn from_bytes(bytes: &[u8], file_name: &str, bad_rows: BadRows) -> Result<Self> {
        let ending = Path::new(file_name).extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        let bytes = text_bytes(bytes).map_err(|problem| Error::file(file_name, problem))?;
        let rows = if json::is_json(bytes, &ending) {
            json::rows(bytes, file_name)?
        } else if ending == "txt" && !table::is_table(bytes) {
            plain_lines(bytes, file_name)
        } else {
            table::rows(bytes, &ending, file_name)?
        };
        let (mut examples, mut skipped): (Vec<Example>, _) = (Vec::new(), Vec::new());
        for row in rows {
            let row = row.and_then(|row| match examples.first().map(|first| first.input().texts()) {
                Some(texts) if texts != row.input().texts() => {
                    let problem = format!("has {}, the first row has {texts}", row.input().texts());
                    Err(Error::line(file_name, row.line, problem))
                }
                _ => Ok(row),
            });
            match row {
                Ok(row) => examples.push(row),
                Err(error) if bad_rows == BadRows::Skip => skipped.push(error),
                Err(error) => return Err(error),
            }
        }
        let Some(first) = examples.first() else {
            return Err(match skipped.into_iter().next() {
                Some(error) => Error::file_from(file_name, "holds no usable row", error),
                None => Error::file(file_name, "holds no rows"),
            });
        };
        Ok(Dataset { file_name: file_name.to_owned(), texts: first.input().texts(), examples, skipped, bad_rows })
    }

    /// Checks that a row holds as many texts as a model reads; `None` reads any number. `model` is its name in the error.
    ///
    /// # Errors
    /// If a row holds another number of texts.
    pub fn check_texts(&self, texts: Option<Texts>, model: &str) -> Result<()> {
        let Some(texts) = texts.filter(|texts| *texts != self.texts) else { return Ok(()) };
        let Dataset { file_name, texts: found, examples, .. } = self;
        let line = examples.first().map_or(1, |row| row.line);
        Err(Error::Argument(format!("{model} reads {texts}, but a row of {file_name} has {found} (line {line})")))
    }

    /// Returns every row's label as the right answer of a model with these `labels`, or `None` for rows without a label. Rows
    /// whose label cannot be used are an error or are left out, as [`Dataset::read`] was told.
    ///
    /// Scores that are all −1 are those of a hidden test set, which count as none. If a model that decides whether its one
    /// label applies meets labels between 0 and 1, or beyond, they are scores: such models also rank.
    ///
    /// # Errors
    /// As [`Example::target`].
    pub fn targets(&mut self, problem: Problem, labels: &[String]) -> Result<Vec<Option<Target>>> {
        let (mut kept, mut targets) = (Vec::new(), Vec::new());
        let found: Vec<_> = self.row_targets(problem, labels).collect();
        for (example, target) in std::mem::take(&mut self.examples).into_iter().zip(found) {
            match target {
                Ok(target) => targets.push(target),
                Err(error) if self.bad_rows == BadRows::Skip => {
                    self.skipped.push(error);
                    continue;
                }
                Err(error) => return Err(error),
            }
            kept.push(example);
        }
        self.examples = kept;
        match self.examples.is_empty() {
            true => Err(Error::file(&self.file_name, "holds no row with a usable label")),
            false => Ok(targets),
        }
    }

    /// Returns for each row what [`Dataset::targets`] says of it: the right answer, none, or why its label cannot be used.
    pub fn row_targets<'a>(
        &'a self,
        problem: Problem,
        labels: &'a [String],
    ) -> impl Iterator<Item = Result<Option<Target>>> + 'a {
        let as_scores = problem == Problem::MultiLabel && labels.len() == 1 && self.has_graded_labels();
        let problem = if as_scores { Problem::Regression } else { problem };
        let target = move |example: &Example| example.target(problem, labels, &self.file_name);
        let is_hidden = |row: &Example| matches!(target(row), Err(_) | Ok(None | Some(Target::Score(-1.0))));
        let hidden = problem == Problem::Regression && self.examples.iter().all(is_hidden);
        self.examples.iter().map(move |row| target(row).map(|found| found.filter(|_| !hidden)))
    }

    /// Whether every label is a number, and one of them is neither 0 nor 1 nor the −1 of a hidden test set.
    fn has_graded_labels(&self) -> bool {
        let numbers: Option<Vec<f64>> =
            self.examples.iter().filter_map(|example| example.label.as_ref()).map(Label::number).collect();
        numbers.is_some_and(|numbers| numbers.iter().any(|number| ![-1.0, 0.0, 1.0].contains(number)))
    }
}

/// Returns `bytes` without a byte order mark, or what is wrong if they are obviously no UTF-8 text.
fn text_bytes(bytes: &[u8]) -> Result<&[u8], String> {
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).take(8).filter(|byte| **byte == 0).count();
    let utf16 = bytes.len() >= 4 && (zeros(0) >= 2 && zeros(1) == 0 || zeros(1) >= 2 && zeros(0) == 0);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || utf16 {
        return Err("is UTF-16; save it as UTF-8".to_owned());
    }
    for (magic, what) in [
        (b"PK\x03\x04" as &[u8], "a ZIP archive or a spreadsheet"),
        (b"\x1f\x8b", "compressed with gzip"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
        (b"PAR1", "a Parquet file"),
        (b"ARROW1", "an Arrow file"),
    ] {
        if bytes.starts_with(magic) {
            return Err(format!("is {what}; export its rows as TSV, CSV or JSON lines"));
        }
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err("is empty; expected a header line and rows, JSON lines, or lines of text".to_owned());
    }
    Ok(bytes)
}

/// Converts text to a string.
fn utf8(bytes: &[u8], file_name: &str, line: usize) -> Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|e| Error::line_from(file_name, line, "is not UTF-8 text", e))?;
    Ok(text.to_owned())
}

/// Reads every line that is not blank as one text.
fn plain_lines(bytes: &[u8], file_name: &str) -> Vec<Result<Example>> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, text)| !text.trim_ascii().is_empty())
        .map(|(at, text)| {
            let first = utf8(text.strip_suffix(b"\r").unwrap_or(text), file_name, at + 1)?;
            Ok(Example { line: at + 1, first, second: None, label: None })
        })
        .collect()
}

#[cfg(test)]
mod tests;
