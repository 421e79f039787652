//! Exact sums from a byte dot that saturates.
//!
//! The dot of [`Dot::SATURATES`](crate::kernels::isa::Dot::SATURATES) computes `a₀·w₀ + a₁·w₁` in i16, with u8 a and s8 w. The
//! sum can leave i16 only if |w₀ + w₁| > 128: with weights of different sign it is at most 255 · 128 = 32,640, and with weights of
//! the same sign at most 255 · |w₀ + w₁|. Such pairs of weights are rare, about one in a hundred if weights are normally distributed,
//! and saturate only with large activations. So:
//!
//! 1. [`RiskyPairs`] are recorded once, when a layer is made.
//! 2. [`ActivationPeaks`], the largest activations of every few rows, are measured once for the rows of a product.
//! 3. For every panel, [`SaturationRepair`] compares the two, looks at the rows whose peaks can saturate, and notes what their sums
//!    lose. It adds the losses back before the sums reach the sink.

mod peaks;
mod repair;
mod risky_pairs;

pub(in crate::kernels) use peaks::ActivationPeaks;
pub(in crate::kernels) use repair::SaturationRepair;
pub(in crate::kernels) use risky_pairs::RiskyPairs;
