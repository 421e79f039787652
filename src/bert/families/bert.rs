//! BERT.

use super::Family;
use crate::bert::checkpoint::Checkpoint;
use crate::bert::hf_fields::HfFields;
use crate::bert::{BertConfig, Head};
use crate::error::Result;

pub const FAMILY: Family =
    Family { model_types: &[("bert", "Bert")], read: |fields| read(fields, Head::BERT), checkpoint };

/// Reads the fields that BERT shares with the families that have the same names. The default of `type_vocab_size` is BERT's.
pub fn read(fields: &HfFields, head: Head) -> Result<BertConfig> {
    fields.check_encoder()?;
    let (labels, problem) = fields.labels_and_problem()?;
    Ok(BertConfig {
        vocab_size: fields.size("vocab_size")?,
        hidden: fields.size("hidden_size")?,
        layers: fields.size("num_hidden_layers")?,
        heads: fields.size("num_attention_heads")?,
        intermediate: fields.size("intermediate_size")?,
        max_positions: fields.size("max_position_embeddings")?,
        type_vocab: fields.size_or("type_vocab_size", 2)?,
        padding_id: None,
        embedding_size: None,
        layer_norm_eps: fields.number_or("layer_norm_eps", 1e-12)?,
        activation: fields.activation("hidden_act")?,
        head,
        labels,
        problem,
        texts: None,
    })
}

fn checkpoint(_: &HfFields) -> Result<Checkpoint> {
    Ok(Checkpoint { prefix: "bert.", ..Checkpoint::default() })
}
