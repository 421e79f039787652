//! The command line: one module per command.

/// `println!` that returns an error from the enclosing function if standard output cannot be written.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        writeln!(std::io::stdout(), $($text)*).map_err(|e| anyhow::anyhow!("cannot write to standard output: {e}"))?
    }};
}

mod bench;
mod bundle;
mod classifier;
mod classify;
mod command_line;
mod convert;
mod eval;
mod inspect;
mod interrupt;
mod load;
mod manifest;
mod method;
mod output;
mod output_folder;
mod progress;
mod quantize;
mod random;
mod report;
mod rerank;
mod self_test;
mod serve;
mod source;
mod task_choice;
mod threads;
mod tokenizer;

use anyhow::Result;
use bert8::Error;
use clap::{Parser, Subcommand};

/// Quantizes BERT classifiers of texts and pairs of texts to INT8, and runs, measures and serves them.
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
    Tokenizer(tokenizer::Args),
    Manifest(manifest::Args),
    Quantize(quantize::Args),
    Eval(eval::Args),
    Classify(classify::Args),
    Rerank(rerank::Args),
    Bench(bench::Args),
    Inspect(inspect::Args),
    Report(report::Args),
    Random(random::Args),
    Serve(serve::Args),
    Bundle(bundle::Args),
    SelfTest(self_test::Args),
}

/// Runs the command that `args` name.
pub fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Convert(args) => convert::run(&args),
        Command::Tokenizer(args) => tokenizer::run(&args),
        Command::Manifest(args) => manifest::run(&args),
        Command::Quantize(args) => quantize::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Classify(args) => classify::run(&args),
        Command::Rerank(args) => rerank::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Random(args) => random::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Bundle(args) => bundle::run(&args),
        Command::SelfTest(args) => self_test::run(&args),
    }
}

/// Returns the message of `error`: its chain of reasons, each once, and the option or command that helps, if any.
pub fn message(error: &anyhow::Error) -> String {
    match error.chain().find_map(|error| error.downcast_ref()) {
        Some(Error::NeedsImport { file, .. }) => format!("{error:#}; try: bert8 convert {file} -o fp32.onnx"),
        Some(Error::Heads { .. }) => format!("{error:#}; see --heads"),
        Some(Error::Output { .. }) => format!("{error:#}; see --logits"),
        Some(Error::Quantized { .. }) => format!("{error:#}; see --requantize"),
        _ => format!("{error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Args;
    use clap::CommandFactory;

    #[test]
    fn help_explains_every_argument_of_every_command() {
        let mut whole = Args::command();
        whole.build();
        let overview = whole.render_help().to_string();
        for command in whole.get_subcommands_mut() {
            let name = command.get_name().to_owned();
            assert!(overview.contains(&format!("\n  {name} ")), "{name} is not in the overview");
            let help = command.render_long_help().to_string();
            for argument in command.get_arguments() {
                let shown = match argument.get_long() {
                    Some(long) => format!("--{long}"),
                    None => argument.get_value_names().unwrap_or_default().join(" "),
                };
                assert!(help.contains(&shown), "bert8 {name} --help does not name {shown}");
                let explained = argument.get_help().is_some_and(|text| !text.to_string().trim().is_empty());
                assert!(explained, "bert8 {name} --help does not explain {shown}");
            }
        }
    }
}
