//! RoBERTa, CamemBERT and XLM-RoBERTa: positions that count from `padding_idx + 1`, one token type, and other names in the
//! head.

use super::Family;
use super::bert;
use crate::bert::checkpoint::Checkpoint;
use crate::bert::hf_fields::HfFields;
use crate::bert::{BertConfig, Head};
use crate::error::Result;

pub const FAMILY: Family = Family {
    model_types: &[("roberta", "Roberta"), ("camembert", "Camembert"), ("xlm-roberta", "XLMRoberta")],
    read,
    checkpoint,
};

fn read(fields: &HfFields) -> Result<BertConfig> {
    let config = bert::read(fields, Head::BERT)?;
    let padding = padding_id(fields)?;
    let offset = padding.saturating_add(1);
    let Some(max_positions) = config.max_positions.checked_sub(offset).filter(|&rows| rows > 0) else {
        let problem = format!("is {}, but the first {offset} positions are for padding", config.max_positions);
        return Err(fields.bad("max_position_embeddings", problem));
    };
    Ok(BertConfig { max_positions, type_vocab: 0, padding_id: Some(padding), ..config })
}

fn checkpoint(fields: &HfFields) -> Result<Checkpoint> {
    Ok(Checkpoint {
        prefix: "roberta.",
        renames: &[("classifier.dense.", "pooler.dense."), ("classifier.out_proj.", "classifier.")],
        position_offset: padding_id(fields)?.saturating_add(1),
        token_types: fields.size_or("type_vocab_size", 1)?,
    })
}

/// The id of the padding token, which is also its position. The first token has the next one.
fn padding_id(fields: &HfFields) -> Result<usize> {
    fields.size_or("pad_token_id", 1)
}
