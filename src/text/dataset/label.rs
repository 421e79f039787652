//! Labels as written, and what they mean for a model.

use crate::metrics::Target;
use crate::task::Problem;

/// A label as written in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// A class id, a class name, a score, or several names in one cell.
    One(String),
    /// A list of ids or names, or a 0 or 1 for every label of the model.
    Many(Vec<String>),
}

impl Label {
    /// Returns the right answer of a model with these `labels`, or `None` if this stands for a label that is not known.
    pub(super) fn target(&self, problem: Problem, labels: &[String]) -> Result<Option<Target>, String> {
        match problem {
            Problem::SingleLabel => Ok(class_id(self.one()?, labels)?.map(Target::Class)),
            Problem::MultiLabel => Ok(self.set(labels)?.map(Target::Labels)),
            Problem::Regression => {
                let text = self.one()?;
                if matches!(text, "" | "-") {
                    return Ok(None);
                }
                let number = number(text).or_else(|| truth(text).map(f64::from));
                number
                    .map(|score| Some(Target::Score(score)))
                    .ok_or_else(|| format!("the label `{}` is no number; the model returns a score", printable(text)))
            }
        }
    }

    /// The label as a number, if it is one.
    pub(super) fn number(&self) -> Option<f64> {
        self.one().ok().and_then(number)
    }

    /// The only label.
    fn one(&self) -> Result<&str, String> {
        match self {
            Label::One(label) => Ok(label),
            Label::Many(items) => match items.as_slice() {
                [label] => Ok(label),
                _ => Err(format!("has {} labels, but exactly one label of the model applies", items.len())),
            },
        }
    }

    /// Whether each of the model's `labels` applies.
    fn set(&self, labels: &[String]) -> Result<Option<Vec<bool>>, String> {
        let text = match self {
            Label::Many(items) => return flags_or_names(items, labels).map(Some),
            Label::One(text) => text.trim(),
        };
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return flags_or_names(&split_list(inner), labels).map(Some);
        }
        if let [only] = labels {
            let unknown = is_unknown(text).then_some(None);
            let applies = match number(text) {
                Some(number) if number == 0.0 || number == 1.0 => Some(number == 1.0),
                _ => truth(text).or_else(|| by_name(text, labels).ok()?.map(|_| true)),
            };
            let problem = || format!("the label `{}` is neither 0, 1 nor the model's label `{only}`", printable(text));
            return applies.map(|applies| Some(vec![applies])).or(unknown).ok_or_else(problem);
        }
        if text.is_empty() {
            return Ok(Some(vec![false; labels.len()]));
        }
        match class_id(text, labels) {
            Ok(Some(id)) => Ok(Some(set_of(&[id], labels.len()))),
            Ok(None) => Ok(None),
            Err(_) if text.contains(SEPARATORS) => {
                let items: Vec<String> = text.split(SEPARATORS).map(|item| item.trim().to_owned()).collect();
                names(&items, labels).map(Some)
            }
            Err(problem) => Err(problem),
        }
    }
}

/// What separates the labels in one cell.
const SEPARATORS: [char; 3] = [',', ';', '|'];

/// Splits the inside of a list in one cell, as Python writes lists (`'joy', 'fear'`) and NumPy arrays (`2 27`).
fn split_list(inner: &str) -> Vec<String> {
    let quoted = |item: &str| {
        let item = item.trim();
        let inside = ['\'', '"'].iter().find_map(|&quote| item.strip_prefix(quote)?.strip_suffix(quote));
        inside.unwrap_or(item).to_owned()
    };
    if inner.trim().is_empty() {
        return Vec::new();
    }
    match inner.contains(SEPARATORS) {
        true => inner.split(SEPARATORS).map(quoted).collect(),
        false if inner.split_whitespace().all(|item| number(item).is_some()) => {
            inner.split_whitespace().map(str::to_owned).collect()
        }
        false => vec![quoted(inner)],
    }
}

