//! The layers of an encoder.
//!
//! A layer is a struct that holds its weights and its [`Kernel`](super::Kernel), and whose `run` works on slices of rows. `run`
//! checks the shapes, then runs a [`Task`](super::isa::Task) on the kernel.
//!
//! The integer product hands its sums to a [`Sink`](super::isa::Sink) tile by tile. [`Linear`] dequantizes them
//! (`y = (sum − offset) · scale + bias`) and hands y to an [`Epilogue`](linear::Epilogue), which is the next step of the model:
//! it applies an activation function, quantizes, or writes keys and values in the layout that attention reads. Between two
//! products, data goes through memory only once.
//!
//! One encoder layer runs as
//!
//! ```text
//! SelfAttention          queries, keys, values; scores; softmax; context, quantized
//! ResidualNorm           output projection + residual → LayerNorm → FP32 and quantized rows
//! Linear::run_quantized  first feed-forward layer, activation, quantized
//! ResidualNorm           second feed-forward layer + residual → LayerNorm → FP32 and quantized rows
//! ```

mod activate;
mod attention;
mod dense;
mod elementwise;
mod embedding;
mod float_product;
mod linear;
mod math;
mod mean;
mod norm;
mod panel_product;
mod quantizer;
mod residual;
mod softmax;
mod sum_norm;

pub use attention::{AttentionParams, ContextRows, FloatAttention, SelfAttention};
pub use dense::Dense;
pub use embedding::{Embedding, Table};
pub use float_product::{FloatColumns, FloatLinear};
pub use linear::Linear;
pub use mean::sequence_means;
pub use norm::LayerNorm;
pub use quantizer::Quantizer;
pub use residual::ResidualNorm;
pub use sum_norm::SumNorm;

pub(crate) use math::ROUND;
