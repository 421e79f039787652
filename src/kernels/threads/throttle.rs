//! Uses fewer threads while other programs hold the processor.

/// The work after which the throttle judges, in milliseconds of one thread.
const WINDOW_MS: f64 = 30.0;

/// For how long one thread fewer is used if the threads have cost time. Doubles if it happens again, up to the second value.
const PAUSE_MS: [f64; 2] = [20.0, 1000.0];

/// The least share of the time of one thread that threads must save for the next pause to be short again.
const CALM: f64 = 0.1;

/// How many threads to use, judged by how much time they save.
///
/// If the system has stopped a thread in the middle of a chunk, the leader waits for some milliseconds, in which it could have
/// computed many chunks. That happens when there are more busy threads than cores.
#[derive(Debug)]
pub struct Throttle {
    threads: usize,
    limit: usize,
    pause: f64,
    until: f64,
    /// The time that the jobs since the last judgement take on one thread.
    serial: f64,
    /// How much of it the threads have saved.
    saved: f64,
}

impl Throttle {
    /// Returns a throttle that allows `threads` threads.
    pub fn new(threads: usize) -> Self {
        Throttle { threads, limit: threads, pause: PAUSE_MS[0], until: 0.0, serial: 0.0, saved: 0.0 }
    }

    /// Returns the number of threads to use at the time `now`, in milliseconds.
    pub fn limit(&mut self, now: f64) -> usize {
        if self.limit < self.threads && now >= self.until {
            self.limit += 1;
            self.until = now + self.pause;
        }
        self.limit
    }

    /// Records a job of `chunks` chunks that took `took` milliseconds until the time `now`. The leader computed `own` chunks in
    /// `worked` milliseconds.
    pub fn record(&mut self, (own, worked): (usize, f64), (chunks, took): (usize, f64), now: f64) {
        // Without chunks of its own the leader cannot tell how long the others' would have taken.
        if own == 0 {
            return;
        }
        let serial = worked * chunks as f64 / own as f64;
        self.serial += serial;
        self.saved += serial - took;
        if self.serial < WINDOW_MS {
            return;
        }
        if self.saved < 0.0 {
            self.limit = (self.limit - 1).max(1);
            self.until = now + self.pause;
            self.pause = (2.0 * self.pause).min(PAUSE_MS[1]);
        } else if self.saved > CALM * self.serial {
            self.pause = PAUSE_MS[0];
        }
        (self.serial, self.saved) = (0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job of 8 chunks, 5 ms each, of which the leader computes 4 and then waits for `waited`.
    fn job(throttle: &mut Throttle, waited: f64, now: f64) {
        throttle.record((4, 20.0), (8, 20.0 + waited), now);
    }

    #[test]
    fn threads_that_cost_time_are_used_less_for_longer_and_longer() {
        let mut throttle = Throttle::new(3);
        assert_eq!(throttle.limit(0.0), 3);
        // A wait that is shorter than what the threads save is no reason.
        job(&mut throttle, 19.0, 60.0);
        assert_eq!(throttle.limit(60.0), 3);
        job(&mut throttle, 30.0, 100.0);
        assert_eq!((throttle.limit(101.0), throttle.limit(119.0)), (2, 2));
        job(&mut throttle, 30.0, 119.0);
        assert_eq!((throttle.limit(120.0), throttle.limit(158.0)), (1, 1));
        job(&mut throttle, 30.0, 158.0);
        assert_eq!(throttle.limit(159.0), 1, "the leader always works");
        // One thread more at a time.
        assert_eq!((throttle.limit(240.0), throttle.limit(241.0), throttle.limit(1000.0)), (2, 2, 3));
    }

    #[test]
    fn time_saved_shortens_the_next_pause() {
        let mut throttle = Throttle::new(2);
        for at in 0..10 {
            job(&mut throttle, 30.0, f64::from(at));
        }
        assert_eq!((throttle.limit(900.0), throttle.limit(1010.0)), (1, 2));
        job(&mut throttle, 0.0, 1011.0);
        job(&mut throttle, 30.0, 2000.0);
        assert_eq!((throttle.limit(2019.0), throttle.limit(2021.0)), (1, 2));
    }

    #[test]
    fn one_long_wait_among_many_short_jobs_is_no_reason() {
        let mut throttle = Throttle::new(2);
        throttle.record((4, 0.4), (8, 3.4), 0.0);
        for at in 0..200 {
            throttle.record((4, 0.4), (8, 0.42), f64::from(at));
        }
        assert_eq!(throttle.limit(200.0), 2);
    }
}
