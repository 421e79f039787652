//! Classifies a text or a pair of texts with an ONNX file and its tokenizer.
//!
//! ```sh
//! cargo run --release --no-default-features --example classify -- \
//!     int8.onnx models/minilm-l6-mrpc/tokenizer.json "He left." "He went away."
//! ```

use bert8::text::TextInput;
use bert8::{Classifier, Problem};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (files, input) = match arguments.as_slice() {
        [model, tokenizer, text] => ([model, tokenizer], TextInput::from(text)),
        [model, tokenizer, first, second] => ([model, tokenizer], (first.as_str(), second.as_str()).into()),
        _ => {
            eprintln!("usage: classify MODEL.onnx TOKENIZER.json TEXT [TEXT2]");
            return ExitCode::from(2);
        }
    };
    match run(files, input) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.with_sources());
            ExitCode::FAILURE
        }
    }
}

fn run([model, tokenizer]: [&String; 2], input: TextInput) -> bert8::Result<()> {
    let classifier = Classifier::from_files(model, tokenizer)?;
    let answer = classifier.classify(input)?;
    match answer.problem {
        Problem::SingleLabel => println!("{:?}, probabilities {:?}", answer.label, answer.probabilities),
        Problem::MultiLabel => println!("{:?}", answer.labels),
        Problem::Regression => println!("score {:?}", answer.score),
    }
    let kernel = classifier.model().kernel();
    println!("{} tokens in {:.1} ms on {kernel}", answer.tokens, answer.timing.infer_ms);
    Ok(())
}
