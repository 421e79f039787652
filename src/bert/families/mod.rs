//! The model families that a Hugging Face folder may hold. Each file maps a family's configuration and tensors to those of
//! BERT, in which the rest of the crate works.

mod bert;
mod distilbert;
mod electra;
mod roberta;
mod unsupported;

pub use unsupported::UNSUPPORTED;

use super::BertConfig;
use super::checkpoint::Checkpoint;
use super::hf_fields::HfFields;
use crate::error::Result;

/// A family of models with BERT's encoder.
pub struct Family {
    /// The values of `model_type`, each with the prefix of its class names in `architectures`.
    model_types: &'static [(&'static str, &'static str)],
    /// Reads the configuration.
    pub read: fn(&HfFields) -> Result<BertConfig>,
    /// How its files store the weights.
    pub checkpoint: fn(&HfFields) -> Result<Checkpoint>,
}

/// All supported families.
const FAMILIES: [Family; 4] = [bert::FAMILY, distilbert::FAMILY, roberta::FAMILY, electra::FAMILY];

impl Family {
    /// Returns the family that the fields name. A configuration without `model_type` is a BERT's.
    ///
    /// # Errors
    /// If the family is not supported.
    pub fn of(fields: &HfFields) -> Result<&'static Family> {
        let kind = model_type(fields)?;
        let named = |family: &&Family| family.model_types.iter().any(|(name, _)| *name == kind);
        let Some(family) = FAMILIES.iter().find(named) else {
            let other = UNSUPPORTED.iter().find(|other| other.model_types.contains(&kind));
            let reason = other.map_or(String::new(), |other| format!(", which would need {}", other.needs));
            let supported: Vec<&str> = FAMILIES.iter().flat_map(|family| family.model_types).map(|(n, _)| *n).collect();
            return Err(fields.bad("model_type", format!("is `{kind}`{reason}; supported: {}", supported.join(", "))));
        };
        Ok(family)
    }

    /// Checks that the architecture is a sequence classifier.
    ///
    /// # Errors
    /// If the fields name another one.
    pub fn check_architecture(&self, fields: &HfFields) -> Result<()> {
        let kind = model_type(fields)?;
        let class = self.model_types.iter().find(|(name, _)| *name == kind).map_or("", |(_, prefix)| prefix);
        let expected = format!("{class}ForSequenceClassification");
        match fields.names("architectures")?.into_iter().find(|name| *name != expected) {
            Some(name) => Err(fields.bad("architectures", format!("names `{name}`; only `{expected}` is supported"))),
            None => Ok(()),
        }
    }
}

fn model_type(fields: &HfFields) -> Result<&str> {
    fields.text_or("model_type", "bert")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_family_is_both_supported_and_unsupported() {
        let mut names: Vec<&str> =
            FAMILIES.iter().flat_map(|family| family.model_types).map(|(name, _)| *name).collect();
        names.extend(UNSUPPORTED.iter().flat_map(|other| other.model_types));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
