//! manifest.json: the files of a classifier, with their sizes and hashes, and what the model does. docs/manifest.md explains
//! the format.

use crate::error::{Error, Result, shortened};
use crate::integrity::Integrity;
use crate::model::{Accuracy, ModelInfo};
use crate::task::{Problem, Texts};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the format that this library reads and writes.
pub const VERSION: u64 = 1;

/// The content of a manifest.json.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u64,
    /// The ONNX file.
    pub model: ListedFile,
    /// The tokenizer.json.
    pub tokenizer: ListedFile,
    /// What the logits mean.
    pub problem: Problem,
    /// How many texts the model reads at a time, or `None` if its file does not tell.
    pub texts: Option<Texts>,
    /// The label names, by label id.
    pub labels: Vec<String>,
    /// How good the model was found to be, if that is known.
    pub accuracy: Option<Accuracy>,
}

/// A file that a manifest lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListedFile {
    /// Its URL, relative to that of the manifest.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its hash.
    pub integrity: Integrity,
}

impl Manifest {
    /// Describes a model and its tokenizer.
    pub fn new(model: ListedFile, tokenizer: ListedFile, info: &ModelInfo) -> Self {
        Manifest {
            version: VERSION,
            model,
            tokenizer,
            problem: info.problem,
            texts: info.texts,
            labels: info.labels.clone(),
            accuracy: info.accuracy.clone(),
        }
    }

    /// Reads the bytes of a manifest.json, which errors call `file_name`. Fields that this version does not know are ignored.
    ///
    /// # Errors
    /// If it is not JSON, is of another version, or a field is missing or wrong. The error names the field.
    pub fn from_bytes(bytes: &[u8], file_name: &str) -> Result<Self> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|e| Error::file_from(file_name, "is not a manifest.json, or is cut off or damaged", e))?;
        let Value::Object(object) = &value else {
            return Err(Error::file(file_name, "is not a manifest.json: it must hold a JSON object"));
        };
        let fields = Fields { object, file_name, path: "" };
        let version: u64 = fields.get("version", "a whole number")?;
        if version != VERSION {
            let problem = format!(
                "`version` is {version}, but this bert8 reads version {VERSION}; use the release of bert8 that wrote it, or write it \
                 again with bert8 manifest"
            );
            return Err(Error::file(file_name, problem));
        }
        let labels: Vec<String> = fields.get("labels", "a list of names")?;
        let problem: Problem = fields.get("problem", "`single-label`, `multi-label` or `regression`")?;
        if let Some(fault) = problem.fault(labels.len()) {
            return Err(Error::file(file_name, format!("`problem` does not fit `labels`: {fault}")));
        }
        Ok(Manifest {
            version,
            model: fields.file("model")?,
            tokenizer: fields.file("tokenizer")?,
            problem,
            texts: fields.get("texts", "`single`, `pair` or null")?,
            labels,
            accuracy: fields.get("accuracy", "an object as docs/manifest.md describes it, or null")?,
        })
    }
}

/// The fields of an object in a manifest.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    file_name: &'a str,
    /// What the names of the fields begin with.
    path: &'a str,
}

impl Fields<'_> {
    /// Returns a field, which must be what `wanted` says. One that is missing is null.
    fn get<T: DeserializeOwned>(&self, name: &str, wanted: &str) -> Result<T> {
        let value = self.object.get(name).unwrap_or(&Value::Null);
        T::deserialize(value).map_err(|_| {
            let path = self.path;
            let problem = match value {
                Value::Null => format!("`{path}{name}` is missing; it must be {wanted}"),
                value => format!("`{path}{name}` is {}, but must be {wanted}", shortened(&value.to_string(), 60)),
            };
            Error::file(self.file_name, problem)
        })
    }

    /// Returns a field that describes a file.
    fn file(&self, name: &str) -> Result<ListedFile> {
        let object: Map<String, Value> = self.get(name, "an object with `file`, `bytes` and `integrity`")?;
        let path = format!("{name}.");
        let fields = Fields { object: &object, file_name: self.file_name, path: &path };
        let listed = ListedFile {
            file: fields.get("file", "the URL of the file, relative to the manifest's")?,
            bytes: fields.get("bytes", "the size of the file, a whole number")?,
            integrity: fields.get("integrity", "`sha256-` and the SHA-256 of the file in base64")?,
        };
        match listed.file.is_empty() {
            false => Ok(listed),
            true => Err(Error::file(self.file_name, format!("`{path}file` is empty; it must be the URL of the file"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest() -> Value {
        let file = |name: &str| json!({ "file": name, "bytes": 4, "integrity": Integrity::of(b"file").to_string() });
        json!({
            "version": 1, "model": file("model.int8.onnx"), "tokenizer": file("tokenizer.json"),
            "problem": "single-label", "texts": "pair", "labels": ["no", "yes"], "accuracy": null, "later": true,
        })
    }

    #[test]
    fn what_is_written_is_read() {
        let read = |value: &Value| Manifest::from_bytes(value.to_string().as_bytes(), "manifest.json");
        let first = read(&manifest()).unwrap();
        assert_eq!((first.labels.len(), first.texts, first.problem), (2, Some(Texts::Pair), Problem::SingleLabel));
        assert_eq!(read(&serde_json::to_value(&first).unwrap()).unwrap(), first);
    }

    #[test]
    fn every_field_that_does_not_fit_is_named() {
        let says = |edit: &dyn Fn(&mut Value)| {
            let mut value = manifest();
            edit(&mut value);
            Manifest::from_bytes(value.to_string().as_bytes(), "m.json").unwrap_err().to_string()
        };
        let cases: [(&str, Value, &str); 13] = [
            ("/version", json!("1"), "`version` is \"1\", but must be a whole number"),
            ("/version", json!(2), "`version` is 2, but this bert8 reads version 1"),
            ("/model", json!(null), "`model` is missing; it must be an object"),
            ("/model", json!("m.onnx"), "`model` is \"m.onnx\", but must be an object"),
            ("/model/file", json!(""), "`model.file` is empty"),
            ("/model/file", json!(7), "`model.file` is 7, but must be the URL"),
            ("/tokenizer/bytes", json!(-1), "`tokenizer.bytes` is -1, but must be the size"),
            ("/tokenizer/bytes", json!(1.5), "`tokenizer.bytes` is 1.5, but must be the size"),
            ("/tokenizer/integrity", json!("sha384-"), "`tokenizer.integrity` is \"sha384-\", but must be `sha256-`"),
            ("/problem", json!("any"), "`problem` is \"any\", but must be `single-label`"),
            ("/texts", json!(2), "`texts` is 2, but must be `single`"),
            ("/labels", json!("a".repeat(100)), "aaa…, but must be a list of names"),
            ("/accuracy", json!({}), "`accuracy` is {}, but must be an object"),
        ];
        for (path, value, expected) in cases {
            let error = says(&|manifest| *manifest.pointer_mut(path).unwrap() = value.clone());
            assert!(error.starts_with("m.json") && error.contains(expected), "{error}");
        }
        let error = says(&|manifest| manifest["labels"] = json!([]));
        assert!(error.contains("`problem` does not fit `labels`"), "{error}");
        for (bytes, expected) in [("[]", "must hold a JSON object"), ("{\"version\":", "cut off or damaged")] {
            let error = Manifest::from_bytes(bytes.as_bytes(), "m.json").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
