//! The summary and the page of `bert8 report`.

use crate::markup::Page;
use crate::sandbox::Sandbox;
use bert8::integrity::Integrity;
use bert8::quantize::Report;
use serde_json::{Value, json};

const HOSTILE: &str = "</title><script>alert(\"1\")</script>&amp;'\u{1b}[31m\n\0";

/// A sandbox with the tiny model's `report.json`.
fn sandbox() -> (Sandbox, Value) {
    let sandbox = Sandbox::new();
    sandbox
        .ok("quantize model --calibration pairs.tsv -o out/int8.onnx --report report.json --ignore layer.1.output.* \
         --data pairs.tsv --metric agreement --max-drop 0");
    let report = serde_json::from_slice(&sandbox.read("report.json")).unwrap();
    (sandbox, report)
}

/// Writes the page of `report`, checks its markup, and returns the page and the summary.
fn shown(sandbox: &Sandbox, report: &Value) -> (String, Page, String) {
    sandbox.write("shown.json", report.to_string());
    let run = sandbox.ok("report shown.json --html out/report.html");
    assert!(run.stdout.is_empty() && run.stderr.starts_with("wrote out/report.html ("), "{run}");
    let html = String::from_utf8(sandbox.read("out/report.html")).unwrap();
    let page = Page::new(&html);
    page.assert_sound();
    let text = sandbox.ok("report shown.json").stdout;
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    (html, page, text)
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

#[test]
fn the_page_and_the_summary_show_everything() {
    let (sandbox, report) = sandbox();
    let (html, page, text) = shown(&sandbox, &report);
    for (table, list) in
        [("layer", "layers"), ("matmul", "linears"), ("activation", "activations"), ("weight", "weights")]
    {
        let headings = page.texts_in(&format!("{table}-table"), "th");
        let rows = headings[headings.len() - names(&report[list]).len()..].to_vec();
        assert_eq!(sorted(rows), sorted(names(&report[list])), "{table}");
    }
    assert_eq!(page.texts_in("control-table", "tr").len(), 4);
    let activations = names(&report["activations"]).len();
    let pictures = page.all("svg").filter(|svg| svg.attribute("role") == Some("img")).count();
    // One for the margins, one for the layers, one for each of six kinds of matmuls.
    assert_eq!(pictures, 1 + 1 + 6 + activations);
    for words in [
        "11 of 12 matmuls, 2 embedding tables",
        "in layer 1: output.dense",
        "layer.1.output.*",
        "added to its biases",
        "prefers-color-scheme: dark",
        "Accuracy control",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let in_list = |at: &usize| page.elements[*at].name == "ol";
    let worst = page.all("li").filter(|li| li.within.iter().any(in_list)).count();
    assert_eq!(worst, 5);
    for words in [
        "11 of 12 matmuls",
        "added to its biases",
        "Accuracy control",
        "logits",
        "Matmuls with the most noise",
        "--html FILE",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let weights = page.texts_in("weight-table", "td");
    let noise: Vec<f64> = weights.chunks(5).map(|row| row[0].parse().unwrap_or(f64::INFINITY)).collect();
    assert!(noise.is_sorted(), "the worst first: {noise:?}");
}

#[test]
fn the_report_says_what_to_decide_and_where_the_file_comes_from() {
    let sandbox = Sandbox::new();
    let quantize =
        "quantize model --calibration pairs.tsv --subset-size 8 -o out/int8.onnx --report report.json --preset fast";
    let run = sandbox.ok(&format!("{quantize} --ignore layer.1.output.* --sensitivity"));
    let bytes = sandbox.read("out/int8.onnx");
    let report: Value = serde_json::from_slice(&sandbox.read("report.json")).unwrap();
    let (html, page, text) = shown(&sandbox, &report);

    let command = format!("bert8 {quantize} --ignore 'layer.1.output.*' --sensitivity");
    let made = &report["provenance"];
    assert_eq!([&made["model"], &made["preset"], &made["command"]], ["model", "fast", command.as_str()]);
    assert_eq!(made["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(made["output"], json!({ "name": "int8.onnx", "integrity": Integrity::of(&bytes).to_string() }));
    assert_eq!(made["calibration"]["integrity"], Integrity::of(&sandbox.read("pairs.tsv")).to_string());
    let date = made["date"].as_str().unwrap();
    assert!(date.len() == 20 && date.starts_with("20") && date.ends_with('Z'), "{date}");
    for words in ["model", "preset fast", date, "int8.onnx, sha256-", "pairs.tsv, sha256-"] {
        assert!(html.contains(words) && text.contains(words), "{words}\n{text}");
    }
    assert!(!String::from_utf8_lossy(&bytes).contains(&date[..10]), "the INT8 file has no date");

    // Two texts were held back; both have margins and lines.
    let margins = report["check"]["margins"].as_array().unwrap();
    assert_eq!((margins.len(), page.texts_in("text-table", "tr").len()), (2, 3));
    let flips = margins.iter().filter(|text| text["flipped"] == true).count();
    assert_eq!(report["check"]["flips"], flips);
    for text in margins {
        assert!((2..12).contains(&text["line"].as_u64().unwrap()) && text["fp32"].as_f64().unwrap() >= 0.0, "{text}");
        assert_eq!(text["int8"].as_f64().unwrap() < 0.0, text["flipped"] == true, "{text}");
    }

    // Every part has its damage, its size and what it costs; the sizes and the rest are the whole file.
    let parts = page.texts_in("part-table", "th");
    assert_eq!(parts.len(), 7 + 10 + 1, "{parts:?}");
    let damage: Vec<f64> =
        page.texts_in("part-table", "td").chunks(6).map(|row| row[0].parse().unwrap_or(f64::INFINITY)).collect();
    assert!(damage.is_sorted(), "the most damaging first: {damage:?}");
    let output = report["parts"].as_array().unwrap().iter().find(|part| part["name"] == "encoder.layer.1.output.dense");
    assert_eq!(output.unwrap()["fp32_bytes"], output.unwrap()["int8_bytes"], "it was left out");
    assert!(html.contains("--ignore &#39;encoder.layer.0.attention.self.*&#39;"));

    for words in ["Of 2 texts that calibration did not see", "95 % confidence", "of FP32)", "In one line"] {
        assert!(html.contains(words) && text.contains(words), "{words}\n{text}");
    }
    assert!(text.contains(&format!("\n  {command}")), "a command line to go on with\n{text}");
    assert!(run.stderr.contains("helps most") || run.stderr.contains("does not help"), "{run}");
    for column in ["Damage: SQNR alone (dB)", "Margin in INT8", "Largest / median", "Scale", "Clipped"] {
        let linked = page.all("a").any(|a| a.text == column && a.attribute("href").unwrap().starts_with("#formula-"));
        assert!(linked, "{column} has no formula");
    }
    let outliers = &report["activations"][0]["outliers"];
    assert_eq!(outliers["largest"].as_array().unwrap().len(), 3, "{outliers}");
    let listed = report["activations"].as_array().unwrap().len().min(12);
    assert_eq!(page.texts_in("outlier-table", "tr").len(), 1 + listed);
}

#[test]
fn the_conclusion_follows_from_the_comparison() {
    let (sandbox, mut report) = sandbox();
    report["warnings"] = json!([]);
    let mut verdict = |changes: &[(&str, Value)]| {
        for (place, value) in changes {
            *report.pointer_mut(place).unwrap() = value.clone();
        }
        shown(&sandbox, &report).2.lines().next().unwrap().to_owned()
    };
    let check = |db: f64, agreement: f64, flips: usize| {
        [("/check/sqnr_db", json!(db)), ("/check/agreement", json!(agreement)), ("/check/flips", json!(flips))]
    };
    assert!(verdict(&check(34.0, 1.0, 0)).starts_with("Use it"));
    assert!(verdict(&check(26.0, 1.0, 0)).starts_with("Look before you use it"));
    assert!(verdict(&check(34.0, 0.95, 1)).starts_with("Look before you use it"));
    assert!(verdict(&check(34.0, 0.5, 5)).starts_with("Do not use it"));
    assert!(verdict(&check(12.0, 1.0, 0)).starts_with("Do not use it"));
    assert!(verdict(&[("/check", Value::Null)]).starts_with("Measure before you use it"));
}

#[test]
fn names_from_the_report_are_only_text() {
    let (sandbox, mut report) = sandbox();
    for list in ["activations", "weights", "linears", "layers"] {
        for item in report[list].as_array_mut().unwrap() {
            item["name"] = json!(HOSTILE);
        }
    }
    report["linears"][0]["input"] = json!(HOSTILE);
    report["parts"][0]["name"] = json!(HOSTILE);
    report["parts"][0]["pattern"] = json!(HOSTILE);
    report["warnings"] = json!([HOSTILE]);
    for field in ["model", "preset", "command", "version", "date"] {
        report["provenance"][field] = json!(HOSTILE);
    }
    report["provenance"]["calibration"]["name"] = json!(HOSTILE);
    report["provenance"]["output"]["name"] = json!(HOSTILE);
    report["config"]["labels"] = json!([HOSTILE, HOSTILE]);
    report["options"]["ignored"] = json!([HOSTILE]);
    report["control"]["returned"] = json!([{ "name": HOSTILE, "damage": 1.0, "value": 0.5 }]);
    report["sensitivity"] = json!({
        "texts": 7,
        "sqnr_db": 1e300,
        "parts": [{ "name": HOSTILE, "sqnr_db": null }],
        "best_ignored": { "pattern": HOSTILE, "sqnr_db": null, "added_bytes": 1 },
    });
    let (html, page, _) = shown(&sandbox, &report);
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;alert(&quot;1&quot;)"));
    assert_eq!(page.texts_in("returned-table", "tr").len(), 2);
}

#[test]
fn numbers_of_any_size_have_a_page() {
    let (sandbox, report) = sandbox();
    let with = |changes: &[(&str, Value)]| {
        let mut report = report.clone();
        for (place, value) in changes {
            *report.pointer_mut(place).unwrap_or_else(|| panic!("no {place}")) = value.clone();
        }
        shown(&sandbox, &report)
    };
    let lists = ["/activations", "/weights", "/linears", "/layers", "/config/labels", "/options/ignored"];
    with(&lists.map(|list| (list, json!([]))));
    for counts in [json!([]), json!([0, 0]), json!([u32::MAX]), json!([1, 0, 7])] {
        with(&[("/activations/0/histogram/counts", counts)]);
    }
    for number in [0.0, 1e-300, 1e300, -1e300, 1.7e308, -7.5] {
        // For fields of 32 bits, which hold no more.
        let single = json!(f64::clamp(number, -3e38, 3e38));
        let number = json!(number);
        with(&[
            ("/activations/0/min", single.clone()),
            ("/activations/0/range", json!([single, single])),
            ("/activations/1/range", json!([single, -1.0])),
            ("/activations/2/histogram/max", single.clone()),
            ("/activations/3/histogram/min", single.clone()),
            ("/activations/4/divisors", json!([single, single])),
            ("/activations/0/scale", single.clone()),
            ("/activations/0/clipped", number.clone()),
            ("/weights/0/rmse", number.clone()),
            ("/weights/0/sqnr_db", number.clone()),
            ("/linears/0/measure/output_db", number.clone()),
            ("/linears/1/measure/plain_db", number.clone()),
            ("/linears/2/measure/correction", number.clone()),
            ("/layers/1/sqnr_db", number.clone()),
            ("/control/max_drop", number.clone()),
            ("/head/correction", json!([single, single])),
            ("/head/corrected_rmse", number.clone()),
            ("/check/margins/0/fp32", number.clone()),
            ("/check/margins/1/int8", number.clone()),
            ("/check/agreement", number.clone()),
            ("/check/sqnr_db", number.clone()),
            ("/activations/0/outliers/ratio", single.clone()),
            ("/control/result/ms_per_pair", number.clone()),
            ("/sizes/ratio", number),
        ]);
    }
    let nothing: Vec<(&str, Value)> = [
        "/check",
        "/provenance",
        "/layers/0/sqnr_db",
        "/linears/0/measure",
        "/linears/1/measure/output_db",
        "/weights/1/sqnr_db",
        "/control",
        "/head",
    ]
    .map(|place| (place, Value::Null))
    .into();
    let (_, page, text) = with(&nothing);
    assert!(page.texts_in("layer-table", "td").contains(&"no noise") && text.contains("no noise"), "{text}");
    let most = json!(u64::MAX);
    with(&[("/config/layers", most.clone()), ("/sizes/int8_bytes", most.clone()), ("/calibration/seed", most.clone())]);
    with(&[
        ("/check/texts", json!(0)),
        ("/check/flips", most.clone()),
        ("/check/margins/0/line", most.clone()),
        ("/parts/0/int8_bytes", most.clone()),
        ("/parts/1/fp32_bytes", most.clone()),
        ("/parts/2/fp32_bytes", most),
    ]);
    with(&[("/parts", json!([])), ("/check/margins", json!([]))]);
    with(&[("/linears/0/name", json!("encoder.layer.4294967295.x")), ("/linears/1/name", json!(""))]);
}

#[test]
fn files_other_than_reports_are_refused() {
    let (sandbox, report) = sandbox();
    let whole = sandbox.read("report.json");
    for len in [whole.len() - 2, whole.len() / 2, 1, 0] {
        sandbox.write("cut.json", &whole[..len]);
        for command in ["report cut.json", "report cut.json --html out/x.html"] {
            sandbox.refused(command, &["cut.json: is cut off", "line ", "bert8 quantize --report"]);
        }
    }
    let mut cases =
        vec![(json!({}), "missing field `config` at line 1"), (json!([1]), "line 1"), (json!("report"), "line 1")];
    for (place, value, says) in [
        ("/sizes", json!(7), "expected struct FileSizes"),
        ("/activations/1/histogram/counts/0", json!(-1), "`-1`, expected u32"),
        ("/activations/1/zero_point", json!(256), "`256`, expected u8"),
        ("/activations/1/min", Value::Null, "null, expected f32"),
        ("/linears", json!({}), "expected a sequence"),
        ("/linears/0/int8", json!("yes\nno\u{1b}[31m"), "expected a boolean"),
        ("/options/range", json!("wide"), "unknown variant `wide`"),
    ] {
        let mut changed = report.clone();
        *changed.pointer_mut(place).unwrap() = value;
        cases.push((changed, says));
    }
    for (content, says) in cases {
        sandbox.write("other.json", content.to_string());
        let says = ["other.json: is not a report of this version", says, "bert8 quantize --report"];
        sandbox.refused("report other.json --html out/x.html", &says);
    }
    let mut large = report.clone();
    large["activations"][0]["min"] = json!(1e300);
    sandbox.write("large.json", large.to_string());
    sandbox.refused("report large.json", &["large.json: ", "number out of range at line 1"]);
    sandbox.refused("report int8.onnx", &["int8.onnx: is not JSON", "line 1"]);
    sandbox.write("two.json", [whole.as_slice(), b"{}"].concat());
    sandbox.refused("report two.json", &["two.json: is not JSON", "trailing characters"]);
    sandbox.refused("report missing.json", &["cannot read missing.json"]);
    sandbox.refused("report model", &["cannot read model"]);
}

#[test]
fn the_page_does_not_replace_its_report() {
    let (sandbox, _) = sandbox();
    for output in ["report.json", "./out/../report.json"] {
        sandbox.refused(&format!("report report.json --html {output}"), &["cannot write", output, "input"]);
    }
    for output in ["out", "nowhere/x.html"] {
        sandbox.refused(&format!("report report.json --html {output}"), &["cannot write", output]);
    }
    sandbox.write("out/x.html", "older");
    sandbox.ok("report report.json --html out/x.html");
    assert!(sandbox.read("out/x.html").starts_with(b"<!doctype html>"));
}

/// Whether two values are equal except for the last digits of numbers.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b)))
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-6 * a.abs()
        }
        _ => a == b,
    }
}

#[test]
fn reports_come_back_from_json() {
    let (sandbox, report) = sandbox();
    let read: Report = serde_json::from_slice(&sandbox.read("report.json")).unwrap();
    assert!(alike(&serde_json::to_value(&read).unwrap(), &report));
}
