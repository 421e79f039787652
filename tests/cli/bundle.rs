//! `bert8 bundle`: what is in the file, and what is refused. tests/page/bundle.test.mjs opens such a file in browsers.

use crate::sandbox::Sandbox;
use crate::tiny;
use bert8::base64;
use serde_json::{Value, json};

const BUNDLE: &str = "bundle site -o out/page.html";

/// A sandbox with a site that has the tiny model twice.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("site/bundle/page.template", "<!doctype html>\n<body><!-- bert8: contents --></body>\n");
    sandbox.write("site/pkg/simd128/bert8_bg.wasm.gz", b"\x1f\x8b program");
    sandbox.write("site/models/int8.onnx", tiny::int8());
    sandbox.write("site/models/tokenizer.json", tiny::tokenizer_json().to_string());
    sandbox.write("site/models/examples.tsv", tiny::pairs_tsv());
    let model = json!({
        "id": "one", "name": "First </script>", "description": "What?", "language": "en", "limits": "Few.", "int8": "models/int8.onnx",
        "tokenizer": "models/tokenizer.json", "examples": "models/examples.tsv", "fp32": "models/none.onnx",
    });
    let mut other = model.clone();
    (other["id"], other["name"]) = (json!("two"), json!("Second"));
    other["examples"] = Value::Null;
    sandbox.write("site/models/models.json", json!([model, other]).to_string());
    sandbox
}

/// The content of the element that holds `name`.
fn held<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!(" id=\"bert8-{name}\">")).unwrap_or_else(|| panic!("no {name}"));
    rest.split_once("</script>").unwrap().0
}

#[test]
fn the_page_holds_every_file() {
    let sandbox = sandbox();
    for (options, title, examples) in [
        ("", "First </script>", 10),
        ("--model two", "Second", 0),
        ("--onnx int8.onnx --tokenizer model/tokenizer.json", "int8.onnx", 0),
        ("--model two --title Mine", "Mine", 0),
    ] {
        let run = sandbox.ok(&format!("{BUNDLE} {options}"));
        assert!(run.stderr.contains("wrote out/page.html (") && run.stderr.contains(" MB: model "), "{run}");
        let page = String::from_utf8(sandbox.read("out/page.html")).unwrap();
        assert!(
            page.starts_with("<!doctype html>\n<body><script ") && page.ends_with("</script>\n</body>\n"),
            "{options}"
        );
        assert_eq!(page.matches("</script>").count(), 4, "text ends no element");
        assert_eq!(base64::decode(held(&page, "model")).unwrap(), tiny::int8());
        assert_eq!(base64::decode(held(&page, "program")).unwrap(), b"\x1f\x8b program");
        let tokenizer: Value = serde_json::from_slice(&base64::decode(held(&page, "tokenizer")).unwrap()).unwrap();
        assert_eq!(tokenizer, tiny::tokenizer_json());
        let about: Value = serde_json::from_str(held(&page, "about")).unwrap();
        assert_eq!((about["title"].as_str(), about["examples"].as_array().unwrap().len()), (Some(title), examples));
        assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn what_cannot_be_bundled_is_refused() {
    let sandbox = sandbox();
    sandbox.refused(&format!("{BUNDLE} --model three"), &["models.json has no model \"three\"; it has one, two"]);
    sandbox.refused(
        &format!("{BUNDLE} --onnx missing.onnx"),
        &["no tokenizer.json in or beside the model", "--tokenizer"],
    );
    sandbox.refused(&format!("{BUNDLE} --onnx pairs.tsv --tokenizer model/tokenizer.json"), &["pairs.tsv"]);
    sandbox.refused(&format!("{BUNDLE} --onnx int8.onnx --tokenizer pairs.tsv"), &["pairs.tsv"]);
    sandbox.refused("bundle model -o out/page.html", &["model is not a site of this version", "./build.sh"]);
    for output in ["site/models/int8.onnx", "site/bundle/page.template", "out"] {
        sandbox.refused(&format!("bundle site -o {output}"), &["cannot write", output]);
    }
    for (file, content, says) in [
        ("site/models/models.json", "{}", "is not a list of models"),
        ("site/models/models.json", "[]", "has no model"),
        ("site/bundle/page.template", "<!doctype html>", "has 0 places for files"),
    ] {
        let before = sandbox.read(file);
        sandbox.write(file, content);
        sandbox.refused(BUNDLE, &[file, says]);
        sandbox.write(file, before);
    }
    sandbox.remove("site/models/int8.onnx");
    sandbox.refused(BUNDLE, &["cannot read site/models/int8.onnx"]);
    assert_eq!(sandbox.run(&format!("{BUNDLE} --tokenizer model/tokenizer.json")).code, 2);
}
