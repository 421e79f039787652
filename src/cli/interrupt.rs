//! Removes what is half written when Ctrl+C, SIGTERM or SIGHUP ends the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// Files and folders that exist only until a write is complete. A folder is listed before the files in it.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// While it exists, no signal ends the program: files can be created and listed, or renamed, as one step.
pub struct Step(MutexGuard<'static, Vec<PathBuf>>);

impl Step {
    /// Begins a step. It should be short.
    pub fn begin() -> Self {
        static WATCHING: Once = Once::new();
        WATCHING.call_once(watch);
        Step(unfinished())
    }

    /// Lists a file or an empty folder as unfinished until the result is dropped.
    pub fn list(&mut self, path: &Path) -> Unfinished {
        // The program may change its working directory.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.0.push(path.clone());
        Unfinished(path)
    }
}

/// A file or folder that a signal removes.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut unfinished = unfinished();
        if let Some(at) = unfinished.iter().rposition(|path| *path == self.0) {
            unfinished.remove(at);
        }
    }
}

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread that waits for a signal, removes what is unfinished, and has the signal end the program.
#[cfg(unix)]
fn watch() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let ignored = ignored_signals();
    let wanted = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    // Without a handler, the program ends at once, and leaves a temporary file.
    let Ok(mut signals) = Signals::new(wanted) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // The list stays locked, so that nothing is begun any more.
            let unfinished = unfinished();
            for path in unfinished.iter().rev() {
                let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
            }
            let _ = emulate_default_handler(signal);
        }
    });
}

#[cfg(not(unix))]
fn watch() {}

/// The signals that the program was started to ignore, as by nohup: bit 0 for signal 1. Only Linux tells.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(all(test, unix))]
mod tests {
    use crate::cli::output::Output;
    use crate::cli::output_folder::OutputFolder;
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::{Command, Stdio};

    const FOLDER: &str = "BERT8_TEST_FOLDER";

    /// Signals this program while it holds unfinished files.
    #[test]
    fn signals_leave_only_what_is_complete() {
        for (name, signal) in [("HUP", 1), ("INT", 2), ("TERM", 15)] {
            // Programs in the background of a script ignore SIGINT, and the child would wait for ever.
            if super::ignored_signals() >> (signal - 1) & 1 == 1 {
                println!("skipped: the tests were started to ignore SIG{name}");
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "cli::interrupt::tests::hold_unfinished_files", "--ignored", "--nocapture"]);
            let mut child = command.env(FOLDER, folder.path()).stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            assert!(lines.any(|line| line.unwrap().ends_with("unfinished")), "the program ended early");
            assert!(fs::read_dir(folder.path()).unwrap().count() > 3);
            let kill = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", child.id())).status().unwrap();
            assert!(kill.success());
            assert_eq!(child.wait().unwrap().signal(), Some(signal));
            let mut left: Vec<_> =
                fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            left.sort();
            assert_eq!(left, ["complete", "complete.txt"], "{name}");
            assert_eq!(fs::read_dir(folder.path().join("complete")).unwrap().count(), 2);
        }
    }

    #[test]
    #[ignore = "waits for a signal; signals_leave_only_what_is_complete runs it"]
    fn hold_unfinished_files() {
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        let at = |name: &str| Path::new(&folder).join(name);
        let files: [(&str, &[u8]); 2] = [("a", b"1"), ("b", b"2")];
        OutputFolder::new(&at("complete"), false).unwrap().write(&files).unwrap();
        let output = Output::new(&at("complete.txt"), &[]).unwrap();
        output.write(b"1").unwrap();
        let mut step = super::Step::begin();
        fs::create_dir(at("folder")).unwrap();
        let _folder = step.list(&at("folder"));
        drop(step);
        let _staged = [
            output.stage(b"2").unwrap(),
            Output::new(&at("new.txt"), &[]).unwrap().stage(b"3").unwrap(),
            Output::new(&at("folder/new.txt"), &[]).unwrap().stage(b"4").unwrap(),
        ];
        println!("unfinished");
        loop {
            std::thread::park();
        }
    }
}
