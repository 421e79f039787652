//! A pool of threads for the layers.
//!
//! A layer splits its work with [`for_each_range`] or [`for_each`]. The calling thread works too, and the others join in if they
//! are awake or wake up in time: [`crew`] has the rules. No result depends on which thread computes what.
//!
//! The layers find the pool in a thread-local variable, where [`ThreadPool::install`] puts it.

mod bell;
mod crew;
mod pool;
mod shared_slice;
mod sync;
mod throttle;
mod ticket;

pub use pool::ThreadPool;
pub(crate) use pool::for_each_range;
#[cfg(any(target_arch = "wasm32", test))]
pub(crate) use pool::{for_each_long, installed_threads};
pub(in crate::kernels) use shared_slice::SharedSlice;
