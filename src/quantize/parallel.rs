//! A parallel map over slices.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// The most threads to use. For a BERT-base, each needs some hundred megabytes.
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
/// items.
///
/// # Errors
/// Returns the first error of `take`. Later results are dropped.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
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
        let mut taken = 0;
        let error = ordered_map(
            &items,
            |&item| item,
            |item| {
                taken += 1;
                if item == 10 { Err("ten") } else { Ok(()) }
            },
        );
        assert_eq!((error, taken), (Err("ten"), 11));
    }
}
