//! The fuzzer's targets over its committed corpora, among them everything that it has found. See `fuzz/`.

#![cfg(feature = "dataset")]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::path::{Path, PathBuf};

/// The files in a folder of this repository.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// Runs every file of the corpus of `target`.
fn replay(target: &str) {
    let (_, run) = fuzz::TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let mut corpus = files(&format!("fuzz/corpus/{target}"));
    if ["onnx", "tokenizer"].contains(&target) {
        corpus.extend(files("tests/hostile"));
    }
    for file in corpus {
        println!("{}", file.display());
        run(&std::fs::read(&file).unwrap());
    }
}

macro_rules! replays {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*

        #[test]
        fn every_target_is_replayed() {
            let names: Vec<_> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($target)),*]);
        }
    };
}

replays! { onnx graph import streaming round_trip checkpoint tokenizer tokenizer_parts pairs report }
