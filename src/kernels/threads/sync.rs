//! The primitives that the pool is built on. `tests/thread_pool_model.rs` compiles the pool's logic with loom's in their place.

pub use std::hint::spin_loop;
pub use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
pub use std::sync::{Condvar, Mutex};
