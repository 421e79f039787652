//! DistilBERT: no token types, other names, and a head with ReLU.

use super::Family;
use crate::bert::checkpoint::Checkpoint;
use crate::bert::hf_fields::HfFields;
use crate::bert::{BertConfig, Head, HeadActivation, Pooling};
use crate::error::Result;

pub const FAMILY: Family = Family { model_types: &[("distilbert", "DistilBert")], read, checkpoint };

fn read(fields: &HfFields) -> Result<BertConfig> {
    fields.check_encoder()?;
    let (labels, problem) = fields.labels_and_problem()?;
    Ok(BertConfig {
        vocab_size: fields.size("vocab_size")?,
        hidden: fields.size("dim")?,
        layers: fields.size("n_layers")?,
        heads: fields.size("n_heads")?,
        intermediate: fields.size("hidden_dim")?,
        max_positions: fields.size("max_position_embeddings")?,
        type_vocab: 0,
        padding_id: None,
        embedding_size: None,
        layer_norm_eps: 1e-12,
        activation: fields.activation("activation")?,
        head: Head { pooling: Pooling::FirstToken, dense: Some(HeadActivation::Relu) },
        labels,
        problem,
        texts: None,
    })
}

fn checkpoint(_: &HfFields) -> Result<Checkpoint> {
    Ok(Checkpoint {
        prefix: "distilbert.",
        renames: &[
            ("transformer.layer.", "encoder.layer."),
            (".attention.q_lin.", ".attention.self.query."),
            (".attention.k_lin.", ".attention.self.key."),
            (".attention.v_lin.", ".attention.self.value."),
            (".attention.out_lin.", ".attention.output.dense."),
            (".sa_layer_norm.", ".attention.output.LayerNorm."),
            (".ffn.lin1.", ".intermediate.dense."),
            (".ffn.lin2.", ".output.dense."),
            (".output_layer_norm.", ".output.LayerNorm."),
            ("pre_classifier.", "pooler.dense."),
        ],
        ..Checkpoint::default()
    })
}
