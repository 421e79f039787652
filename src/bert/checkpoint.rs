//! How a checkpoint of a family stores the weights of a BERT.

use super::BertConfig;
use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// The shape and values of every tensor, by name.
pub type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

const POSITIONS: &str = "embeddings.position_embeddings.weight";
const TYPES: &str = "embeddings.token_type_embeddings.weight";

/// The names and forms in which a family stores its weights.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checkpoint {
    /// The prefix of the encoder's tensors, with its dot.
    pub prefix: &'static str,
    /// Parts of stored names with the parts of BERT's names that replace them.
    pub renames: &'static [(&'static str, &'static str)],
    /// The number of rows of the position table before the row of the first token.
    pub position_offset: usize,
    /// The number of rows of a token type table of which only the first row is used, or 0 if the model uses all or has none.
    pub token_types: usize,
}

impl Checkpoint {
    /// Returns BERT's name of the stored tensor `name`, and whether `name` has the family's prefix. Wrappers around models
    /// put `module.` or `model.` before all names.
    pub fn bert_name(&self, name: &str) -> (String, bool) {
        let bare = name.strip_prefix("module.").unwrap_or(name);
        let bare = bare.strip_prefix("model.").unwrap_or(bare);
        let short = bare.strip_prefix(self.prefix).filter(|_| !self.prefix.is_empty());
        let renamed = self.renames.iter().fold(format!(".{}", short.unwrap_or(bare)), |name, (from, to)| {
            match from.starts_with('.') {
                true => name.replace(from, to),
                false => name.strip_prefix(&format!(".{from}")).map_or(name.clone(), |rest| format!(".{to}{rest}")),
            }
        });
        // Early checkpoints use the names of BERT's original TensorFlow code.
        let renamed =
            renamed.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias");
        (renamed[1..].to_owned(), short.is_some())
    }

    /// The name and the stored shape of every tensor of a model of this configuration, by BERT's name.
    pub fn stored_shapes(&self, config: &BertConfig) -> BTreeMap<String, Vec<usize>> {
        let mut shapes: BTreeMap<String, Vec<usize>> = config.tensor_shapes().into_iter().collect();
        if let Some(shape) = shapes.get_mut(POSITIONS) {
            shape[0] += self.position_offset;
        }
        if self.token_types > 0 {
            shapes.insert(TYPES.to_owned(), vec![self.token_types, config.embedding_features()]);
        }
        shapes
    }

    /// Turns stored tensors into those of a BERT: cuts positions that no token has, and adds the only token type to the
    /// positions.
    ///
    /// # Errors
    /// If one of these tensors is missing or has another shape.
    pub fn adapt(&self, config: &BertConfig, weights: &mut Weights, file_name: &str) -> Result<()> {
        if self.position_offset == 0 && self.token_types == 0 {
            return Ok(());
        }
        let shapes = self.stored_shapes(config);
        let mut take = |name: &str| {
            let shape = &shapes[name];
            match weights.remove(name) {
                Some((found, values)) if found == *shape => Ok(values),
                Some((found, _)) => {
                    Err(Error::tensor(file_name, name, format!("has shape {found:?}, expected {shape:?}")))
                }
                None => Err(Error::tensor(file_name, name, format!("is missing; expected shape {shape:?}"))),
            }
        };
        let features = config.embedding_features();
        let mut positions = take(POSITIONS)?;
        positions.drain(..self.position_offset * features);
        if self.token_types > 0 {
            let types = take(TYPES)?;
            for row in positions.chunks_exact_mut(features) {
                row.iter_mut().zip(&types[..features]).for_each(|(position, kind)| *position += kind);
            }
        }
        weights.insert(POSITIONS.to_owned(), (vec![config.max_positions, features], positions));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_of_bert() {
        let checkpoint = Checkpoint {
            prefix: "distil.",
            renames: &[("transformer.", "encoder."), (".q_lin.", ".query."), ("classifier.out.", "classifier.")],
            ..Checkpoint::default()
        };
        for (name, bert, prefixed) in [
            ("distil.transformer.layer.0.q_lin.weight", "encoder.layer.0.query.weight", true),
            ("module.distil.transformer.x", "encoder.x", true),
            ("model.distil.transformer.x", "encoder.x", true),
            ("module.classifier.out.bias", "classifier.bias", false),
            ("embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight", false),
            ("a.transformer.x", "a.transformer.x", false),
        ] {
            assert_eq!(checkpoint.bert_name(name), (bert.to_owned(), prefixed), "{name}");
        }
    }

    #[test]
    fn positions_start_at_zero_and_hold_the_only_token_type() {
        let checkpoint = Checkpoint { position_offset: 2, token_types: 1, ..Checkpoint::default() };
        let config = BertConfig { hidden: 2, heads: 1, max_positions: 3, type_vocab: 0, ..BertConfig::tiny() };
        let positions = (0..10).map(|v| v as f32).collect();
        let mut weights = Weights::from([
            (POSITIONS.to_owned(), (vec![5, 2], positions)),
            (TYPES.to_owned(), (vec![1, 2], vec![100.0, 200.0])),
        ]);
        checkpoint.adapt(&config, &mut weights, "file").unwrap();
        let expected = vec![104.0, 205.0, 106.0, 207.0, 108.0, 209.0];
        assert_eq!(weights, Weights::from([(POSITIONS.to_owned(), (vec![3, 2], expected))]));
        let error = checkpoint.adapt(&config, &mut weights, "file").unwrap_err().to_string();
        assert_eq!(error, format!("file: tensor `{POSITIONS}` has shape [3, 2], expected [5, 2]"));
    }
}