/// Reads a list: a 0 or 1 for every label, or the ids or names of those that apply.
fn flags_or_names(items: &[String], labels: &[String]) -> Result<Vec<bool>, String> {
    let flags: Option<Vec<bool>> = items.iter().map(|item| flag(item)).collect();
    if let Some(flags) = flags.filter(|flags| flags.len() == labels.len()) {
        let ids: Vec<Option<usize>> =
            items.iter().map(|item| item.parse().ok().filter(|id| *id < labels.len())).collect();
        let repeated = ids.iter().enumerate().any(|(at, id)| ids[..at].contains(id));
        return match ids.contains(&None) || repeated {
            true => Ok(flags),
            false => Err(format!(
                "the label [{}] may be the ids of labels or a 0 or 1 for each; write names, or 0.0 and 1.0",
                items.join(", ")
            )),
        };
    }
    names(items, labels)
}

/// A 0 or 1.
fn flag(item: &str) -> Option<bool> {
    match number(item) {
        Some(number) if number == 0.0 || number == 1.0 => Some(number == 1.0),
        _ => truth(item),
    }
}

/// Reads ids and names of the labels that apply.
fn names(items: &[String], labels: &[String]) -> Result<Vec<bool>, String> {
    let ids: Result<Vec<usize>, String> =
        items.iter().map(|item| class_id(item, labels)?.ok_or_else(|| unknown_label(item, labels))).collect();
    Ok(set_of(&ids?, labels.len()))
}

fn set_of(ids: &[usize], len: usize) -> Vec<bool> {
    (0..len).map(|id| ids.contains(&id)).collect()
}

/// Returns the class id that `text` means: an id, such as `1` or `1.0`, a class name, or `True` and `False` for two classes.
/// Returns `None` if it stands for an unknown label.
fn class_id(text: &str, labels: &[String]) -> Result<Option<usize>, String> {
    let text = text.trim();
    let by_id =
        number(text).filter(|id| id.fract() == 0.0 && (0.0..labels.len() as f64).contains(id)).map(|id| id as usize);
    match (by_id, by_name(text, labels)?) {
        (Some(id), Some(other)) if id != other => Err(format!(
            "the label `{text}` is the id of the class {} and the name of class {other}; rename the model's classes",
            labels[id]
        )),
        (Some(id), _) | (None, Some(id)) => Ok(Some(id)),
        (None, None) => match truth(text) {
            Some(value) if labels.len() == 2 => Ok(Some(usize::from(value))),
            _ if is_unknown(text) => Ok(None),
            _ => Err(unknown_label(text, labels)),
        },
    }
}

/// Returns the id of the class whose name is `text`; upper and lower case differ only if several names do not differ otherwise.
fn by_name(text: &str, labels: &[String]) -> Result<Option<usize>, String> {
    if let Some(id) = labels.iter().position(|name| name == text) {
        return Ok(Some(id));
    }
    let lower = text.to_lowercase();
    let alike: Vec<usize> = (0..labels.len()).filter(|&id| labels[id].trim().to_lowercase() == lower).collect();
    match alike.as_slice() {
        [] => Ok(None),
        [id] => Ok(Some(*id)),
        [first, second, ..] => Err(format!(
            "the label `{}` may be the class {} or {}; write it as the model does",
            printable(text),
            labels[*first],
            labels[*second]
        )),
    }
}

fn unknown_label(text: &str, labels: &[String]) -> String {
    const MOST: usize = 20;
    let mut known: Vec<String> =
        labels.iter().take(MOST).enumerate().map(|(id, name)| format!("{id} ({})", printable(name))).collect();
    if labels.len() > MOST {
        known.push(format!("… {} labels in all", labels.len()));
    }
    format!("the label `{}` is not one of the model's: {}", printable(text), known.join(", "))
}

/// Whether `text` stands for a label that is not known: nothing, the -1 of GLUE's hidden test sets, or the `-` of pairs on
/// which the annotators did not agree.
fn is_unknown(text: &str) -> bool {
    matches!(text.trim(), "" | "-") || number(text) == Some(-1.0)
}

/// A finite number.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// `true` or `false`, as any program writes them.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Shortens text, and replaces control characters, which would break the error's line.
fn printable(text: &str) -> String {
    let start: String = text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > 80 { format!("{start}…") } else { start }
}
