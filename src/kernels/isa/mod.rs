//! What an instruction set offers: eight lanes, the byte dot over packed blocks, and the choice among instruction sets.

mod block;
mod dispatch;
mod dot;
mod lanes;
mod scalar;
#[cfg(target_arch = "wasm32")]
pub(crate) mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use block::{Block, GROUP, PANEL};
pub use dispatch::{Kernel, KernelKind};
pub use lanes::LANES;

pub(super) use block::fetch;
pub(super) use dispatch::Task;
pub(super) use dot::{Dot, MAX_ROWS, Panel, Sink, Sums};
pub(crate) use lanes::Lanes;
#[cfg(test)]
pub(super) use scalar::Scalar;
