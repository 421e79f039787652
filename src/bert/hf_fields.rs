//! Typed access to the fields of a Hugging Face config.json.

use crate::activation::Activation;
use crate::error::{Error, Result, shortened};
use crate::task::Problem;
use serde_json::{Map, Value};

/// The fields of a config.json. Fields that are null count as missing.
#[derive(Debug)]
pub struct HfFields {
    fields: Map<String, Value>,
    file_name: String,
}

impl HfFields {
    /// Parses a config.json; errors name the file `file_name`.
    ///
    /// # Errors
    /// If the bytes are not a JSON object.
    pub fn parse(bytes: &[u8], file_name: &str) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut fields: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|e| match not_a_number(bytes, &e) {
                Some((key, word)) => {
                    Error::file(file_name, format!("`{key}` is {word}, which is not JSON; write a number or remove it"))
                }
                None => Error::file_from(file_name, "is not the configuration of a model", e),
            })?;
        fields.retain(|_, value| !value.is_null());
        Ok(HfFields { fields, file_name: file_name.to_owned() })
    }

    /// The error for `field`. A long `problem`, which may quote the file, is cut.
    pub fn bad(&self, field: &'static str, problem: String) -> Error {
        Error::Config { file: self.file_name.clone(), field, problem: shortened(&problem, 1000) }
    }

    /// The size `field`.
    ///
    /// # Errors
    /// If it is missing or not a whole number.
    pub fn size(&self, field: &'static str) -> Result<usize> {
        match self.fields.get(field) {
            None => Err(self.bad(field, "is missing; expected a whole number".to_owned())),
            Some(value) => value
                .as_u64()
                .and_then(|size| usize::try_from(size).ok())
                .ok_or_else(|| self.bad(field, format!("is {value}; expected a whole number"))),
        }
    }

    /// The size `field`, or `default` if it is missing.
    ///
    /// # Errors
    /// If it is not a whole number.
    pub fn size_or(&self, field: &'static str, default: usize) -> Result<usize> {
        if self.fields.contains_key(field) { self.size(field) } else { Ok(default) }
    }

    /// The number `field`, or `default` if it is missing.
    ///
    /// # Errors
    /// If it is not a number.
    pub fn number_or(&self, field: &'static str, default: f32) -> Result<f32> {
        let number = |value: &Value| {
            value.as_f64().map(|v| v as f32).ok_or_else(|| self.bad(field, format!("is {value}; expected a number")))
        };
        self.fields.get(field).map_or(Ok(default), number)
    }

    /// The string `field`, or `default` if it is missing.
    ///
    /// # Errors
    /// If it is not a string.
    pub fn text_or<'a>(&'a self, field: &'static str, default: &'a str) -> Result<&'a str> {
        let text =
            |value: &'a Value| value.as_str().ok_or_else(|| self.bad(field, format!("is {value}; expected a string")));
        self.fields.get(field).map_or(Ok(default), text)
    }

    /// The strings of the list `field`, none if it is missing.
    ///
    /// # Errors
    /// If it is not a list of strings.
    pub fn names(&self, field: &'static str) -> Result<Vec<&str>> {
        let Some(value) = self.fields.get(field) else { return Ok(Vec::new()) };
        let names: Option<Vec<&str>> = value.as_array().and_then(|names| names.iter().map(Value::as_str).collect());
        names.ok_or_else(|| self.bad(field, format!("is {value}; expected a list of names")))
    }

    /// The activation function that `field` names; GELU if it is missing.
    ///
    /// # Errors
    /// If it is not supported.
    pub fn activation(&self, field: &'static str) -> Result<Activation> {
        let name = self.text_or(field, "gelu")?;
        Activation::from_hidden_act(name).ok_or_else(|| {
            self.bad(field, format!("is `{name}`; supported: gelu, gelu_python, gelu_new, gelu_pytorch_tanh, relu"))
        })
    }

    /// Checks the settings that change what an encoder computes.
    ///
    /// # Errors
    /// If one has a value that is not supported.
    pub fn check_encoder(&self) -> Result<()> {
        let kind = self.text_or("position_embedding_type", "absolute")?;
        if kind != "absolute" {
            let problem = format!("is `{kind}`; only `absolute` is supported");
            return Err(self.bad("position_embedding_type", problem));
        }
        if self.fields.get("is_decoder").is_some_and(|value| *value != Value::Bool(false)) {
            return Err(self.bad("is_decoder", "is true; only encoders are supported".to_owned()));
        }
        if self.fields.get("pruned_heads").is_some_and(|heads| heads.as_object().is_none_or(|heads| !heads.is_empty()))
        {
            let problem = "names attention heads; models with pruned heads are not supported";
            return Err(self.bad("pruned_heads", problem.to_owned()));
        }
        Ok(())
    }

    /// The name of every label, by label id, and what the logits mean. A model with one label and no `problem_type` is a
    /// regression model.
    ///
    /// # Errors
    /// If `id2label`, `num_labels` or `problem_type` cannot be used.
    pub fn labels_and_problem(&self) -> Result<(Vec<String>, Problem)> {
        let labels = self.labels()?;
        let problem = match self.text_or("problem_type", "")? {
            "" if self.scores_by_sigmoid() => Problem::MultiLabel,
            "" if labels.len() == 1 => Problem::Regression,
            "" | "single_label_classification" => Problem::SingleLabel,
            "multi_label_classification" => Problem::MultiLabel,
            "regression" => Problem::Regression,
            other => {
                let problem = format!(
                    "is `{other}`; expected `single_label_classification`, `multi_label_classification` or `regression`"
                );
                return Err(self.bad("problem_type", problem));
            }
        };
        Ok((labels, problem))
    }

    /// Whether sentence-transformers applies a sigmoid to the logits of this cross-encoder.
    fn scores_by_sigmoid(&self) -> bool {
        let current = self.fields.get("sentence_transformers").and_then(|settings| settings.get("activation_fn"));
        let function = current.or_else(|| self.fields.get("sbert_ce_default_activation_function"));
        function.and_then(Value::as_str).is_some_and(|name| name.ends_with(".Sigmoid"))
    }

    fn labels(&self) -> Result<Vec<String>> {
        let none = Map::new();
        let id2label = match self.fields.get("id2label") {
            None => &none,
            Some(Value::Object(labels)) => labels,
            Some(other) => return Err(self.bad("id2label", format!("is {other}; expected a name for each id"))),
        };
        if id2label.is_empty() {
            return Ok((0..self.size_or("num_labels", 2)?.min(1 << 16)).map(|id| format!("LABEL_{id}")).collect());
        }
        let name = |id: usize| match id2label.get(&id.to_string()) {
            Some(Value::String(label)) => Ok(label.clone()),
            Some(label @ (Value::Number(_) | Value::Bool(_))) => Ok(label.to_string()),
            Some(label) => Err(self.bad("id2label", format!("names class {id} {label}; expected a string"))),
            None => Err(self.bad("id2label", format!("has {} labels but no id {id}", id2label.len()))),
        };
        (0..id2label.len()).map(name).collect()
    }
}

