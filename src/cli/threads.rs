//! The option that chooses the number of threads.

use anyhow::{Context, Result};
use bert8::kernels::ThreadPool;
use clap::Args;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

/// The number of threads of commands that use all processors by default.
#[derive(Debug, Args)]
pub struct Threads {
    /// Number of threads; the results do not depend on it [default: one for each processor]
    #[arg(long = "threads", value_name = "N")]
    count: Option<NonZeroUsize>,
}

impl Threads {
    /// Returns the number of threads.
    pub fn count(&self) -> NonZeroUsize {
        self.count.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }

    /// Starts the threads.
    pub fn pool(&self) -> Result<Arc<ThreadPool>> {
        pool(self.count())
    }
}

/// Starts `threads` threads.
pub fn pool(threads: NonZeroUsize) -> Result<Arc<ThreadPool>> {
    let pool = ThreadPool::new(threads.get());
    Ok(Arc::new(pool.with_context(|| format!("cannot start {threads} threads; choose fewer with --threads"))?))
}
