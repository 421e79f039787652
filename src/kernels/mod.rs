//! INT8 layers of an encoder, built on an integer matrix product for each instruction set.
//!
//! This module knows nothing of ONNX and tract. Shapes are those of `y[M, N] = a[M, K] · w[K, N]`: M tokens, K input features,
//! N output features. Activations `a` are u8 with a zero point; weights `w` are s8 with one scale per column.
//!
//! # Structure
//!
//! Each of these modules uses only those above it:
//!
//! - `isa` is what an instruction set implements: vectors of eight lanes ([`LANES`]) and the micro-kernel that multiplies a tile
//!   of rows with a panel of weights. [`Kernel`] is the choice among the available ones.
//! - `gemm` is the integer matrix product: [`Packer`] and [`PackedWeights`], and the loop over panels and tiles.
//! - `threads` is the pool of threads that compute a layer together: [`ThreadPool`].
//! - `layers` are the layers of an encoder: [`Linear`], [`SelfAttention`], [`LayerNorm`] and others.
//! - `agreement` compares a kernel's layers with the scalar kernel's, and `choice` picks the fastest kernel that agrees.
//!
//! # Data formats
//!
//! - **Packed weights** are panels of 8 columns ([`PANEL`]), each a sequence of blocks of 8 k ([`GROUP`]). A model's weights are
//!   packed once, when it is loaded. All kernels read the same packed weights.
//! - **Encoded activations** are quantized rows in the form that one kernel reads: bytes as they are, bytes minus 128, or i16. The
//!   layer that computes a row also encodes it, so layers that exchange rows must have the same kernel.
//! - **FP32 rows** are row-major.
//!
//! # The same bits
//!
//! Kernels compute the same integers, and layers the same FP32 bits: every sum has one order, and `a · b + c` is rounded twice
//! everywhere. Only a [`FloatAttention`] that is `fused` rounds once where the instruction set can.

mod agreement;
mod buffer;
mod choice;
mod gemm;
mod isa;
mod layers;
pub(crate) mod threads;

pub use gemm::{BAND, MAX_K, PackedWeights, Packer};
pub use isa::{GROUP, Kernel, KernelKind, LANES, PANEL};
pub use layers::{
    AttentionParams, ContextRows, Dense, Embedding, FloatAttention, FloatColumns, FloatLinear, LayerNorm, Linear,
    Quantizer, ResidualNorm, SelfAttention, SumNorm, Table, sequence_means,
};
pub use threads::ThreadPool;

#[cfg(target_arch = "wasm32")]
pub(crate) use isa::{Lanes, wasm::Simd128};
pub(crate) use layers::ROUND;
