//! How far a long command has come: a bar on a terminal, and a line now and then where standard error is none.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// The least time between two lines about one stage.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows one stage after another.
#[derive(Debug)]
pub struct Progress {
    /// `None` if standard error is not a terminal.
    bar: Option<ProgressBar>,
    stage: &'static str,
    started: Instant,
    shown: Instant,
}

impl Progress {
    /// Shows nothing until a stage begins.
    pub fn new() -> Self {
        let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len}, {elapsed} elapsed, {eta} left");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = stderr().is_terminal().then(|| ProgressBar::new(0).with_style(style));
        let now = Instant::now();
        Progress { bar, stage: "", started: now, shown: now }
    }

    /// Shows that `stage` has `done` of `total` steps behind it.
    pub fn show(&mut self, stage: &'static str, done: usize, total: usize) {
        let begins = stage != self.stage;
        if begins {
            self.stage = stage;
            self.started = Instant::now();
        }
        match &self.bar {
            Some(bar) => {
                if begins {
                    bar.reset();
                    bar.set_message(stage);
                }
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            }
            None if begins || self.shown.elapsed() >= PAUSE => {
                self.shown = Instant::now();
                eprintln!("{}", line(stage, done, total, self.started.elapsed()));
            }
            None => {}
        }
    }

    /// Removes the bar.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Describes a stage after `elapsed` time.
fn line(stage: &str, done: usize, total: usize, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let left = if done == 0 { 0.0 } else { seconds / done as f64 * total.saturating_sub(done) as f64 };
    match left >= 1.0 && seconds >= 1.0 {
        true => format!("{stage}: {done} of {total}, about {left:.0} s left"),
        false => format!("{stage}: {done} of {total}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_is_left() {
        assert_eq!(line("calibrating", 0, 300, Duration::ZERO), "calibrating: 0 of 300");
        assert_eq!(line("calibrating", 100, 300, Duration::from_secs(10)), "calibrating: 100 of 300, about 20 s left");
    }
}
