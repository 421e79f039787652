//! Files that once hung, crashed or deceived the command. `tests/hostile` has them beside a pair that works.

use crate::sandbox::Sandbox;
use std::path::Path;

/// A folder with the files of `tests/hostile`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::empty();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        sandbox.write(path.file_name().unwrap().to_str().unwrap(), std::fs::read(&path).unwrap());
    }
    sandbox
}

#[test]
fn hostile_graphs_are_refused_by_name() {
    let sandbox = sandbox();
    sandbox.ok("classify good-int8.onnx --tokenizer good-tokenizer.json a b");
    for (file, says) in [
        ("hang-bias.onnx", "reads `encoder.layer.1.attention.output.dense.bias` with 12 features where 24 belong"),
        ("silent-4labels.onnx", "its output `logits` has the shape [2, 2]"),
        ("fp32-max-positions-lie.onnx", "has position embeddings for 48 tokens, but should read 4096"),
        ("fp32-position-start.onnx", "has position embeddings for 0 tokens"),
        ("fp32-mask-axes.onnx", "node `mask.wide` (Unsqueeze) has the axis 255"),
    ] {
        for command in ["inspect FILE", "bench FILE --seq 8", "classify FILE --tokenizer good-tokenizer.json a b"] {
            sandbox.refused(&command.replace("FILE", file), &[file, says]);
        }
    }
}

#[test]
fn hostile_tokenizers_are_refused_by_name() {
    let sandbox = sandbox();
    for (file, says) in [
        ("tok-cut-in-decoder.json", "is not a tokenizer.json, or is cut off or damaged"),
        ("tok-fixedlength0.json", "models of the BERT family do not use the pre_tokenizer `FixedLength`"),
        ("tok-two-postprocessors.json", "adds special tokens more than once"),
        ("tok-added-empty.json", "has an empty token"),
        ("tok-charsmap-huge.json", "the normalizer's `precompiled_charsmap` is damaged"),
    ] {
        sandbox.refused(&format!("classify good-int8.onnx --tokenizer {file} a b"), &[file, says]);
    }
}

#[test]
fn dropout_in_a_tokenizer_has_no_effect() {
    let sandbox = sandbox();
    let answers = [0; 6].map(|_| {
        sandbox.json("classify good-int8.onnx --tokenizer tok-bpe-dropout.json --json abcabc cbacba")["logits"].clone()
    });
    assert!(answers.iter().all(|logits| *logits == answers[0]), "{answers:?}");
}
