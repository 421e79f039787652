//! The pool of threads of a module's memory. Each thread is a Web Worker with an instance of its own; the memory is shared.

use crate::kernels::ThreadPool;
use std::sync::{Arc, Mutex, PoisonError};
use wasm_bindgen::prelude::*;

/// All instances see the same static variable.
static POOL: Mutex<Option<Arc<ThreadPool>>> = Mutex::new(None);

/// Returns the pool, if one was started.
pub fn pool() -> Option<Arc<ThreadPool>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Starts a pool of `threads` threads for the models that this memory loads later. The calling thread is one of them, number 0; each
/// other must call [`run_pool_worker`]. Threads that never do only make no use of their share.
///
/// Returns the address of an i32. Store a non-zero value there if the instance of a thread has crashed: a computation that waits for
/// it then ends with a trap.
#[wasm_bindgen(js_name = startPool)]
pub fn start_pool(threads: usize) -> Result<usize, JsValue> {
    let pool = ThreadPool::new(threads).map_err(|e| js_sys::Error::new(&e.to_string()))?;
    let address = pool.stopped_address();
    POOL.lock().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(pool));
    Ok(address)
}

/// Works as thread number `number`, from 1 on, until [`close_pool`] is called.
#[wasm_bindgen(js_name = runPoolWorker)]
pub fn run_pool_worker(number: usize) {
    if let Some(pool) = pool() {
        pool.work(number);
    }
}

/// Makes the pool's threads return, after which models run on the calling thread alone.
#[wasm_bindgen(js_name = closePool)]
pub fn close_pool() {
    if let Some(pool) = POOL.lock().unwrap_or_else(PoisonError::into_inner).take() {
        pool.dismiss();
    }
}
