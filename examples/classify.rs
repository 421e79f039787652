//! Classifies one pair of sentences with an ONNX file and its tokenizer.
//!
//! ```sh
//! cargo run --release --no-default-features --example classify -- \
//!     int8.onnx models/minilm-l6-mrpc/tokenizer.json "He left." "He went away."
//! ```

use bert8::Classifier;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, tokenizer, first, second] = arguments.as_slice() else {
        eprintln!("usage: classify MODEL.onnx TOKENIZER.json FIRST SECOND");
        return ExitCode::from(2);
    };
    match run(model, tokenizer, first, second) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.with_sources());
            ExitCode::FAILURE
        }
    }
}

fn run(model: &str, tokenizer: &str, first: &str, second: &str) -> bert8::Result<()> {
    let classifier = Classifier::from_files(model, tokenizer)?;
    let answer = classifier.classify(first, second)?;
    match (&answer.label, answer.score) {
        (Some(label), _) => println!("{label}, probabilities {:?}", answer.probabilities),
        (None, score) => println!("score {score:?}"),
    }
    let kernel = classifier.model().kernel();
    println!("{} tokens in {:.1} ms on {kernel}", answer.tokens, answer.timing.infer_ms);
    Ok(())
}
