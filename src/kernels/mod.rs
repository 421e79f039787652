//! Integer matrix products and the row operations around them. Knows nothing of ONNX, and of tract only
//! in the kernel that does its FP32 products in WebAssembly.
//!
//! Shapes are those of `y[M, N] = a[M, K] · w[K, N]`: M tokens, K input features, N output features. Activations `a` are
//! u8 with a zero point, weights `w` s8 with one scale per column.

mod activate;
mod attention;
mod buffer;
mod dispatch;
mod dot;
mod elementwise;
mod embedding;
mod float_attention;
mod gemm;
mod heights;
mod lanes;
mod linear;
mod math;
mod matmul;
mod norm;
mod pack;
mod packing;
mod partial;
mod prepared;
mod quantizer;
mod residual;
mod saturation;
mod scalar;
mod sequences;
mod softmax;
mod strassen;
mod sum_norm;
#[cfg(target_arch = "wasm32")]
mod tract_product;
#[cfg(target_arch = "wasm32")]
mod wasm;
mod weigh;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use attention::{AttentionParams, AttentionScratch, ContextRows, SelfAttention};
pub use dispatch::{Kernel, Path};
pub use embedding::{Embedding, Table};
pub use float_attention::{FloatAttention, FloatAttentionScratch};
pub use lanes::LANES;
pub use linear::Linear;
pub(crate) use math::ROUND;
pub use norm::LayerNorm;
pub use pack::{GROUP, PANEL, PackedWeights};
pub use packing::{BAND, Packing};
pub use quantizer::Quantizer;
pub use residual::ResidualNorm;
pub use sum_norm::SumNorm;
#[cfg(target_arch = "wasm32")]
pub use tract_product::{TRACT_PRODUCT, register_tract_product};
