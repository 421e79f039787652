//! What the threads of a pool share: the present job, and where they wait.

use super::bell::Bell;
use super::sync::{AtomicPtr, AtomicUsize, Ordering, spin_loop};
use super::ticket::Ticket;
use std::time::Duration;

/// The work of a job: a function of the chunk's number.
pub type Work<'a> = &'a (dyn Fn(usize) + Sync + 'a);

/// The job of a pool's threads, and where they wait.
///
/// One thread, the leader, leads a job: it offers the chunks, works on them itself, and waits until all are done. The others
/// work until the crew is dismissed. The leader waits only for chunks that were claimed, so a thread that is late or missing
/// delays nobody.
#[derive(Debug)]
pub struct Crew {
    ticket: Ticket,
    /// The address of the job's work, in the leader's frame. Valid as long as chunks are unfinished.
    work: AtomicPtr<Work<'static>>,
    unfinished: AtomicUsize,
    /// The number of threads that may claim chunks, the leader included; 0 once the crew is dismissed.
    limit: AtomicUsize,
    /// Rings when chunks are offered, and when the crew is dismissed.
    offered: Bell,
    /// Rings when all chunks are done.
    done: Bell,
}

impl Crew {
    /// Returns a crew of `threads` threads, the leader included.
    pub fn new(threads: usize) -> Self {
        Crew {
            ticket: Ticket::new(),
            work: AtomicPtr::new(std::ptr::null_mut()),
            unfinished: AtomicUsize::new(0),
            limit: AtomicUsize::new(threads),
            offered: Bell::new(),
            done: Bell::new(),
        }
    }

    /// Leads a job: calls `work` for all of `0..chunks`, on all threads. Then calls `wait`, which must wait until all chunks are
    /// done, with the number of chunks that this thread has computed.
    ///
    /// `work` must not panic. Only one thread may lead at a time.
    ///
    /// # Panics
    /// If there are more chunks than a [`Ticket`] has.
    pub fn lead(&self, chunks: usize, work: Work, wait: impl FnOnce(usize)) {
        let address = std::ptr::from_ref(&work).cast_mut().cast::<Work<'static>>();
        self.work.store(address, Ordering::Relaxed);
        self.unfinished.store(chunks, Ordering::Relaxed);
        self.ticket.offer(chunks);
        self.offered.ring();
        let mut own = 0;
        while let Some(chunk) = self.ticket.claim() {
            work(chunk);
            self.unfinished.fetch_sub(1, Ordering::Release);
            own += 1;
        }
        wait(own);
        assert!(self.is_done(), "the leader waits for all chunks");
    }

    /// Whether all chunks are done. If so, this thread sees what the others wrote.
    pub fn is_done(&self) -> bool {
        self.unfinished.load(Ordering::Acquire) == 0
    }

    /// Returns the number of chunks that are not done.
    pub fn unfinished(&self) -> usize {
        self.unfinished.load(Ordering::Relaxed)
    }

    /// Sleeps until all chunks are done, or about `limit` has passed. Returns whether all are done.
    pub fn sleep_until_done(&self, limit: Option<Duration>) -> bool {
        self.done.sleep_until(|| self.is_done(), limit)
    }

    /// Works on the chunks of one job after another as thread number `number`, where the leader is number 0. Returns when the
    /// crew is dismissed. Looks for work `spins` times before it sleeps. Work must not panic.
    pub fn work(&self, number: usize, spins: usize) {
        let may_claim = || self.ticket.is_open() && number < self.limit.load(Ordering::Relaxed);
        let is_dismissed = || self.limit.load(Ordering::Relaxed) == 0;
        loop {
            let mut spun = 0;
            while !may_claim() && spun < spins {
                spin_loop();
                spun += 1;
            }
            if spun == spins {
                self.offered.sleep_until(|| may_claim() || is_dismissed(), None);
                if is_dismissed() {
                    return;
                }
            }
            while number < self.limit.load(Ordering::Relaxed)
                && let Some(chunk) = self.ticket.claim()
            {
                // SAFETY: the leader stored the address of a `Work` in its frame before it offered the chunk, and stays in
                // `lead` until this chunk is done.
                let work = unsafe { *self.work.load(Ordering::Relaxed) };
                work(chunk);
                if self.unfinished.fetch_sub(1, Ordering::Release) == 1 {
                    self.done.ring();
                }
            }
        }
    }

    /// Lets only the threads with numbers below `limit` claim chunks. The limit includes the leader, so it is at least 1.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit.max(1), Ordering::Relaxed);
    }

    /// Makes the threads return from [`Crew::work`].
    pub fn dismiss(&self) {
        self.limit.store(0, Ordering::Relaxed);
        self.offered.ring();
    }
}
