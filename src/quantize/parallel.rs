//! A parallel map over slices.

use std::cell::Cell;
use std::num::NonZeroUsize;
#[cfg(not(target_arch = "wasm32"))]
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    sync::mpsc,
    thread,
};

/// The most threads to use. For a BERT-base, each needs some hundred megabytes.
#[cfg(not(target_arch = "wasm32"))]
const MAX_THREADS: usize = 16;

thread_local! {
    static THREADS: Cell<Option<NonZeroUsize>> = const { Cell::new(None) };
}

/// Runs `f`, in which quantization uses at most `threads` threads. Without this it uses one for each processor. The result does
/// not depend on it.
pub fn with_threads<R>(threads: NonZeroUsize, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<NonZeroUsize>);
    impl Drop for Restore {
        fn drop(&mut self) {
            THREADS.set(self.0);
        }
    }
    let _restore = Restore(THREADS.replace(Some(threads)));
    f()
}

/// Maps `items` through `work` on several threads. Passes the results to `take` on the calling thread, in the order of the
/// items. In WebAssembly, the threads are those of the installed [`ThreadPool`](crate::kernels::ThreadPool).
///
/// # Errors
/// Returns the first error of `take`. Later results are dropped.
#[cfg(not(target_arch = "wasm32"))]
pub fn ordered_map<'a, T: Sync, R: Send, E>(
    items: &'a [T],
    work: impl Fn(&'a T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let chosen = THREADS.get().or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let threads = chosen.min(items.len()).min(MAX_THREADS);
    // The bound makes threads wait while `take` is behind.
    let (next, (send, receive)) = (AtomicUsize::new(0), mpsc::sync_channel(1));
    thread::scope(|scope| {
        for _ in 0..threads {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    if send.send((at, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let (mut early, mut taken) = (BTreeMap::new(), 0);
        for (at, result) in receive {
            early.insert(at, result);
            while let Some(result) = early.remove(&taken) {
                take(result)?;
                taken += 1;
            }
        }
        Ok(())
    })
}

#[cfg(target_arch = "wasm32")]
pub use pooled_map as ordered_map;

/// How many items are mapped before their results are taken, for each thread.
#[cfg(any(target_arch = "wasm32", test))]
const BLOCK: usize = 2;

/// See [`ordered_map`], on the threads of the installed pool.
#[cfg(any(target_arch = "wasm32", test))]
pub fn pooled_map<'a, T: Sync, R: Send, E>(
    items: &'a [T],
    work: impl Fn(&'a T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    use crate::kernels::threads::{for_each_long, installed_threads};
    use std::sync::Mutex;

    let threads = installed_threads();
    let block = if threads == 1 { 1 } else { threads * BLOCK };
    for items in items.chunks(block) {
        let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
        for_each_long(items.len(), |at| {
            let result = work(&items[at]);
            *results[at].lock().expect("each is locked once") = Some(result);
        });
        for result in results {
            take(result.into_inner().ok().flatten().expect("every item has been mapped"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::ThreadPool;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn results_arrive_in_order_whichever_finishes_first() {
        let items: Vec<u64> = (0..40).collect();
        let mut taken = Vec::new();
        let slow_first = |&item: &u64| {
            thread::sleep(Duration::from_millis(if item % 7 == 0 { 5 } else { 0 }));
            item * item
        };
        let Ok::<_, Infallible>(()) = ordered_map(&items, slow_first, |square| {
            taken.push(square);
            Ok(())
        });
        assert_eq!(taken, items.iter().map(|item| item * item).collect::<Vec<_>>());
        let Ok::<_, Infallible>(()) = ordered_map(&[], |&item: &u64| item, |_| unreachable!("there are no results"));
    }

    #[test]
    fn the_first_error_stops_the_map() {
        let items: Vec<usize> = (0..1000).collect();
        for pooled in [false, true] {
            let mut taken = 0;
            let take = |item| {
                taken += 1;
                if item == 10 { Err("ten") } else { Ok(()) }
            };
            let error =
                if pooled { pooled_map(&items, |&item| item, take) } else { ordered_map(&items, |&item| item, take) };
            assert_eq!((error, taken), (Err("ten"), 11), "pooled: {pooled}");
        }
    }

    #[test]
    fn a_pool_maps_every_item_once_and_in_order() {
        for threads in [1, 2, 3] {
            let pool = std::sync::Arc::new(ThreadPool::new(threads).unwrap());
            for len in [0, 1, 5, 40] {
                let items: Vec<usize> = (0..len).collect();
                let (calls, mut taken) = (AtomicUsize::new(0), Vec::new());
                let work = |item: &usize| {
                    calls.fetch_add(1, Ordering::Relaxed);
                    item * item
                };
                let Ok::<_, Infallible>(()) = ThreadPool::install(Some(&pool), || {
                    pooled_map(&items, work, |square| {
                        taken.push(square);
                        Ok(())
                    })
                });
                assert_eq!(taken, items.iter().map(|item| item * item).collect::<Vec<_>>());
                assert_eq!(calls.into_inner(), len, "{threads} threads");
            }
        }
    }
}
