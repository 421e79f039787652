//! Command-line arguments, checked and handed to the command they name.

/// `println!`, but an error where standard output cannot be written to.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        writeln!(std::io::stdout(), $($text)*).map_err(|e| anyhow::anyhow!("cannot write to standard output: {e}"))?
    }};
}

mod bench;
mod classify;
mod convert;
mod eval;
mod inspect;
mod load;
mod method;
mod output;
mod output_folder;
mod quantize;
mod random;
mod report;
mod serve;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Quantizes BERT sentence-pair classifiers to INT8, and runs, measures and serves them.
///
/// A first session, with the demo model that comes with bert8:
///
///   bert8 convert models/minilm-l6-mrpc -o fp32.onnx
///   bert8 quantize models/minilm-l6-mrpc --calibration models/calibration.tsv -o int8.onnx
///   bert8 classify int8.onnx --tokenizer models/minilm-l6-mrpc/tokenizer.json "He left." "He went away."
///   bert8 eval int8.onnx --tokenizer models/minilm-l6-mrpc/tokenizer.json --data models/examples.tsv --baseline fp32.onnx
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment, propagate_version = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Convert(convert::Args),
    Quantize(quantize::Args),
    Eval(eval::Args),
    Classify(classify::Args),
    Bench(bench::Args),
    Inspect(inspect::Args),
    Report(report::Args),
    Random(random::Args),
    Serve(serve::Args),
}

/// Does what `args` ask for.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Convert(args) => convert::run(&args),
        Command::Quantize(args) => quantize::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Classify(args) => classify::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Random(args) => random::run(&args),
        Command::Serve(args) => serve::run(&args),
    }
}
