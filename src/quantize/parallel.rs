//! Work on many items, on every processor there is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Threads at most: of a BERT-base each holds some hundred megabytes.
const MOST_THREADS: usize = 16;

/// Does `work` on `items`, several at a time, and gives what comes of each to `take`, in the order of the items.
///
/// # Errors
/// The first that `take` gives; the items after it are left.
pub fn in_order<'a, T: Sync, R: Send, E>(
    items: &'a [T],
    work: impl Fn(&'a T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, |n| n.get()).min(items.len()).min(MOST_THREADS);
    // Threads wait while the caller is behind.
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
    fn results_come_in_order_whichever_is_done_first() {
        let items: Vec<u64> = (0..40).collect();
        let mut taken = Vec::new();
        let slow_first = |&item: &u64| {
            thread::sleep(Duration::from_millis(if item % 7 == 0 { 5 } else { 0 }));
            item * item
        };
        let Ok::<_, Infallible>(()) = in_order(&items, slow_first, |square| {
            taken.push(square);
            Ok(())
        });
        assert_eq!(taken, items.iter().map(|item| item * item).collect::<Vec<_>>());
        let Ok::<_, Infallible>(()) = in_order(&[], |&item: &u64| item, |_| unreachable!("there is nothing to take"));
    }

    #[test]
    fn the_first_error_ends_it() {
        let items: Vec<usize> = (0..1000).collect();
        let mut taken = 0;
        let error = in_order(
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
