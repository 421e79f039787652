//! Finds the configuration that exporters put beside an ONNX file.

use crate::bert::BertConfig;
use crate::bert::hf_config::config_beside;
use crate::error::Result;
use crate::files::Files;
use std::path::Path;

/// Reads the config.json of the ONNX file `model` of `files`: in the same folder or, if that is called `onnx`, in the one above, as
/// transformers.js has it. Returns `None` if there is none or if it is not the config.json of a Hugging Face model.
///
/// # Errors
/// As [`config_beside`].
pub fn config(files: &dyn Files, model: &Path) -> Result<Option<BertConfig>> {
    let folder = model.parent().filter(|folder| folder.file_name().is_some_and(|name| name == "onnx"));
    match (config_beside(files, model)?, folder) {
        (None, Some(folder)) => config_beside(files, folder),
        (found, _) => Ok(found),
    }
}
