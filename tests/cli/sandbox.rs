//! A temporary folder to run the command in.

use crate::tiny::{self, HfModel};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A temporary folder that is the command's working directory. It is removed at the end.
pub struct Sandbox {
    folder: TempDir,
}

/// The result of a command.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    command: String,
}

impl Sandbox {
    /// Creates an empty folder.
    pub fn empty() -> Self {
        Sandbox { folder: tempfile::tempdir().unwrap() }
    }

    /// Creates a folder with everything that a command may need: the model in `model`, `fp32.onnx`, `int8.onnx`, labelled pairs in
    /// `pairs.tsv`, and the empty folder `out`.
    pub fn new() -> Self {
        let sandbox = Self::empty();
        sandbox.add("model", &HfModel::tiny());
        sandbox.write("fp32.onnx", tiny::fp32());
        sandbox.write("int8.onnx", tiny::int8());
        sandbox.write("pairs.tsv", tiny::pairs_tsv());
        fs::create_dir(sandbox.path("out")).unwrap();
        sandbox
    }

    /// Returns the path of `name`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and creates its folders.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a model's folder.
    pub fn add(&self, name: &str, model: &HfModel) {
        self.write(&format!("{name}/config.json"), model.config.to_string());
        self.write(&format!("{name}/model.safetensors"), model.safetensors());
        self.write(&format!("{name}/tokenizer.json"), model.tokenizer.to_string());
    }

    /// Returns a file's content.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Cuts a file off after `len` bytes.
    pub fn truncate(&self, name: &str, len: usize) {
        let content = self.read(name);
        assert!(len < content.len(), "{name} has only {} bytes", content.len());
        self.write(name, &content[..len]);
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Returns every file with its content, and every folder without.
    pub fn files(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(&path, files);
                }
                files.insert(path.clone(), path.is_file().then(|| fs::read(&path).unwrap()));
            }
        }
        let mut files = BTreeMap::new();
        collect(self.folder.path(), &mut files);
        files
    }

    /// Returns the command with `arguments`, separated by spaces, followed by `more`.
    pub fn command(&self, arguments: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bert8"));
        command.args(arguments.split_whitespace()).args(more).current_dir(self.folder.path());
        command.env_remove("RUST_BACKTRACE");
        command
    }

    /// Runs the command with `arguments`, separated by spaces, followed by `more`.
    pub fn run_with(&self, arguments: &str, more: &[&str]) -> Run {
        let output = self.command(arguments, more).output().unwrap();
        let run = Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            command: format!("bert8 {arguments}"),
        };
        assert!(!run.stderr.contains("panicked"), "{run}");
        run
    }

    /// Runs the command.
    pub fn run(&self, arguments: &str) -> Run {
        self.run_with(arguments, &[])
    }

    /// Runs the command and expects success.
    pub fn ok(&self, arguments: &str) -> Run {
        self.run(arguments).succeeded()
    }

    /// Runs the command and returns the JSON that it prints.
    pub fn json(&self, arguments: &str) -> Value {
        self.ok(arguments).json()
    }

    /// Classifies one pair with the tokenizer of `model` and returns the JSON.
    pub fn classify(&self, options: &str, pair: [&str; 2]) -> Value {
        self.run_with(&format!("classify --tokenizer model/tokenizer.json --json {options}"), &pair).succeeded().json()
    }

    /// Runs a command that must be refused: with exit code 1, one line on standard error that contains every part of `says`,
    /// nothing on standard output, and no file created or changed.
    pub fn refused(&self, arguments: &str, says: &[&str]) {
        self.refused_with(arguments, &[], says);
    }

    /// As [`Sandbox::refused`], with more arguments.
    pub fn refused_with(&self, arguments: &str, more: &[&str], says: &[&str]) {
        let before = self.files();
        let run = self.run_with(arguments, more);
        assert_eq!(run.code, 1, "{run}");
        assert!(run.stderr.starts_with("error: ") && run.stderr.lines().count() == 1, "not one error line\n{run}");
        for part in says {
            assert!(run.stderr.contains(part), "`{part}` is missing\n{run}");
        }
        assert_eq!(run.stdout, "", "{run}");
        let after = self.files();
        let changed: Vec<_> = after.iter().filter(|(path, content)| before.get(*path) != Some(content)).collect();
        assert!(changed.is_empty() && after.len() == before.len(), "files changed: {:?}\n{run}", changed.first());
    }
}

impl Run {
    /// Checks that the run succeeded and returns it.
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }

    /// Parses standard output as one line of JSON.
    pub fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{self}"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ended with {}\nstdout: {}\nstderr: {}", self.command, self.code, self.stdout, self.stderr)
    }
}
