//! Loom runs the pool's logic in every order that threads may run in.

#![cfg(not(target_arch = "wasm32"))]

/// Loom's primitives in place of the standard library's.
mod sync {
    pub use loom::hint::spin_loop;
    pub use loom::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
    pub use loom::sync::{Condvar, Mutex};
}

#[path = "../src/kernels/threads/bell.rs"]
mod bell;
#[path = "../src/kernels/threads/crew.rs"]
mod crew;
#[path = "../src/kernels/threads/ticket.rs"]
mod ticket;

use crew::Crew;
use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

/// Runs `f` in every order with at most `preemptions` switches away from a thread that could go on.
fn check(preemptions: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(f);
}

/// A cell that one thread at a time may use. Loom fails if two do, or if one does not see what the other wrote.
struct Cell(UnsafeCell<usize>);

// SAFETY: loom checks every access.
unsafe impl Sync for Cell {}

impl Cell {
    fn add(&self, value: usize) {
        // SAFETY: loom fails if another thread uses the cell.
        self.0.with_mut(|cell| unsafe { *cell += value });
    }

    fn get(&self) -> usize {
        // SAFETY: loom fails if another thread writes to the cell.
        self.0.with(|cell| unsafe { *cell })
    }
}

fn cells<const N: usize>() -> [Cell; N] {
    std::array::from_fn(|_| Cell(UnsafeCell::new(0)))
}

/// Leads one job after another with `threads` threads: job j adds j + 1 to each of two cells. Checks the cells after each.
fn lead(threads: usize, jobs: usize) {
    let crew = Arc::new(Crew::new(threads));
    let workers: Vec<_> = (1..threads)
        .map(|number| {
            let crew = crew.clone();
            thread::spawn(move || crew.work(number, 0))
        })
        .collect();
    for job in 0..jobs {
        // Of this job alone: a thread that is late with another job's chunk would be seen.
        let cells: [Cell; 2] = cells();
        crew.lead(2, &|chunk| cells[chunk].add(job + 1), |_| {
            crew.sleep_until_done(None);
        });
        assert_eq!(crew.unfinished(), 0);
        assert_eq!(cells.each_ref().map(Cell::get), [job + 1; 2]);
    }
    crew.dismiss();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
}

#[test]
fn every_chunk_is_done_once_before_the_leader_returns() {
    check(2, || lead(2, 2));
}

#[test]
fn threads_do_not_take_each_other_s_chunks() {
    check(2, || lead(3, 1));
}

#[test]
fn a_thread_beyond_the_limit_does_nothing_and_can_be_dismissed() {
    check(3, || {
        let crew = Arc::new(Crew::new(2));
        crew.set_limit(1);
        let worker = thread::spawn({
            let crew = crew.clone();
            move || crew.work(1, 0)
        });
        let cells: [Cell; 2] = cells();
        crew.lead(2, &|chunk| cells[chunk].add(1), |own| assert_eq!(own, 2));
        crew.dismiss();
        worker.join().unwrap();
    });
}