/// The key and the word of the value at which JSON failed, if it is a number that Python writes but JSON does not have.
fn not_a_number(bytes: &[u8], error: &serde_json::Error) -> Option<(String, &'static str)> {
    let line = std::str::from_utf8(bytes).ok()?.lines().nth(error.line().checked_sub(1)?)?;
    let word = ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| line.contains(word))?;
    let key = line.split(word).next()?.trim_end().trim_end_matches(':').rsplit('"').nth(1)?;
    Some((key.to_owned(), word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<HfFields> {
        HfFields::parse(json.as_bytes(), "config.json")
    }

    #[test]
    fn python_numbers_are_named_by_their_key() {
        for (json, says) in [
            ("{\"a\": 1,\n \"layer_norm_eps\": NaN}", "config.json: `layer_norm_eps` is NaN"),
            ("{\"x\": 2, \"y\" : -Infinity}", "`y` is -Infinity"),
            ("{\"x\": Infinity}", "`x` is Infinity"),
            ("{\"x\": nothing}", "is not the configuration of a model"),
            ("[1]", "is not the configuration of a model"),
        ] {
            let error = parse(json).unwrap_err().to_string();
            assert!(error.contains(says), "{json}: {error}");
        }
        assert_eq!(parse("\u{feff}{\"size\": 3, \"none\": null}").unwrap().size("size").unwrap(), 3);
    }

    #[test]
    fn the_problem_follows_from_type_labels_and_activation() {
        let sigmoid = r#""sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}"#;
        let identity = r#""sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}"#;
        for (json, labels, problem) in [
            ("{}".to_owned(), 2, Problem::SingleLabel),
            (r#"{"num_labels": 1}"#.to_owned(), 1, Problem::Regression),
            (format!(r#"{{"num_labels": 1, {sigmoid}}}"#), 1, Problem::MultiLabel),
            (format!(r#"{{"num_labels": 1, {identity}}}"#), 1, Problem::Regression),
            (r#"{"num_labels": 3, "problem_type": "multi_label_classification"}"#.to_owned(), 3, Problem::MultiLabel),
            (r#"{"id2label": {"0": "x"}, "problem_type": "regression"}"#.to_owned(), 1, Problem::Regression),
        ] {
            let (found, kind) = parse(&json).unwrap().labels_and_problem().unwrap();
            assert_eq!((found.len(), kind), (labels, problem), "{json}");
        }
        let error = parse(r#"{"problem_type": "tagging"}"#).unwrap().labels_and_problem().unwrap_err().to_string();
        assert!(error.contains("`problem_type` is `tagging`; expected `single_label_classification`"), "{error}");
    }
}
