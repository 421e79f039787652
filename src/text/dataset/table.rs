//! Tables with a header: TSV without quotes, and CSV with them.

use super::columns::{Columns, accepted, shown};
use super::{Example, Label, utf8};
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// How cells are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format {
    delimiter: u8,
    /// Whether cells may be in quotes.
    quotes: bool,
}

const TSV: Format = Format { delimiter: b'\t', quotes: false };
const CSV: Format = Format { delimiter: b',', quotes: true };

/// The formats. A table with tabs has quotes only if its header has.
const FORMATS: [Format; 4] =
    [TSV, CSV, Format { delimiter: b';', quotes: true }, Format { delimiter: b'\t', quotes: true }];

/// Whether the first line of a `.txt` file is a table's: it has a tab, or it is a header.
pub fn is_table(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    first.contains(&b'\t') || FORMATS.iter().any(|&format| header(first, format).is_some())
}

/// Reads the rows of a table. The separator is the one with which the first line names columns of texts; a file's `ending` of
/// `csv` means commas, and any other means tabs, if there are several.
///
/// # Errors
/// If the first line names no columns of texts, or names one that is read twice.
pub fn rows(bytes: &[u8], ending: &str, file_name: &str) -> Result<Vec<Result<Example>>> {
    // Old files end lines with a CR alone.
    let replaced: Vec<u8>;
    let bytes = if bytes.contains(&b'\n') {
        bytes
    } else {
        replaced = bytes.iter().map(|&byte| if byte == b'\r' { b'\n' } else { byte }).collect();
        &replaced
    };
    let usual = if ending == "csv" { CSV } else { TSV };
    let mut formats = [usual].into_iter().chain(FORMATS);
    let first = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let found = formats.find_map(|format| Some((format, header(first, format)?)));
    let (format, columns, widths, has_header) = match found {
        Some((format, (columns, widths))) => (format, columns, widths, true),
        None if is_cola(first) => {
            (TSV, Columns { first: 3, second: None, label: Some(1) }, COLA_WIDTH..=COLA_WIDTH, false)
        }
        None => return Err(no_columns(bytes, usual, file_name)),
    };
    let mut scanner = Scanner { bytes, format, at: 0, line: 1 };
    let mut rows = Vec::new();
    if has_header {
        let names = scanner.row().transpose().map_err(|(line, problem)| Error::line(file_name, line, problem))?;
        let (line, names) = names.unwrap_or_default();
        let names = strings(&names);
        if let Some(twice) = columns.repeated(&names) {
            let problem = format!("the header has two columns `{}`; rename or remove one", names[twice]);
            return Err(Error::line(file_name, line, problem));
        }
    }
    while let Some(row) = scanner.row() {
        let row = row.and_then(|(line, cells)| Ok((line, fit(cells, &widths).map_err(|problem| (line, problem))?)));
        rows.push(match row {
            Ok((line, cells)) => example(&cells, columns, file_name, line),
            Err((line, problem)) => Err(Error::line(file_name, line, problem)),
        });
    }
    Ok(rows)
}

/// Finds the columns that `line` names, and how many columns rows may have: one without a name at the end may be missing.
fn header(line: &[u8], format: Format) -> Option<(Columns, RangeInclusive<usize>)> {
    let (_, cells) = Scanner { bytes: line, format, at: 0, line: 1 }.row()?.ok()?;
    let names = strings(&cells);
    let empty_end = names.len() > 1 && names.last().is_some_and(String::is_empty);
    Some((Columns::find(&names)?, names.len() - usize::from(empty_end)..=names.len()))
}

fn strings(cells: &[Cow<[u8]>]) -> Vec<String> {
    cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect()
}

/// The number of columns of CoLA's files: source, label, the author's own mark, sentence.
const COLA_WIDTH: usize = 4;

/// Whether `line` is a row of CoLA, whose files have no header.
fn is_cola(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let cells: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
    matches!(cells.as_slice(), [source, b"0" | b"1", b"" | b"*" | b"?" | b"??", _] if !source.is_empty())
}

/// The error for a first line that names no columns of texts.
fn no_columns(bytes: &[u8], format: Format, file_name: &str) -> Error {
    let (line, cells) = match (Scanner { bytes, format, at: 0, line: 1 }).row() {
        Some(Ok(row)) => row,
        Some(Err((line, problem))) => return Error::line(file_name, line, problem),
        None => (1, Vec::new()),
    };
    let names = strings(&cells);
    if let Some((found, missing)) = Columns::half(&names) {
        let problem = format!("the header names `{found}` but no column `{missing}`: found {}", shown(&names));
        return Error::line(file_name, line, problem);
    }
    let is_data = |cell: &String| cell.parse::<f64>().is_ok() || cell.split_whitespace().count() > 2;
    let missing = match names.iter().any(is_data) {
        true => {
            let example = if names.len() > 2 { "`sentence1`, `sentence2`, `label`" } else { "`sentence`, `label`" };
            format!(
                "it looks like data, so the header is missing: add a first line with the columns' names, such as {example}"
            )
        }
        false => "rename the columns of texts".to_owned(),
    };
    let problem =
        format!("the header names no text columns: found {}; {missing}. Accepted names: {}", shown(&names), accepted());
    Error::line(file_name, line, problem)
}

