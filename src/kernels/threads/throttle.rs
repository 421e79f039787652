//! Uses fewer threads while other programs hold the processor.

/// A wait for other threads' last chunks is long if it takes more than this many milliseconds and twice the time of a chunk.
const LONG_WAIT_MS: f64 = 1.0;

/// For how long one thread fewer is used after a long wait. Doubles with every further one, up to the second value.
const PAUSE_MS: [f64; 2] = [20.0, 1000.0];

/// Joins without a long wait, at full strength, after which the next pause is short again.
const CALM_JOINS: u32 = 2000;

/// How many threads to use, judged by how long the leader waits for the others.
///
/// If the system has stopped a thread in the middle of a chunk, the leader waits for some milliseconds, in which it could have
/// computed many chunks. That happens when there are more busy threads than cores.
#[derive(Debug)]
pub struct Throttle {
    threads: usize,
    limit: usize,
    pause: f64,
    until: f64,
    calm: u32,
}

impl Throttle {
    /// Returns a throttle that allows `threads` threads.
    pub fn new(threads: usize) -> Self {
        Throttle { threads, limit: threads, pause: PAUSE_MS[0], until: 0.0, calm: 0 }
    }

    /// Returns the number of threads to use at the time `now`, in milliseconds.
    pub fn limit(&mut self, now: f64) -> usize {
        if self.limit < self.threads && now >= self.until {
            self.limit += 1;
            self.until = now + self.pause;
        }
        self.limit
    }

    /// Records that the leader has computed `chunks` chunks in `worked` milliseconds and then waited for `waited`, until `now`.
    pub fn record(&mut self, chunks: usize, worked: f64, waited: f64, now: f64) {
        if waited <= LONG_WAIT_MS.max(2.0 * worked / chunks.max(1) as f64) {
            self.calm += u32::from(self.limit == self.threads);
            if self.calm >= CALM_JOINS {
                self.pause = PAUSE_MS[0];
            }
            return;
        }
        self.limit = (self.limit - 1).max(1);
        self.until = now + self.pause;
        self.pause = (2.0 * self.pause).min(PAUSE_MS[1]);
        self.calm = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_waits_use_fewer_threads_for_longer_and_longer() {
        let mut throttle = Throttle::new(3);
        assert_eq!(throttle.limit(0.0), 3);
        // A wait as long as two chunks is no sign of other programs.
        throttle.record(4, 40.0, 19.0, 60.0);
        assert_eq!(throttle.limit(60.0), 3);
        throttle.record(4, 0.4, 3.0, 100.0);
        assert_eq!((throttle.limit(101.0), throttle.limit(119.0)), (2, 2));
        throttle.record(4, 0.4, 3.0, 119.0);
        assert_eq!((throttle.limit(120.0), throttle.limit(158.0)), (1, 1));
        throttle.record(1, 0.4, 3.0, 158.0);
        assert_eq!(throttle.limit(159.0), 1, "the leader always works");
        // One thread more at a time.
        assert_eq!((throttle.limit(240.0), throttle.limit(241.0), throttle.limit(1000.0)), (2, 2, 3));
    }

    #[test]
    fn calm_shortens_the_next_pause() {
        let mut throttle = Throttle::new(2);
        for at in 0..10 {
            throttle.record(4, 0.4, 3.0, f64::from(at));
        }
        assert_eq!((throttle.limit(900.0), throttle.limit(1010.0)), (1, 2));
        for _ in 0..CALM_JOINS {
            throttle.record(4, 0.4, 0.1, 1011.0);
        }
        throttle.record(4, 0.4, 3.0, 2000.0);
        assert_eq!((throttle.limit(2019.0), throttle.limit(2021.0)), (1, 2));
    }
}
