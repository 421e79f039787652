//! Where the files of a model are.

use super::{Files, folder_of};
use crate::error::Error;
use std::path::{Path, PathBuf};

/// The names of tokenizer files, the preferred one first.
const TOKENIZER_FILES: [&str; 2] = ["tokenizer.json", "vocab.txt"];

/// Files that transformers makes a tokenizer.json from, and bert8 does not.
const OTHER_TOKENIZERS: [&str; 4] = ["vocab.json", "sentencepiece.bpe.model", "sentencepiece.model", "spiece.model"];

/// Returns the ONNX file that `model` is, or that the folder `model` holds instead of safetensors: `model.onnx`, or
/// `onnx/model.onnx` as transformers.js has it. Returns `None` for any other folder.
pub fn model_file(files: &dyn Files, model: &Path) -> Option<PathBuf> {
    let holds = |name: &str| files.exists(&model.join(name));
    match files.is_folder(model) {
        false => Some(model.to_owned()),
        true if holds("model.safetensors") || holds("model.safetensors.index.json") => None,
        true => ["model.onnx", "onnx/model.onnx"]
            .map(|name| model.join(name))
            .into_iter()
            .find(|path| files.exists(path) && !files.is_folder(path)),
    }
}

/// Returns where a file called `name` that belongs to the ONNX file `model` may be: beside it or, if its folder is called
/// `onnx`, above that.
pub fn beside(model: &Path, name: &str) -> Vec<PathBuf> {
    // A path may not show its folder.
    let shows = model.parent().is_some_and(|folder| folder.file_name().is_some());
    let absolute = if shows { None } else { std::path::absolute(model).ok() };
    let full = absolute.as_deref().unwrap_or(model);
    let folder = full.parent().filter(|folder| folder.file_name().is_some_and(|folder| folder == "onnx"));
    std::iter::once(model.with_file_name(name)).chain(folder.map(|folder| folder.with_file_name(name))).collect()
}

/// Returns the path of the tokenizer of `model`: the tokenizer.json or vocab.txt in or beside it, or above a folder called
/// `onnx`. If there is none, returns the path beside the model.
pub fn tokenizer_path(files: &dyn Files, model: &Path) -> PathBuf {
    let file = model_file(files, model).unwrap_or_else(|| model.join("model.safetensors"));
    let paths: Vec<PathBuf> = TOKENIZER_FILES.into_iter().flat_map(|name| beside(&file, name)).collect();
    paths.iter().find(|path| files.exists(path)).unwrap_or(&paths[0]).clone()
}

/// Returns the error for a model with a tokenizer that bert8 does not read in the folder of `path`, where its tokenizer.json
/// should be; `None` if there is no such file.
pub fn other_tokenizer(files: &dyn Files, path: &Path) -> Option<Error> {
    let name = OTHER_TOKENIZERS.into_iter().find(|name| files.exists(&path.with_file_name(name)))?;
    let folder = folder_of(path);
    let problem = format!(
        "has {name}, but no tokenizer.json; make one with Python: from transformers import AutoTokenizer as T; \
         T.from_pretrained({folder:?}).save_pretrained({folder:?})"
    );
    Some(Error::Argument(format!("{} {problem}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::MemoryFiles;

    fn files(paths: &[&str]) -> MemoryFiles {
        let mut files = MemoryFiles::default();
        paths.iter().for_each(|path| files.insert(path, Vec::new()));
        files
    }

    #[test]
    fn models_and_tokenizers_are_where_tools_put_them() {
        for (paths, model, file, tokenizer) in [
            (&["m/model.safetensors", "m/model.onnx", "m/tokenizer.json"] as &[_], "m", None, "m/tokenizer.json"),
            (&["m/model.safetensors.index.json", "m/vocab.txt"], "m", None, "m/vocab.txt"),
            (&["m/onnx/model.onnx", "m/tokenizer.json"], "m", Some("m/onnx/model.onnx"), "m/tokenizer.json"),
            (&["onnx/model.onnx", "tokenizer.json"], "", Some("onnx/model.onnx"), "tokenizer.json"),
            (&["a.onnx", "tokenizer.json", "vocab.txt"], "a.onnx", Some("a.onnx"), "tokenizer.json"),
            (&["m/other.onnx"], "m", None, "m/tokenizer.json"),
        ] {
            let files = files(paths);
            assert_eq!(model_file(&files, Path::new(model)), file.map(PathBuf::from), "{paths:?}");
            assert_eq!(tokenizer_path(&files, Path::new(model)), Path::new(tokenizer), "{paths:?}");
        }
    }

    #[test]
    fn tokenizers_of_other_programs_are_named() {
        let files = files(&["m/model.safetensors", "m/spiece.model"]);
        let error = other_tokenizer(&files, &tokenizer_path(&files, Path::new("m"))).unwrap();
        assert!(error.to_string().starts_with("m has spiece.model, but no tokenizer.json; make one"), "{error}");
        assert!(other_tokenizer(&files, Path::new("tokenizer.json")).is_none());
    }
}
