//! The `bert8` command.

mod cli;

use anyhow::{Result, anyhow};
use clap::Parser;
use std::any::Any;
use std::panic::{catch_unwind, set_hook};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = cli::Args::parse();
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        // Panics become errors below, or in the engine when a damaged graph causes one.
        set_hook(Box::new(|_| {}));
    }
    match catch_unwind(|| cli::run(args)).unwrap_or_else(|panic| unexpected(&*panic)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = cli::message(&error);
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            eprintln!("error: {}", lines.join(" "));
            ExitCode::FAILURE
        }
    }
}

fn unexpected(panic: &(dyn Any + Send)) -> Result<()> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
    Err(anyhow!("this is a bug in bert8 ({text}); RUST_BACKTRACE=1 shows where"))
}
