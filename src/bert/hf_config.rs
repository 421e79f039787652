//! Reads the config.json of Hugging Face models.

use super::BertConfig;
use super::checkpoint::Checkpoint;
use super::families::Family;
use super::hf_fields::HfFields;
use crate::error::Result;
use crate::files::Files;
use std::path::Path;

/// Parses a Hugging Face config.json. Returns the architecture, and how files of its family store the weights. Errors name
/// the file `file_name`.
///
/// # Errors
/// If the bytes are not the configuration of a sequence classifier of a supported family.
pub fn parse_config(bytes: &[u8], file_name: &str) -> Result<(BertConfig, Checkpoint)> {
    let fields = HfFields::parse(bytes, file_name)?;
    // The family comes first: others name their sizes differently.
    let family = Family::of(&fields)?;
    family.check_architecture(&fields)?;
    Ok((read(family, &fields, file_name)?, (family.checkpoint)(&fields)?))
}

fn read(family: &Family, fields: &HfFields, file_name: &str) -> Result<BertConfig> {
    let config = (family.read)(fields)?;
    config.validate(file_name)?;
    Ok(config)
}

/// Reads the config.json beside the ONNX file `model` of `files`, where exporters put it. Returns `None` if there is none or if it is not
/// the config.json of a Hugging Face model. The architecture that it names does not matter: the graph shows the head.
///
/// # Errors
/// If the family is not supported, or a field cannot be used.
pub fn config_beside(files: &dyn Files, model: &Path) -> Result<Option<BertConfig>> {
    let path = model.with_file_name("config.json");
    let Ok(bytes) = files.read(&path) else { return Ok(None) };
    let name = path.display().to_string();
    let Ok(fields) = HfFields::parse(&bytes, &name) else { return Ok(None) };
    if fields.text_or("model_type", "").is_ok_and(str::is_empty) {
        return Ok(None);
    }
    read(Family::of(&fields)?, &fields, &name).map(Some)
}
