//! Edits of JSON documents, so that the fuzzer gets past the syntax.

use super::script::Script;
use serde_json::{Value, json};

/// Runs `script` on `document` until `edits` are done.
pub fn apply(document: &mut Value, edits: usize, script: &mut Script) {
    for _ in 0..edits {
        let donor = any(document, script).clone();
        let donor = if donor.to_string().len() < 2000 { donor } else { Value::Null };
        let target = any(document, script);
        edit(target, donor, script);
    }
}

/// A value in `document`: walks down from the top, and stops anywhere.
fn any<'a>(document: &'a mut Value, script: &mut Script) -> &'a mut Value {
    let children = match &*document {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    };
    if children == 0 || script.byte().is_multiple_of(8) {
        return document;
    }
    let at = script.below(children);
    match document {
        Value::Array(items) => any(&mut items[at], script),
        Value::Object(fields) => any(fields.values_mut().nth(at).expect("it has so many"), script),
        _ => unreachable!("it has children"),
    }
}

fn edit(target: &mut Value, donor: Value, script: &mut Script) {
    match (script.byte() % 8, &mut *target) {
        (0, Value::Object(fields)) if !fields.is_empty() => {
            let key = fields.keys().nth(script.below(fields.len())).cloned().expect("it has so many");
            fields.remove(&key);
        }
        (1, Value::Object(fields)) => {
            let keys = ["type", "content", "id", "pattern", "pretokenizers", "vocab", "dropout", "extra"];
            fields.insert((*script.choose(&keys)).to_owned(), donor);
        }
        (2, Value::Array(items)) => items.push(donor),
        (3, Value::Array(items)) if !items.is_empty() => _ = items.remove(script.below(items.len())),
        (4, Value::String(text)) => {
            *text = match script.byte() % 6 {
                0 => text.repeat(script.below(40)),
                1 => text.chars().skip(1).collect(),
                2 => format!("{text}\u{0}"),
                3 => format!("{text}é\u{301}"),
                4 => format!("({text})+"),
                _ => text.to_uppercase(),
            };
        }
        (5, Value::Number(_)) => *target = script.number().into(),
        (6, _) => *target = donor,
        (7, _) => *target = json!({ "type": "Sequence", "pretokenizers": [target.take(), donor] }),
        _ => {
            let numbers = [json!(1e300), json!(-0.5), json!(u64::MAX), script.number().into()];
            let others = [Value::Null, json!(true), json!(""), json!("a"), json!([]), json!({})];
            *target = script.choose(&[numbers.as_slice(), &others].concat()).clone();
        }
    }
}
