//! JSON lines, and arrays of JSON objects.

use super::columns::{Columns, LISTS, accepted, shown};
use super::{Example, Label};
use crate::error::{Error, Result, shortened};
use serde_json::{Deserializer, Map, Value};

/// Whether `bytes` are JSON: by the file's `ending`, or because the first line is an object or starts an array of objects.
pub fn is_json(bytes: &[u8], ending: &str) -> bool {
    if matches!(ending, "json" | "jsonl" | "ndjson") {
        return true;
    }
    let text = bytes.trim_ascii();
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match text.first() {
        Some(b'{') => serde_json::from_slice::<Map<String, Value>>(first).is_ok(),
        Some(b'[') => text[1..].trim_ascii_start().starts_with(b"{"),
        _ => false,
    }
}

/// Reads the rows of a JSON array or of JSON lines.
///
/// # Errors
/// If an array is damaged.
pub fn rows(bytes: &[u8], file_name: &str) -> Result<Vec<Result<Example>>> {
    if bytes.trim_ascii_start().starts_with(b"[") {
        return array(bytes, file_name);
    }
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    Ok(lines
        .map(|(at, line)| {
            let object = serde_json::from_slice(line).map_err(|e| not_an_object(file_name, at + 1, e))?;
            example(object, file_name, at + 1)
        })
        .collect())
}

fn not_an_object(file_name: &str, line: usize, error: serde_json::Error) -> Error {
    Error::line_from(file_name, line, "is not a JSON object; write one object a line, or one array of objects", error)
}

/// Reads the objects of an array, one at a time, so that errors name their lines.
fn array(bytes: &[u8], file_name: &str) -> Result<Vec<Result<Example>>> {
    let (mut rows, mut at, mut line) = (Vec::new(), 0, 1);
    let mut skip = |at: &mut usize, len: usize| {
        line += bytes[*at..*at + len].iter().filter(|byte| **byte == b'\n').count();
        *at += len;
        line
    };
    let spaces = |at: usize| bytes[at..].len() - bytes[at..].trim_ascii_start().len();
    let mut number = skip(&mut at, spaces(0));
    loop {
        // An opening bracket or a comma.
        number = number.max(skip(&mut at, 1));
        let blank = spaces(at);
        number = number.max(skip(&mut at, blank));
        if rows.is_empty() && bytes[at..].starts_with(b"]") {
            break;
        }
        let mut values = Deserializer::from_slice(&bytes[at..]).into_iter::<Map<String, Value>>();
        let object = match values.next() {
            Some(Ok(object)) => object,
            Some(Err(error)) => return Err(not_an_object(file_name, number, error)),
            None => return Err(Error::line(file_name, number, "ends inside a JSON array; is the file cut off?")),
        };
        let len = values.byte_offset();
        rows.push(example(object, file_name, number));
        number = number.max(skip(&mut at, len));
        let blank = spaces(at);
        number = number.max(skip(&mut at, blank));
        match bytes.get(at) {
            Some(b',') => {}
            Some(b']') => break,
            _ => {
                return Err(Error::line(
                    file_name,
                    number,
                    "expected `,` or `]` after a JSON object; is the file cut off?",
                ));
            }
        }
    }
    skip(&mut at, 1);
    match bytes[at..].trim_ascii().is_empty() {
        true => Ok(rows),
        false => Err(Error::line(file_name, number, "has text after the JSON array")),
    }
}

/// Reads one object.
fn example(object: Map<String, Value>, file_name: &str, line: usize) -> Result<Example> {
    let bad = |problem: String| Err(Error::line(file_name, line, problem));
    let (names, values): (Vec<String>, Vec<Value>) = object.into_iter().filter(|(_, value)| !value.is_null()).unzip();
    let list = LISTS.iter().find_map(|list| {
        names.iter().position(|name| name.to_lowercase() == *list).filter(|&at| values[at].is_array())
    });
    let (first, second, label) = if let Some(at) = list {
        let texts: Option<Vec<&str>> = values[at].as_array().into_iter().flatten().map(Value::as_str).collect();
        let (first, second) = match texts.as_deref() {
            Some([first]) => (*first, None),
            Some([first, second]) => (*first, Some(*second)),
            _ => return bad(format!("`{}` is {}; expected a list of one or two texts", names[at], short(&values[at]))),
        };
        (first.to_owned(), second.map(str::to_owned), Columns::label(&names))
    } else {
        let Some(columns) = Columns::find(&names) else {
            return bad(match Columns::half(&names) {
                Some((found, missing)) => format!("has `{found}` but no text `{missing}`"),
                None => format!(
                    "has no text: found {}. Accepted names: {}; or a list, {}",
                    shown(&names),
                    accepted(),
                    LISTS.join(" or ")
                ),
            });
        };
        let text = |at: usize| match &values[at] {
            Value::String(text) => Ok(text.clone()),
            other => {
                let problem = format!("has no text `{}`: it is {}", names[at], short(other));
                Err(Error::line(file_name, line, problem))
            }
        };
        (text(columns.first)?, columns.second.map(text).transpose()?, columns.label)
    };
    let label = match label.map(|at| &values[at]) {
        None => None,
        Some(Value::Array(items)) => match items.iter().map(scalar).collect() {
            Some(items) => Some(Label::Many(items)),
            None => {
                return bad(format!("has the label {}; expected ids or names", short(&Value::Array(items.clone()))));
            }
        },
        Some(value) => match scalar(value) {
            Some(label) => Some(Label::One(label)),
            None => return bad(format!("has the label {}; expected an id, a name, a score or a list", short(value))),
        },
    };
    Ok(Example { line, first, second, label })
}

/// A label in words: a string, a number as written, `true` or `false`.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Shows the start of a value, for errors.
fn short(value: &Value) -> String {
    shortened(&value.to_string(), 60)
}
