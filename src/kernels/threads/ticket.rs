//! Which chunks of a job are still to be claimed.

use super::sync::{AtomicU64, Ordering};

/// The most chunks of a job.
pub const MAX_CHUNKS: usize = u16::MAX as usize;

/// Hands out the chunks of one job after another. Each chunk is claimed once.
///
/// One word holds the number of the job, its number of chunks and the next chunk to claim. A claim replaces the whole word, so
/// a thread that was interrupted before its claim cannot claim a chunk of a later job by mistake: the number of the job differs.
#[derive(Debug)]
pub struct Ticket(AtomicU64);

/// The parts of the word: the job's number, its chunks, and the next chunk.
fn parts(word: u64) -> (u64, u64, u64) {
    (word >> 32, word >> 16 & 0xffff, word & 0xffff)
}

impl Ticket {
    /// Returns a ticket without chunks.
    pub fn new() -> Self {
        Ticket(AtomicU64::new(0))
    }

    /// Offers the chunks of a new job. All chunks of the job before must have been claimed. A thread that claims one of these
    /// sees everything that this thread wrote before the offer.
    ///
    /// # Panics
    /// If there are more than [`MAX_CHUNKS`].
    pub fn offer(&self, chunks: usize) {
        assert!(chunks <= MAX_CHUNKS, "a job has at most {MAX_CHUNKS} chunks");
        let (job, ..) = parts(self.0.load(Ordering::Relaxed));
        // Sequentially consistent for the sake of `Bell`.
        self.0.store((job + 1 & 0xffff_ffff) << 32 | (chunks as u64) << 16, Ordering::SeqCst);
    }

    /// Claims the next chunk. Returns `None` if all are claimed.
    pub fn claim(&self) -> Option<usize> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let (_, chunks, next) = parts(word);
            if next == chunks {
                return None;
            }
            match self.0.compare_exchange_weak(word, word + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(next as usize),
                Err(now) => word = now,
            }
        }
    }

    /// Whether there are chunks to claim.
    pub fn is_open(&self) -> bool {
        let (_, chunks, next) = parts(self.0.load(Ordering::SeqCst));
        next < chunks
    }
}
