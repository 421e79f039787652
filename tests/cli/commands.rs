//! Behaviour that all commands share, and `bert8 bench`.

use crate::sandbox::Sandbox;
use bert8::Kernel;

#[test]
fn bench_times_a_model() {
    let sandbox = Sandbox::new();
    for (file, kernel) in [("fp32.onnx", Some("tract")), ("int8.onnx", None)] {
        let results = sandbox.json(&format!("bench {file} --seq 8 --seconds 0.1 --json"));
        assert_eq!(results["seq"], 8);
        assert!(kernel.is_none_or(|kernel| results["kernel"] == kernel), "{results}");
        let [min, median, max] = ["min_ms", "p50_ms", "max_ms"].map(|name| results[name].as_f64().unwrap());
        assert!(0.0 < min && min <= median && median <= max, "{results}");
        let speed = results["sentences_per_second"].as_f64().unwrap() * results["mean_ms"].as_f64().unwrap();
        assert!((speed - 1000.0).abs() < 0.1 && results["runs"].as_u64().unwrap() > 0, "{results}");
    }
    let text = sandbox.ok("bench int8.onnx --seq 8 --seconds 0.1").stdout;
    assert!(text.starts_with("8 tokens on ") && text.contains("sentences per second"), "{text}");
}

#[test]
fn self_test_passes_on_every_kernel() {
    let sandbox = Sandbox::empty();
    let rows = sandbox.json("self-test --json");
    let kernels: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["kernel"].as_str().unwrap()).collect();
    assert_eq!(kernels, Kernel::all().map(Kernel::name).collect::<Vec<_>>());
    assert!(rows.as_array().unwrap().iter().all(|row| row["ok"] == true), "{rows}");
    let text = sandbox.ok("self-test").stdout;
    assert!(text.starts_with("500 pairs; the hash of their logits must be "), "{text}");
}

#[test]
fn a_closed_standard_output_is_an_error() {
    let sandbox = Sandbox::new();
    for command in ["inspect model", "inspect fp32.onnx --json"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox.command(command, &[]).stdout(writer).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: cannot write to standard output: Broken pipe"), "{stderr}");
    }
}

/// Whether `--help` explains every argument is a test of the program itself, which knows all of them: `src/cli/mod.rs`.
#[test]
fn every_command_of_the_overview_has_help() {
    let sandbox = Sandbox::empty();
    let overview = sandbox.ok("--help").stdout;
    assert!(overview.contains("Exit codes: 0 done, 1 failed, 2 wrong usage."), "{overview}");
    let (_, list) = overview.split_once("\nCommands:\n").expect("a list of commands");
    let (list, _) = list.split_once("\n\n").expect("an end of the list");
    // Descriptions that need a second line are indented further.
    let lines = list.lines().filter(|line| !line.starts_with("    "));
    let names: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(
        names,
        [
            "convert",
            "tokenizer",
            "manifest",
            "quantize",
            "eval",
            "classify",
            "rerank",
            "bench",
            "inspect",
            "report",
            "random",
            "serve",
            "bundle",
            "self-test",
            "help"
        ]
    );
    for name in names.into_iter().filter(|name| *name != "help") {
        let help = sandbox.ok(&format!("{name} --help")).stdout;
        assert!(help.contains(&format!("Usage: bert8 {name}")), "{help}");
        assert_eq!(sandbox.ok(&format!("help {name}")).stdout, help);
    }
    assert_eq!(sandbox.ok("--version").stdout, concat!("bert8 ", env!("CARGO_PKG_VERSION"), "\n"));
}
