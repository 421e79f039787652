//! Reads sentence pairs from TSV and CSV files with a header, including GLUE's MRPC layout, and from JSONL files.

use super::TextInput;
use crate::error::{Error, Result};
use csv::{ByteRecord, ReaderBuilder};
use std::io::Read;
use std::path::Path;

/// A sentence pair from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The pair's first line in the file, counted from 1.
    pub line: usize,
    /// The first sentence.
    pub first: String,
    /// The second sentence.
    pub second: String,
    /// The label as written, a class id or a class name; `None` if the file has no labels.
    pub label: Option<String>,
}

impl Pair {
    /// The texts.
    pub fn input(&self) -> TextInput<'_> {
        (self.first.as_str(), self.second.as_str()).into()
    }

    /// Returns the class id of the pair's label, given the model's `labels`, or `None` if the pair has no label.
    ///
    /// # Errors
    /// If the label is neither a class id nor a class name, or is the id of one class and the name of another. The error
    /// names `file_name` and the line.
    pub fn label_id(&self, labels: &[String], file_name: &str) -> Result<Option<usize>> {
        let Some(label) = &self.label else { return Ok(None) };
        let by_id = label.parse().ok().filter(|&id: &usize| id < labels.len());
        let by_name = labels.iter().position(|name| name == label);
        let problem = match (by_id, by_name) {
            (Some(id), Some(other)) if id != other => format!(
                "the label `{label}` is the id of the class {} and the name of class {other}; rename the model's classes",
                labels[id]
            ),
            (Some(id), _) | (None, Some(id)) => return Ok(Some(id)),
            (None, None) => {
                let known: Vec<String> = labels.iter().enumerate().map(|(id, name)| format!("{id} ({name})")).collect();
                format!("the label `{label}` is not one of the model's: {}", known.join(", "))
            }
        };
        Err(Error::line(file_name, self.line, problem))
    }
}

const FIRST: [&str; 7] = ["sentence1", "#1 string", "sentence_1", "text1", "question1", "premise", "a"];
const SECOND: [&str; 7] = ["sentence2", "#2 string", "sentence_2", "text2", "question2", "hypothesis", "b"];
const LABEL: [&str; 4] = ["label", "quality", "is_duplicate", "gold_label"];

/// Reads a file of pairs. The extension decides the format: `.jsonl` for one object per line with `sentence1`, `sentence2` and
/// an optional `label`; `.csv` for commas and quotes; any other for tabs without quotes. Columns are found by their names
/// in the header.
///
/// # Errors
/// If the file cannot be read, is not UTF-8, lacks a column, has a line with too few or too many columns, or holds no
/// pairs. The error names the line.
pub fn read_pairs(path: &Path) -> Result<Vec<Pair>> {
    let file_name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let pairs = match ending.as_str() {
        "jsonl" | "ndjson" => parse_jsonl(bytes, &file_name)?,
        "csv" => parse_table(bytes, b',', &file_name)?,
        _ => parse_table(bytes, b'\t', &file_name)?,
    };
    if pairs.is_empty() {
        return Err(Error::file(file_name, "holds no pairs"));
    }
    Ok(pairs)
}

fn text(bytes: &[u8], file_name: &str, line: usize) -> Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|e| Error::line_from(file_name, line, "is not UTF-8 text", e))?;
    Ok(text.to_owned())
}

/// Finds line numbers by byte offset. The CSV reader's own count is one too low after a line that ends in CR LF.
struct Lines<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: usize,
}

impl Lines<'_> {
    /// Returns the line on which `record` starts. Records must come in order.
    fn of(&mut self, record: &ByteRecord) -> usize {
        let start = record.position().map_or(self.offset, |p| p.byte() as usize);
        let ends = self.bytes[start..].iter().take_while(|b| b"\r\n".contains(b)).count();
        let newlines = self.bytes[self.offset..start + ends].iter().filter(|&&b| b == b'\n').count();
        self.line += newlines;
        self.offset = start + ends;
        self.line
    }
}

/// A line after the last one. A quote that is never closed swallows it, which reveals the missing quote.
const END: &[u8] = b"\n\0";

