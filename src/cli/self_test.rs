//! `bert8 self-test`

use super::output::print_json;
use anyhow::{Result, bail};
use bert8::Kernel;
use bert8::self_test::{LOGITS_HASH, PAIRS, classifier, hash_logits};
use clap::Args as ClapArgs;
use serde::Serialize;

/// Check that this machine computes the same INT8 logits as every other, bit for bit
///
/// Classifies 500 pairs with a small model on every kernel that the processor can run, and compares a hash of all logits with the
/// one that every other machine computes. Fails if a kernel differs; its answers cannot be trusted then.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    kernel: &'static str,
    hash: String,
    ok: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let rows = Kernel::all().map(|kernel| {
        let found = hash_logits(&classifier(kernel)?)?;
        Ok(Row { kernel: kernel.name(), hash: format!("{found:016x}"), ok: found == LOGITS_HASH })
    });
    let rows = rows.collect::<Result<Vec<Row>>>()?;
    if args.json {
        print_json(&rows)?;
    } else {
        say!("{PAIRS} pairs; the hash of their logits must be {LOGITS_HASH:016x}");
        for Row { kernel, hash, ok } in &rows {
            say!("{kernel:12} {hash}  {}", if *ok { "ok" } else { "DIFFERS" });
        }
    }
    let wrong: Vec<&str> = rows.iter().filter(|row| !row.ok).map(|row| row.kernel).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => bail!(
            "{} computes other logits than every other machine; choose another kernel (--kernel) and report this with the \
             processor's name",
            wrong.join(", ")
        ),
    }
}
