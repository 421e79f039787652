//! `bert8 bench`

use super::load::{self, KernelChoice};
use super::output::print_json;
use super::progress::Progress;
use super::threads;
use anyhow::{Result, bail};
use bert8::metrics::Latency;
use bert8::text::Tokens;
use clap::Args as ClapArgs;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

/// Time a model natively: latency percentiles and sentences per second
///
/// The input is one sequence of --seq tokens. Speed in a browser differs: ./build.sh serve shows it.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// An ONNX file, from bert8 convert or bert8 quantize
    model: PathBuf,

    /// Number of tokens in the input
    #[arg(long, value_name = "TOKENS", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    seq: u32,

    /// How long to measure, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = positive)]
    seconds: f64,

    #[command(flatten)]
    kernel: KernelChoice,

    /// Number of threads
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,

    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(seconds),
        _ => Err("expected a number of seconds above 0 and at most 86400".to_owned()),
    }
}

#[derive(Debug, Serialize)]
struct Results {
    kernel: &'static str,
    threads: usize,
    seq: usize,
    #[serde(flatten)]
    latency: Latency,
    sentences_per_second: f64,
}

/// The number of untimed runs before the measurement.
const WARMUP: usize = 3;

pub fn run(args: &Args) -> Result<()> {
    let model = load::model(&args.model, args.kernel.kernel, &threads::pool(args.threads)?)?;
    let seq = args.seq as usize;
    let limit = model.info().max_positions;
    if seq > limit {
        bail!("{seq} tokens are more than the {limit} positions of {}", args.model.display());
    }
    let words = model.info().vocab_size.unwrap_or(1) as i64;
    let tokens = Tokens {
        ids: (0..seq as i64).map(|at| (1 + at * 37) % words).collect(),
        types: (0..seq).map(|at| i64::from(at >= seq / 2)).collect(),
        truncated: false,
    };
    for _ in 0..WARMUP {
        model.logits(&tokens)?;
    }
    let begin = Instant::now();
    let mut durations = Vec::new();
    let (mut progress, seconds) = (Progress::new(), args.seconds.ceil() as usize);
    while durations.is_empty() || begin.elapsed().as_secs_f64() < args.seconds {
        progress.show("timing, in seconds", begin.elapsed().as_secs() as usize, seconds);
        let start = Instant::now();
        model.logits(&tokens)?;
        durations.push(start.elapsed().as_secs_f64() * 1e3);
    }
    progress.finish();
    let latency = Latency::new(&durations).expect("at least one run was timed");
    let results = Results {
        kernel: model.kernel(),
        threads: model.threads(),
        seq,
        latency,
        sentences_per_second: 1e3 / latency.mean_ms,
    };
    if args.json {
        return print_json(&results);
    }
    let threads = if results.threads == 1 { "one thread".to_owned() } else { format!("{} threads", results.threads) };
    say!("{} tokens on {}, {threads}, {} runs", results.seq, results.kernel, latency.runs);
    say!(
        "median {:.2} ms  (min {:.2}, mean {:.2}, p90 {:.2}, p99 {:.2}, max {:.2})",
        latency.p50_ms,
        latency.min_ms,
        latency.mean_ms,
        latency.p90_ms,
        latency.p99_ms,
        latency.max_ms
    );
    say!("{:.1} sentences per second", results.sentences_per_second);
    Ok(())
}
