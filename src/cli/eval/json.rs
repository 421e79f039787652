//! The results as JSON.

use super::results::Results;
use bert8::metrics::{Answers, Measured, Metric};
use serde_json::{Map, Value, json};

impl Results<'_> {
    /// The results as a JSON object; `skipped` is the number of rows that were left out.
    pub fn json(&self, skipped: usize) -> Value {
        let key = |metric: Metric| metric.to_string().replace('-', "_");
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("rows", json!(self.rows));
        set("labelled", json!(self.labelled()));
        set("skipped", json!(skipped));
        set("texts", json!(self.texts));
        set("problem", json!(self.problem));
        set("rows_per_second", json!(self.found.rows_per_second));
        let (mut intervals, mut changes, mut baseline) = (Map::new(), Map::new(), Map::new());
        for Measured { metric, value, interval, baseline: theirs } in &self.measured {
            set(&key(*metric), json!(value));
            intervals.insert(key(*metric), json!(interval));
            if let Some((theirs, _, change)) = theirs {
                baseline.insert(key(*metric), json!(theirs));
                changes.insert(key(*metric), json!({ "value": value - theirs, "interval": change }));
            }
        }
        if let Some(confusion) = self.answers.as_ref().and_then(Answers::confusion) {
            set("confusion", json!(confusion));
        }
        if let (Some((difference, agreement)), Some(reference)) = (&self.difference, self.reference) {
            if let Value::Object(difference) = json!(difference) {
                difference.into_iter().for_each(|(name, value)| {
                    set(&name, value);
                });
            }
            if let Some(agreement) = agreement {
                intervals.insert("agreement".to_owned(), json!(agreement));
            }
            baseline.insert("rows_per_second".to_owned(), json!(reference.rows_per_second));
            set("baseline", Value::Object(baseline));
            set("changes", Value::Object(changes));
        }
        set("intervals", Value::Object(intervals));
        Value::Object(fields)
    }
}
