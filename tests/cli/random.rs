//! The models of `bert8 random`.

use crate::json::floats;
use crate::sandbox::Sandbox;
use serde_json::json;

#[test]
fn every_command_accepts_a_random_model() {
    let sandbox = Sandbox::new();
    let run = sandbox.ok("random --preset mini out/mini");
    assert!(run.stderr.starts_with("wrote out/mini (44.7 MB)") && run.stdout.is_empty(), "{run}");
    let folder = sandbox.json("inspect out/mini --json");
    let config = &folder["config"];
    let sizes = ["layers", "hidden", "heads", "intermediate", "vocab_size", "max_positions"].map(|size| &config[size]);
    assert_eq!(sizes, [&json!(4), &json!(256), &json!(4), &json!(1024), &json!(30_522), &json!(512)]);

    let words = ["baba jefi pihu", "zoke hano", "nera viti guzu mafi"];
    let pairs: String = words.iter().map(|first| format!("{first}\t{}\n", words[0])).collect();
    sandbox.write("words.tsv", format!("sentence1\tsentence2\n{pairs}"));
    sandbox.ok("convert out/mini -o out/fp32.onnx");
    sandbox.ok("quantize out/mini --calibration words.tsv --force-calibration -o out/int8.onnx");
    let tokenizer = "--tokenizer out/mini/tokenizer.json";
    let logits = ["fp32", "int8"].map(|file| {
        words.map(|first| {
            let command = format!("classify out/{file}.onnx {tokenizer} --json");
            let answer = sandbox.run_with(&command, &[first, words[0]]).succeeded().json();
            assert_eq!(answer["tokens"], json!(first.split(' ').count() + 6));
            floats(&answer["logits"])[0]
        })
    });
    for (fp32, int8) in logits[0].iter().zip(logits[1]) {
        assert!((fp32 - int8).abs() < 0.2, "{logits:?}");
    }
    assert!((logits[0][0] - logits[0][2]).abs() > 0.3, "the answer depends on the words: {logits:?}");
}

#[test]
fn the_same_seed_produces_the_same_bytes() {
    let sandbox = Sandbox::new();
    for (folder, options) in [("out/a", ""), ("out/b", "--seed 0"), ("out/c", "--seed 1")] {
        sandbox.ok(&format!("random --preset mini {options} {folder}"));
    }
    let weights = |folder: &str| sandbox.read(&format!("out/{folder}/model.safetensors"));
    assert!(weights("a") == weights("b") && weights("a") != weights("c"));
    // --force keeps the folder's other files.
    sandbox.write("out/c/notes.txt", "mine");
    sandbox.ok("random --preset mini --force out/c");
    assert!(weights("a") == weights("c"));
    assert_eq!(sandbox.read("out/c/notes.txt"), b"mine");
    let names = std::fs::read_dir(sandbox.path("out/c")).unwrap();
    assert_eq!(names.count(), 4);
}

#[test]
fn random_writes_into_new_or_empty_folders_only() {
    let sandbox = Sandbox::new();
    let random = |folder: &str| format!("random --preset mini {folder}");
    sandbox.refused(&random("model"), &["cannot write model", "not empty", "--force"]);
    sandbox.refused(&random("fp32.onnx"), &["cannot write fp32.onnx", "is a file"]);
    sandbox.refused(&random("no/such"), &["cannot write no/such", "the folder no does not exist"]);
    sandbox.write("out/tokenizer.json/x", "a folder where a file must be");
    sandbox.refused(&random("--force out"), &["tokenizer.json", "is a folder"]);
    let wrong = sandbox.run("random --preset huge out/x");
    assert!(wrong.code == 2 && wrong.stderr.contains("mini, small, bert-base"), "{wrong}");
}
