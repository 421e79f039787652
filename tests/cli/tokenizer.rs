//! The files that `bert8 tokenizer` writes.

use crate::sandbox::Sandbox;
use crate::tiny;
use bert8::text::TextTokenizer;

/// The vocab.txt of the tiny model's tokenizer.
fn vocabulary() -> String {
    let json = tiny::tokenizer_json();
    let mut tokens: Vec<_> = json["model"]["vocab"].as_object().unwrap().iter().collect();
    tokens.sort_by_key(|(_, id)| id.as_u64());
    tokens.into_iter().map(|(token, _)| format!("{token}\n")).collect()
}

#[test]
fn a_vocabulary_becomes_a_tokenizer_with_equal_ids() {
    let texts = ["The Man left.", "CAF\u{c9} caf\u{e9} cafe\u{301}", "a\u{4e2d}b", "[SEP] [sep] [MASK]x", "", "zzz~"];
    for config in
        [None, Some(r#"{"do_lower_case": false}"#), Some(r#"{"strip_accents": false, "do_lower_case": true}"#)]
    {
        let sandbox = Sandbox::new();
        sandbox.remove("model/tokenizer.json");
        sandbox.write("model/vocab.txt", vocabulary());
        if let Some(config) = config {
            sandbox.write("model/tokenizer_config.json", config);
        }
        for source in ["model", "model/vocab.txt"] {
            let run = sandbox.ok(&format!("tokenizer {source} -o out/tokenizer.json"));
            assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{run}");
            let [own, written] = ["model/vocab.txt", "out/tokenizer.json"]
                .map(|path| TextTokenizer::from_file(sandbox.path(path)).unwrap());
            for text in texts {
                assert_eq!(own.encode(text, 64).unwrap(), written.encode(text, 64).unwrap(), "{text}");
                assert_eq!(own.encode((text, "he"), 64).unwrap(), written.encode((text, "he"), 64).unwrap(), "{text}");
            }
            sandbox.remove("out/tokenizer.json");
        }
        let run = sandbox.ok("quantize model --calibration pairs.tsv -o out/int8.onnx --preset fast");
        assert!(run.stderr.contains("bert8 tokenizer model/vocab.txt -o tokenizer.json"), "{run}");
    }
}

#[test]
fn a_tokenizer_is_copied() {
    let sandbox = Sandbox::new();
    sandbox.write("model/model.onnx", sandbox.read("fp32.onnx"));
    for source in ["model", "model/model.onnx", "model/tokenizer.json"] {
        sandbox.ok(&format!("tokenizer {source} -o out/{}.json", source.replace('/', "-")));
        assert_eq!(
            sandbox.read(&format!("out/{}.json", source.replace('/', "-"))),
            sandbox.read("model/tokenizer.json")
        );
    }
    sandbox.refused("tokenizer model -o model/tokenizer.json", &["it is an input"]);
}

#[test]
fn folders_without_a_tokenizer_that_bert8_reads_say_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.remove("model/tokenizer.json");
    sandbox.refused("tokenizer model -o out/t.json", &["no tokenizer.json in or beside the model"]);
    for name in ["vocab.json", "sentencepiece.bpe.model"] {
        sandbox.write(&format!("model/{name}"), "{}");
        let says = [&format!("model has {name}, but no tokenizer.json"), "from_pretrained(\"model\")"];
        sandbox.refused("tokenizer model -o out/t.json", &says);
        sandbox.refused("quantize model --calibration pairs.tsv -o out/x.onnx", &says);
        sandbox.remove(&format!("model/{name}"));
    }
    sandbox.write("model/vocab.txt", "a\nb\n");
    sandbox.refused("tokenizer model -o out/t.json", &["vocab.txt", "has no token `[UNK]`"]);
    sandbox.refused("tokenizer none.txt -o out/t.json", &["none.txt"]);
}
