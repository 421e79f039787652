//! Where threads sleep until something has changed.

use super::sync::{AtomicUsize, Condvar, Mutex, Ordering};
use std::time::Duration;

/// Wakes the threads that wait for a condition.
///
/// A change must be made by a sequentially consistent store or exchange, followed by [`Bell::ring`], and the condition must read
/// it by a sequentially consistent load. Then either the ring sees the sleeper, or the sleeper sees the change.
#[derive(Debug)]
pub struct Bell {
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    condvar: Condvar,
}

impl Bell {
    /// Returns a bell without sleepers.
    pub fn new() -> Self {
        Bell { sleepers: AtomicUsize::new(0), lock: Mutex::new(()), condvar: Condvar::new() }
    }

    /// Sleeps until `is_met` or, if there is a `limit`, about that time has passed. Returns whether `is_met`.
    pub fn sleep_until(&self, is_met: impl Fn() -> bool, limit: Option<Duration>) -> bool {
        // No code panics while it holds the lock, so a poisoned one is whole.
        let mut guard = self.lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let mut met = is_met();
        while !met {
            let timed_out;
            (guard, timed_out) = match limit {
                None => (self.condvar.wait(guard).unwrap_or_else(|poisoned| poisoned.into_inner()), false),
                Some(limit) => {
                    let (guard, result) =
                        self.condvar.wait_timeout(guard, limit).unwrap_or_else(|poisoned| poisoned.into_inner());
                    (guard, result.timed_out())
                }
            };
            met = is_met();
            if timed_out {
                break;
            }
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        drop(guard);
        met
    }

    /// Wakes all sleepers, if any.
    pub fn ring(&self) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            // A sleeper that has counted itself but does not wait yet holds the lock.
            drop(self.lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
            self.condvar.notify_all();
        }
    }
}
