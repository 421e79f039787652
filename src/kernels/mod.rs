//! Integer matrix products and the row operations around them. Knows nothing of ONNX and of tract.
//!
//! Shapes are those of `y[M, N] = a[M, K] · w[K, N]`: M tokens, K input features, N output features. Activations `a` are
//! u8 with a zero point, weights `w` s8 with one scale per column.

mod buffer;
mod gemm;
mod isa;
mod layers;

pub use gemm::{BAND, MAX_K, PackedWeights, Packer};
pub use isa::{GROUP, Kernel, KernelKind, LANES, PANEL};
pub use layers::{
    AttentionParams, AttentionScratch, ContextRows, Embedding, FloatAttention, FloatAttentionScratch, LayerNorm,
    Linear, Quantizer, ResidualNorm, SelfAttention, SumNorm, Table,
};

#[cfg(target_arch = "wasm32")]
pub(crate) use isa::{Lanes, wasm::Simd128};
pub(crate) use layers::ROUND;
