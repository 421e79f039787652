//! The pool of threads, and the pool that layers run on.

use super::crew::{Crew, Work};
use super::sync::spin_loop;
use super::throttle::Throttle;
use crate::clock;
use std::any::Any;
use std::cell::RefCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How often a thread looks for a change before it sleeps: some ten microseconds, the time between two products of a model.
const SPINS: usize = if cfg!(target_arch = "wasm32") { 10_000 } else { 2_000 };

/// How long the leader sleeps before it looks for signs of a thread that has stopped.
const SLICE: Duration = Duration::from_millis(100);

/// How many slices may pass without a chunk done. Counted in slices, because the clock goes on while the system suspends all
/// threads.
#[derive(Debug, Clone, Copy)]
struct Patience(usize);

/// For chunks of layers. None takes a second.
const SHORT: Patience = Patience(100);

/// For chunks that may take minutes: an hour.
#[cfg(any(target_arch = "wasm32", test))]
const LONG: Patience = Patience(36_000);

/// Chunks for each thread. With several, a thread that is faster does more of them.
const CHUNKS_PER_THREAD: usize = 4;

/// Threads that compute the layers of a model together.
///
/// A model uses the pool that it was loaded with (see [`ModelBuilder::thread_pool`](crate::model::ModelBuilder::thread_pool)). Its results are the same bits with any
/// number of threads.
#[derive(Debug)]
pub struct ThreadPool {
    shared: Arc<Shared>,
    threads: usize,
    /// Held by the thread that leads a job.
    throttle: Mutex<Throttle>,
    #[cfg(not(target_arch = "wasm32"))]
    handles: Vec<std::thread::JoinHandle<()>>,
}

/// What a pool and its threads share.
#[derive(Debug)]
struct Shared {
    crew: Crew,
    /// Not 0 once a thread has stopped in the middle of a chunk. JavaScript stores to it.
    stopped: AtomicI32,
    /// The panic of a chunk, which the leader continues.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Shared {
    fn new(threads: usize) -> Self {
        Shared { crew: Crew::new(threads), stopped: AtomicI32::new(0), panic: Mutex::default() }
    }

    fn panic(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits until all chunks are done, with `patience` between two of them.
    ///
    /// # Panics
    /// If a thread has stopped in the middle of a chunk. In WebAssembly this ends the instance, and with it all that the chunks
    /// refer to.
    fn wait(&self, Patience(most): Patience) {
        let crew = &self.crew;
        for _ in 0..SPINS {
            if crew.is_done() {
                return;
            }
            spin_loop();
        }
        let (mut unfinished, mut slices) = (crew.unfinished(), 0);
        while !crew.sleep_until_done(Some(SLICE)) {
            slices = if crew.unfinished() == unfinished { slices + 1 } else { 0 };
            unfinished = crew.unfinished();
            // A native thread cannot stop without ending the process.
            if cfg!(target_arch = "wasm32") {
                assert!(self.stopped.load(Ordering::SeqCst) == 0, "a thread crashed");
                assert!(slices < most, "a thread has stopped; the system may have ended it");
            }
        }
    }
}

impl ThreadPool {
    /// Returns a pool of `threads` threads, the one that uses it included, so it starts one less. With 1 it does nothing.
    ///
    /// In WebAssembly the threads are Web Workers, which JavaScript starts; each calls `ThreadPool::work`.
    ///
    /// # Errors
    /// If the system cannot start so many threads.
    ///
    /// # Panics
    /// If `threads` is 0.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        assert!(threads > 0, "the thread that uses the pool is one of its threads");
        let mut pool = ThreadPool {
            shared: Arc::new(Shared::new(threads)),
            threads,
            throttle: Mutex::new(Throttle::new(threads)),
            #[cfg(not(target_arch = "wasm32"))]
            handles: vec![],
        };
        pool.start()?;
        Ok(pool)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn start(&mut self) -> std::io::Result<()> {
        for number in 1..self.threads {
            let shared = self.shared.clone();
            let thread = std::thread::Builder::new().name(format!("bert8-{number}"));
            self.handles.push(thread.spawn(move || shared.crew.work(number, SPINS))?);
        }
        Ok(())
    }

    #[cfg(target_arch = "wasm32")]
    fn start(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    /// Returns the number of threads, the one that uses the pool included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `f`, whose layers use `pool`, if there is one.
    pub fn install<R>(pool: Option<&Arc<Self>>, f: impl FnOnce() -> R) -> R {
        let _restore = Restore(INSTALLED.replace(pool.cloned()));
        f()
    }

    /// Calls `work` for all of `0..chunks`, and returns when all are done. If another thread uses the pool, this one computes
    /// everything itself.
    fn run(&self, chunks: usize, patience: Patience, work: Work) {
        let Ok(mut throttle) = self.throttle.try_lock() else {
            return (0..chunks).for_each(work);
        };
        let start = clock::now_ms();
        let limit = throttle.limit(start);
        if limit == 1 {
            drop(throttle);
            return (0..chunks).for_each(work);
        }
        self.shared.crew.set_limit(limit);
        let guarded = |chunk: usize| {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(chunk))) {
                self.shared.panic().get_or_insert(panic);
            }
        };
        let mut worked = (0, 0.0);
        self.shared.crew.lead(chunks, &guarded, |own| {
            worked = (own, clock::now_ms() - start);
            self.shared.wait(patience);
        });
        let now = clock::now_ms();
        throttle.record(worked, (chunks, now - start), now);
        drop(throttle);
        if let Some(panic) = self.shared.panic().take() {
            resume_unwind(panic);
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.crew.dismiss();
        for handle in self.handles.drain(..) {
            // Its chunks do not panic.
            let _ = handle.join();
        }
    }
}

/// A pool's threads in WebAssembly, where JavaScript starts them.
#[cfg(target_arch = "wasm32")]
impl ThreadPool {
    /// Returns the address of an i32. A non-zero value tells the pool that a thread has stopped in the middle of a chunk.
    pub fn stopped_address(&self) -> usize {
        self.shared.stopped.as_ptr() as usize
    }

