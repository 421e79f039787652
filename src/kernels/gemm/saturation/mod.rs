//! Exact sums from a dot that adds products in pairs and saturates the pairs in i16.
//!
//! `a₀·w₀ + a₁·w₁` with u8 a and s8 w leaves i16 only where |w₀ + w₁| > 128, since weights of two signs cannot, and
//! 255 · 128 = 32,640. Such pairs are rare, about one in a hundred of normally distributed weights, and saturate only at
//! large activations. Where they are is noted once. Every product then finds those that do, by the largest activations of
//! every few rows first, and gives the sums what these lost.

mod losses;
mod peaks;
mod risks;

pub(in crate::kernels) use losses::Losses;
pub(in crate::kernels) use peaks::Peaks;
pub(in crate::kernels) use risks::Risks;
