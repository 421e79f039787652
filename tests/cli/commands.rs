//! What all commands have in common, and `bert8 bench`.

use crate::sandbox::Sandbox;

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
fn a_reader_that_goes_away_is_an_error() {
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

#[test]
fn help_names_every_option() {
    let sandbox = Sandbox::empty();
    let commands: [(&str, &[&str]); 8] = [
        ("convert", &["<MODEL>", "--output", "--heads"]),
        (
            "quantize",
            &[
                "--calibration",
                "--output",
                "--report",
                "--tokenizer",
                "--subset-size",
                "--max-length",
                "--seed",
                "--format",
                "--json",
            ],
        ),
        ("eval", &["<MODEL>", "--tokenizer", "--data", "--baseline", "--max-length", "--json"]),
        ("classify", &["<MODEL>", "<FIRST>", "<SECOND>", "--tokenizer", "--max-length", "--json"]),
        ("bench", &["<MODEL>", "--seq", "--seconds", "--json"]),
        ("inspect", &["<MODEL>", "--json"]),
        ("report", &["<REPORT>", "--html"]),
        ("serve", &["[DIR]", "--port", "--host"]),
    ];
    let overview = sandbox.ok("--help").stdout;
    assert!(overview.contains("Exit codes: 0 done, 1 failed, 2 wrong usage."), "{overview}");
    for (command, options) in commands {
        assert!(overview.contains(&format!("\n  {command} ")), "{overview}");
        let help = sandbox.ok(&format!("{command} --help")).stdout;
        for option in options {
            assert!(help.contains(option), "{command} --help does not mention {option}\n{help}");
        }
    }
    assert_eq!(sandbox.ok("--version").stdout, concat!("bert8 ", env!("CARGO_PKG_VERSION"), "\n"));
}