/// Checks that there are as many cells as `widths` allows. One empty cell more is dropped.
fn fit<'a>(mut cells: Vec<Cow<'a, [u8]>>, widths: &RangeInclusive<usize>) -> Result<Vec<Cow<'a, [u8]>>, String> {
    if cells.len() == widths.end() + 1 && cells.last().is_some_and(|cell| cell.trim_ascii().is_empty()) {
        cells.pop();
    }
    match cells.len() {
        len if widths.contains(&len) => Ok(cells),
        len => Err(format!("has {len} columns, the header has {}", widths.end())),
    }
}

fn example(cells: &[Cow<[u8]>], columns: Columns, file_name: &str, line: usize) -> Result<Example> {
    let cell = |at: usize| utf8(&cells[at], file_name, line);
    let label = columns.label.map(cell).transpose()?;
    Ok(Example {
        line,
        first: cell(columns.first)?,
        second: columns.second.map(cell).transpose()?,
        label: label.map(|label| Label::One(label.trim().to_owned())),
    })
}

/// Splits a table into rows of cells.
struct Scanner<'a> {
    bytes: &'a [u8],
    format: Format,
    at: usize,
    line: usize,
}

/// A row's first line and its cells, or the line at fault and what is wrong.
type Row<'a> = Result<(usize, Vec<Cow<'a, [u8]>>), (usize, String)>;

impl<'a> Scanner<'a> {
    /// Returns the next row that is not blank. After a faulty row, the next one starts on the next line.
    fn row(&mut self) -> Option<Row<'a>> {
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            let first_line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let (start, line) = (self.at, self.line);
            let result = if first_line.trim_ascii().is_empty() { Ok(Vec::new()) } else { self.cells(first_line) };
            if result.is_err() || start == self.at {
                self.at = start + (first_line.len() + 1).min(rest.len());
            }
            self.line += self.bytes[start..self.at].iter().filter(|byte| **byte == b'\n').count();
            match result {
                Ok(cells) if cells.is_empty() => {}
                Ok(cells) => return Some(Ok((line, cells))),
                Err(problem) => return Some(Err((line, problem))),
            }
        }
        None
    }

    /// Reads the row that starts here with `first_line`, and moves to its end.
    fn cells(&mut self, first_line: &'a [u8]) -> Result<Vec<Cow<'a, [u8]>>, String> {
        const BARE_CR: &str = "has a carriage return (CR) inside; remove it, or write the text in quotes in a CSV file";
        if self.format == TSV {
            let row = first_line.strip_suffix(b"\r").unwrap_or(first_line);
            if row.contains(&b'\r') {
                return Err(BARE_CR.to_owned());
            }
            return Ok(row.split(|byte| *byte == b'\t').map(Cow::Borrowed).collect());
        }
        let mut cells = Vec::new();
        let bytes = self.bytes;
        let mut at = self.at;
        loop {
            let cell = if bytes.get(at) == Some(&b'"') {
                let (cell, end) = quoted(bytes, at + 1).ok_or("has a quote that is never closed")?;
                at = end;
                cell
            } else {
                let len = bytes[at..].iter().position(|byte| *byte == self.format.delimiter || *byte == b'\n');
                let end = len.map_or(bytes.len(), |len| at + len);
                let cell = &bytes[at..end];
                let at_line_end = bytes.get(end).is_none_or(|byte| *byte == b'\n');
                let cell = if at_line_end { cell.strip_suffix(b"\r").unwrap_or(cell) } else { cell };
                if cell.contains(&b'\r') {
                    return Err(BARE_CR.to_owned());
                }
                at = end;
                Cow::Borrowed(cell)
            };
            cells.push(cell);
            match &bytes[at..] {
                [byte, ..] if *byte == self.format.delimiter => at += 1,
                [] | [b'\r'] => {
                    self.at = bytes.len();
                    return Ok(cells);
                }
                [b'\n', ..] => {
                    self.at = at + 1;
                    return Ok(cells);
                }
                [b'\r', b'\n', ..] => {
                    self.at = at + 2;
                    return Ok(cells);
                }
                _ => return Err("has text after a closing quote; double every quote inside quotes".to_owned()),
            }
        }
    }
}

/// Reads a quoted cell whose content starts at `start`. Returns the content and the place after the closing quote, or `None`
/// if there is none.
fn quoted(bytes: &[u8], start: usize) -> Option<(Cow<'_, [u8]>, usize)> {
    let mut content = Cow::Borrowed(&bytes[start..start]);
    let mut from = start;
    loop {
        let quote = from + bytes[from..].iter().position(|byte| *byte == b'"')?;
        let doubled = bytes.get(quote + 1) == Some(&b'"');
        let part = &bytes[from..quote + usize::from(doubled)];
        match content.is_empty() {
            true => content = Cow::Borrowed(part),
            false => content.to_mut().extend_from_slice(part),
        }
        if !doubled {
            return Some((content, quote + 1));
        }
        from = quote + 2;
    }
}
