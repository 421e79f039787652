//! The layers of an encoder: what is built on the integer product, and the row operations around it.

mod activate;
mod attention;
mod elementwise;
mod embedding;
mod linear;
mod math;
mod norm;
mod quantizer;
mod residual;
mod softmax;
mod sum_norm;

pub use attention::{
    AttentionParams, AttentionScratch, ContextRows, FloatAttention, FloatAttentionScratch, SelfAttention,
};
pub use embedding::{Embedding, Table};
pub use linear::Linear;
pub use norm::LayerNorm;
pub use quantizer::Quantizer;
pub use residual::ResidualNorm;
pub use sum_norm::SumNorm;

pub(crate) use math::ROUND;