fn parse_table(bytes: &[u8], delimiter: u8, file_name: &str) -> Result<Vec<Pair>> {
    if bytes.trim_ascii().is_empty() {
        return Err(Error::file(file_name, "is empty; expected a header line and pairs"));
    }
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(delimiter == b',')
        .flexible(true)
        .has_headers(false)
        .from_reader(bytes.chain(END));
    let mut records = reader.byte_records();
    let mut lines = Lines { bytes, offset: 0, line: 1 };
    let failed = |e: csv::Error| Error::file_from(file_name, "cannot be read as a table", e);

    let header = records.next().transpose().map_err(failed)?.unwrap_or_default();
    let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_lowercase()).collect();
    let column = |wanted: &[&str]| wanted.iter().find_map(|name| names.iter().position(|n| n == name));
    let (Some(first), Some(second)) = (column(&FIRST), column(&SECOND)) else {
        let problem = format!(
            "the header names no sentence columns; expected sentence1 and sentence2 (or MRPC's `#1 String` and `#2 \
             String`), found {names:?}"
        );
        return Err(Error::line(file_name, 1, problem));
    };
    let label = column(&LABEL);
    let mut pairs = Vec::new();
    let (mut line, mut ended) = (1, false);
    for record in records {
        let record = record.map_err(failed)?;
        let start = record.position().map_or(0, |position| position.byte() as usize);
        if bytes.get(start..).is_none_or(|rest| rest.iter().all(|byte| b"\r\n".contains(byte))) {
            ended = true;
            break;
        }
        line = lines.of(&record);
        if record.len() != names.len() {
            let problem = format!("has {} columns, the header has {}", record.len(), names.len());
            return Err(Error::line(file_name, line, problem));
        }
        pairs.push(Pair {
            line,
            first: text(&record[first], file_name, line)?,
            second: text(&record[second], file_name, line)?,
            label: label.map(|at| text(&record[at], file_name, line)).transpose()?.map(|label| label.trim().to_owned()),
        });
    }
    if !ended {
        return Err(Error::line(file_name, line, "has a quote that is never closed"));
    }
    Ok(pairs)
}

fn parse_jsonl(bytes: &[u8], file_name: &str) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for (at, line) in bytes.split(|&b| b == b'\n').enumerate() {
        let number = at + 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(line).map_err(|e| Error::line_from(file_name, number, "is not a JSON object", e))?;
        let field = |names: &[&str]| names.iter().find_map(|name| object.get(*name));
        let sentence = |names: &[&str]| {
            let found = field(names).and_then(|value| value.as_str());
            found
                .map(str::to_owned)
                .ok_or_else(|| Error::line(file_name, number, format!("has no text `{}`", names[0])))
        };
        let label = match field(&LABEL) {
            None | Some(serde_json::Value::Null) => None,
            Some(serde_json::Value::String(name)) => Some(name.clone()),
            Some(serde_json::Value::Number(id)) => Some(id.to_string()),
            Some(other) => {
                return Err(Error::line(
                    file_name,
                    number,
                    format!("has the label {other}; expected a class id or name"),
                ));
            }
        };
        pairs.push(Pair { line: number, first: sentence(&FIRST)?, second: sentence(&SECOND)?, label });
    }
    Ok(pairs)
}

