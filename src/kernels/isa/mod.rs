//! What an instruction set offers, and the choice among instruction sets.
//!
//! Kernels are written once, over two traits:
//!
//! - [`Lanes`] is arithmetic on vectors of eight f32 or i32 lanes. Layers and epilogues use it.
//! - [`Dot`] is the micro-kernel of the integer product: it encodes activations and multiplies a tile of rows with a panel of
//!   packed weights.
//!
//! A type that implements them can only be made where its instruction set is available, so a value is a proof. [`Kernel`]
//! wraps these proofs. It runs a [`Task`], which is generic over `Dot`, in a function that is compiled for the instruction set.
//!
//! # To add a kernel
//!
//! Implement `Dot` (and `Lanes`, if no present type fits) in a file of its own, then add it to `KernelKind` and to each match in
//! `dispatch.rs`. All tests that iterate over [`Kernel::all`] cover it from then on.

mod block;
mod dispatch;
mod dot;
mod lanes;
mod scalar;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod signed_stand_in;
#[cfg(target_arch = "wasm32")]
pub(crate) mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use block::{Block, GROUP, PANEL};
pub use dispatch::{Kernel, KernelKind};
pub use lanes::LANES;

// A row's sums with a panel are one vector, with one column in each lane.
const _: () = assert!(PANEL == LANES);
// A vector of a layer's outputs is encoded as one group of k of the next product.
const _: () = assert!(GROUP == LANES);

pub(super) use block::touch;
pub(super) use dispatch::Task;
pub(super) use dot::{Dot, MAX_ROWS, Panel, Sink, Sums};
pub(crate) use lanes::Lanes;
#[cfg(test)]
pub(super) use scalar::Scalar;
