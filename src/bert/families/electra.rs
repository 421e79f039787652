//! ELECTRA: embeddings that may be projected to the hidden size, and a head with GELU.

use super::Family;
use super::bert;
use crate::bert::checkpoint::Checkpoint;
use crate::bert::hf_fields::HfFields;
use crate::bert::{BertConfig, Head, HeadActivation, Pooling};
use crate::error::Result;

pub const FAMILY: Family = Family { model_types: &[("electra", "Electra")], read, checkpoint };

fn read(fields: &HfFields) -> Result<BertConfig> {
    let head = Head { pooling: Pooling::FirstToken, dense: Some(HeadActivation::Gelu) };
    let config = bert::read(fields, head)?;
    let embedding_size = Some(fields.size_or("embedding_size", 128)?).filter(|&size| size != config.hidden);
    Ok(BertConfig { embedding_size, ..config })
}

fn checkpoint(_: &HfFields) -> Result<Checkpoint> {
    Ok(Checkpoint {
        prefix: "electra.",
        renames: &[("classifier.dense.", "pooler.dense."), ("classifier.out_proj.", "classifier.")],
        ..Checkpoint::default()
    })
}