// The tests need temporary folders.
#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;

    fn read(name: &str, content: &[u8]) -> Result<Vec<Pair>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        read_pairs(&path)
    }

    fn error(name: &str, content: &[u8]) -> String {
        read(name, content).unwrap_err().to_string()
    }

    #[test]
    fn mrpc_s_layout_has_no_quotes_and_perhaps_a_bom() {
        let mrpc = "\u{feff}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t7\t8\t\"A\" said so .\tSo said \"A .\r\n";
        let pairs = read("dev.tsv", mrpc.as_bytes()).unwrap();
        assert_eq!(pairs.len(), 1);
        assert_eq!((pairs[0].first.as_str(), pairs[0].second.as_str()), ("\"A\" said so .", "So said \"A ."));
        assert_eq!(pairs[0].label_id(&["no".into(), "yes".into()], "f").unwrap(), Some(1));
        assert_eq!(pairs[0].line, 2);
    }

    #[test]
    fn csv_has_quotes_and_jsonl_objects() {
        let csv = b"label,sentence1,sentence2\nyes,\"One, two\",\"a \"\"b\"\"\"\n";
        let pairs = read("x.csv", csv).unwrap();
        assert_eq!((pairs[0].first.as_str(), pairs[0].second.as_str()), ("One, two", "a \"b\""));
        assert_eq!(pairs[0].label_id(&["no".into(), "yes".into()], "f").unwrap(), Some(1));
        let jsonl =
            b"{\"sentence1\":\"a\",\"sentence2\":\"\",\"label\":0}\n\n{\"sentence1\":\"c\",\"sentence2\":\"d\"}\n";
        let pairs = read("x.jsonl", jsonl).unwrap();
        assert_eq!((pairs.len(), pairs[1].line, pairs[0].label.as_deref()), (2, 3, Some("0")));
    }

    #[test]
    fn mistakes_name_the_line() {
        assert!(error("x.tsv", b"sentence1\tsentence2\na\tb\na\n").contains("line 3: has 1 columns"));
        assert!(error("x.tsv", b"sentence1\tsentence2\r\na\tb\r\n\r\na\r\n").contains("line 4: has 1 columns"));
        assert!(error("x.csv", b"sentence1,sentence2\n\"a\nb\",c\na\n").contains("line 4: has 1 columns"));
        assert!(error("x.tsv", b"one\ttwo\na\tb\n").contains("line 1: the header names no sentence columns"));
        assert!(error("x.tsv", b"sentence1\tsentence2\n").contains("holds no pairs"));
        assert!(error("x.tsv", b"").contains("is empty"));
        assert!(error("x.tsv", b"sentence1\tsentence2\na\t\xff\xfe\n").contains("line 2: is not UTF-8"));
        assert!(error("x.jsonl", b"{\"sentence1\":\"a\",\"sentence2\":\"b\"}\n{]\n").contains("line 2: is not a JSON"));
        assert!(error("x.jsonl", b"{\"sentence1\":\"a\"}\n").contains("no text `sentence2`"));
        let pairs = read("x.tsv", b"label\tsentence1\tsentence2\n7\ta\tb\n").unwrap();
        let error = pairs[0].label_id(&["no".into(), "yes".into()], "x.tsv").unwrap_err().to_string();
        assert!(error.contains("x.tsv, line 2") && error.contains("0 (no), 1 (yes)"), "{error}");
        let stars = ["1", "2", "3"].map(String::from);
        let rating =
            |label: &str| Pair { line: 5, first: String::new(), second: String::new(), label: Some(label.into()) };
        let error = rating("1").label_id(&stars, "x.tsv").unwrap_err().to_string();
        assert!(error.contains("line 5: the label `1` is the id of the class 2 and the name of class 0"), "{error}");
        assert_eq!(rating("3").label_id(&stars, "x.tsv").unwrap(), Some(2), "no id");
        assert_eq!(
            rating("1").label_id(&["0", "1"].map(String::from), "x.tsv").unwrap(),
            Some(1),
            "both are one class"
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_swallows_nothing() {
        let header = "label,sentence1,sentence2\n";
        for rest in ["1,a,\"b\n0,c,d\n1,e,f\n", "1,a,\"b\n0,c,d", "1,a,\"b \"\"c\"\"\n"] {
            assert!(error("x.csv", format!("{header}{rest}").as_bytes()).contains("line 2: has a quote that is never"));
        }
        assert!(error("x.csv", b"sentence1,sentence2,\"label\na,b,c\n").contains("line 1: has a quote"));
        assert_eq!(read("x.csv", format!("{header}1,a,\"b\"").as_bytes()).unwrap().len(), 1);
        assert_eq!(read("x.tsv", b"sentence1\tsentence2\na\t\"b\n").unwrap()[0].second, "\"b");
    }
}