    /// Works as thread number `number`, from 1 on, until [`ThreadPool::dismiss`].
    pub fn work(&self, number: usize) {
        self.shared.crew.work(number, SPINS);
    }

    /// Makes the threads return from [`ThreadPool::work`]. The thread that uses the pool then works alone.
    pub fn dismiss(&self) {
        self.shared.crew.dismiss();
    }
}

thread_local! {
    static INSTALLED: RefCell<Option<Arc<ThreadPool>>> = const { RefCell::new(None) };
}

/// Installs a pool when it is dropped, even by a panic.
struct Restore(Option<Arc<ThreadPool>>);

impl Drop for Restore {
    fn drop(&mut self) {
        INSTALLED.replace(self.0.take());
    }
}

/// Returns the number of threads of the installed pool, or 1.
pub fn installed_threads() -> usize {
    INSTALLED.with_borrow(|pool| pool.as_ref().map_or(1, |pool| pool.threads))
}

/// Calls `work` for all of `0..chunks`, at most [`MAX_CHUNKS`](super::ticket::MAX_CHUNKS), on the threads of the installed pool, if any. Chunks do not use the
/// pool themselves.
fn for_each(chunks: usize, work: impl Fn(usize) + Sync) {
    for_each_patiently(chunks, SHORT, work);
}

/// Like [`for_each`], for chunks that may take minutes.
#[cfg(any(target_arch = "wasm32", test))]
pub fn for_each_long(chunks: usize, work: impl Fn(usize) + Sync) {
    for_each_patiently(chunks, LONG, work);
}

fn for_each_patiently(chunks: usize, patience: Patience, work: impl Fn(usize) + Sync) {
    let pool = if chunks > 1 { INSTALLED.take() } else { None };
    match pool {
        Some(pool) => {
            let restore = Restore(Some(pool));
            if let Restore(Some(pool)) = &restore {
                pool.run(chunks, patience, &work);
            }
        }
        None => (0..chunks).for_each(work),
    }
}

/// Splits `0..len` into ranges of at least `least` elements, but for the last. Calls `work` for each of them on the threads of the
/// installed pool, if any; otherwise once for the whole of `0..len`.
pub fn for_each_range(len: usize, least: usize, work: impl Fn(Range<usize>) + Sync) {
    let threads = installed_threads();
    if threads == 1 || len < 2 * least {
        return work(0..len);
    }
    let size = len.div_ceil(threads * CHUNKS_PER_THREAD).max(least);
    for_each(len.div_ceil(size), |chunk| work(chunk * size..len.min((chunk + 1) * size)));
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn pool(threads: usize) -> Arc<ThreadPool> {
        Arc::new(ThreadPool::new(threads).unwrap())
    }

    #[test]
    fn every_chunk_is_computed_once_in_every_job() {
        for threads in [1, 2, 3, 8] {
            ThreadPool::install(Some(&pool(threads)), || {
                for job in 0..3000 {
                    let counts: Vec<AtomicUsize> = (0..1 + job % 40).map(|_| AtomicUsize::new(0)).collect();
                    for_each(counts.len(), |chunk| {
                        counts[chunk].fetch_add(1 + job, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1 + job), "{threads} threads");
                }
            });
        }
    }

    #[test]
    fn ranges_cover_everything_once() {
        ThreadPool::install(Some(&pool(3)), || {
            for (len, least) in [(0, 1), (1, 1), (7, 3), (96, 1), (1000, 64), (5, 100)] {
                let counts: Vec<AtomicUsize> = (0..len).map(|_| AtomicUsize::new(0)).collect();
                for_each_range(len, least, |range| {
                    assert!(range.len() >= least.min(len) || range.end == len, "{range:?} of {len}");
                    range.for_each(|at| {
                        counts[at].fetch_add(1, Ordering::Relaxed);
                    });
                });
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{len}");
            }
        });
    }

    #[test]
    fn chunks_and_other_threads_do_not_use_a_pool_that_is_in_use() {
        let pool = pool(2);
        let sum = AtomicUsize::new(0);
        let add = || {
            ThreadPool::install(Some(&pool), || {
                for_each(4, |outer| {
                    for_each(4, |inner| {
                        sum.fetch_add(10 * outer + inner, Ordering::Relaxed);
                    });
                });
            });
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..200).for_each(|_| add()));
            }
        });
        assert_eq!(sum.into_inner(), 4 * 200 * (10 * 6 * 4 + 6 * 4));
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
        let pool = pool(3);
        ThreadPool::install(Some(&pool), || {
            for bad in 0..20 {
                let panic = catch_unwind(|| for_each(20, |chunk| assert!(chunk != bad, "chunk {chunk} is bad")));
                let message = panic.unwrap_err().downcast::<String>().unwrap();
                assert_eq!(*message, format!("chunk {bad} is bad"));
            }
            let sum = AtomicUsize::new(0);
            for_each(20, |chunk| {
                sum.fetch_add(chunk, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 190);
        });
    }
}
