//! Integer matrix products and the row operations around them. Knows nothing of tract or ONNX.
//!
//! Shapes are those of `y[M, N] = a[M, K] · w[K, N]`: M tokens, K input features, N output features. Activations `a` are
//! u8 with a zero point, weights `w` s8 with one scale per column.

mod attention;
mod dispatch;
mod gemm;
mod linear;
pub mod math;
mod pack;
pub mod rows;
mod scalar;
#[cfg(target_arch = "wasm32")]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use attention::{AttentionParams, QUERY_ZERO_POINT, attention};
pub use dispatch::{Kernel, Path};
pub use gemm::Activations;
pub use linear::QuantizedLinear;
pub use pack::{PANEL, PackedWeights};
