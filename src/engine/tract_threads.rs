//! The threads of tract's own operators.

#[cfg(not(target_arch = "wasm32"))]
use tract_onnx::tract_core::tract_linalg::multithread::{Executor, multithread_tract_scope};

/// Threads that tract's operators run on. In WebAssembly, where tract cannot start any, only products run on several threads:
/// those of the pool (see `ops::tract_product`).
#[derive(Debug, Clone, Default)]
pub(super) struct TractThreads {
    #[cfg(not(target_arch = "wasm32"))]
    executor: Executor,
}

#[cfg(not(target_arch = "wasm32"))]
impl TractThreads {
    /// Starts `threads` threads, or none for 1.
    pub fn new(threads: usize) -> Self {
        match threads {
            1 => TractThreads::default(),
            _ => TractThreads { executor: Executor::multithread_with_name(threads, "tract") },
        }
    }

    /// Runs `f`, whose operators use these threads.
    pub fn install<R>(&self, f: impl FnOnce() -> R) -> R {
        multithread_tract_scope(self.executor.clone(), f)
    }
}

#[cfg(target_arch = "wasm32")]
impl TractThreads {
    /// Does nothing.
    pub fn new(_threads: usize) -> Self {
        TractThreads::default()
    }

    /// Runs `f`.
    pub fn install<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }
}
