use super::*;

fn parse(name: &str, content: impl AsRef<[u8]>) -> Result<Dataset> {
    parse_with(name, content, BadRows::Refuse)
}

fn parse_with(name: &str, content: impl AsRef<[u8]>, bad_rows: BadRows) -> Result<Dataset> {
    Dataset::from_bytes(content.as_ref(), name, bad_rows)
}

/// The rows as `(first, second, label)`.
fn rows(name: &str, content: impl AsRef<[u8]>) -> Vec<(String, Option<String>, Option<Label>)> {
    let data = parse(name, content).unwrap_or_else(|e| panic!("{}", e.with_sources()));
    data.examples.into_iter().map(|row| (row.first, row.second, row.label)).collect()
}

fn single(text: &str, label: &str) -> (String, Option<String>, Option<Label>) {
    (text.to_owned(), None, Some(Label::One(label.to_owned())))
}

fn pair(first: &str, second: &str, label: &str) -> (String, Option<String>, Option<Label>) {
    (first.to_owned(), Some(second.to_owned()), Some(Label::One(label.to_owned())))
}

fn error(name: &str, content: impl AsRef<[u8]>) -> String {
    parse(name, content).unwrap_err().with_sources()
}

fn names(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| (*label).to_owned()).collect()
}

/// The target of one label.
fn target(label: Label, problem: Problem, labels: &[&str]) -> Result<Option<Target>> {
    let row = Example { line: 7, first: String::new(), second: None, label: Some(label) };
    row.target(problem, &names(labels), "f")
}

fn class(label: &str, labels: &[&str]) -> Option<usize> {
    match target(Label::One(label.into()), Problem::SingleLabel, labels).unwrap_or_else(|e| panic!("{e}")) {
        Some(Target::Class(id)) => Some(id),
        None => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_glue_task_is_read() {
    assert_eq!(
        rows("cola.tsv", "src1\t1\t\tThe boat left .\nsrc1\t0\t*\tThe chairs heavy.\n"),
        [single("The boat left .", "1"), single("The chairs heavy.", "0")]
    );
    let two = [pair("A", "B", "1"), pair("C", "D", "0")];
    for (name, content) in [
        ("hf-cola.csv", "sentence,label,idx\nA x,1,0\nC,0,1\n"),
        ("sst2.tsv", "sentence\tlabel\nA x\t1\nC\t0\n"),
        ("text.csv", "text,label\r\nA x,1\r\nC,0\r\n"),
        ("labels.csv", "labels,text\n1,\"A x\"\n0,C"),
        ("one.txt", "label\ttext\n1\tA x\n0\tC\n"),
    ] {
        assert_eq!(rows(name, content), [single("A x", "1"), single("C", "0")], "{name}");
    }
    for (name, content) in [
        ("mrpc.tsv", "\u{feff}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t7\t8\tA\tB\r\n0\t7\t8\tC\tD\r\n"),
        ("hf-mrpc.csv", "sentence1,sentence2,label,idx\nA,B,1,0\nC,D,0,1\n"),
        ("qqp.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n7\t8\t9\tA\tB\t1\n7\t8\t9\tC\tD\t0\n"),
        (
            "mnli.tsv",
            "index\tsentence1_binary_parse\tsentence1\tsentence2\tlabel1\tgold_label\n0\t( A )\tA\tB\t0\t1\n1\tx\tC\tD\t1\t0\n",
        ),
        ("hf-mnli.tsv", "premise\thypothesis\tlabel\nA\tB\t1\nC\tD\t0\n"),
        ("qnli.tsv", "index\tquestion\tsentence\tlabel\n0\tA\tB\t1\n1\tC\tD\t0\n"),
        ("rte.tsv", "index\tsentence1\tsentence2\tlabel\n0\tA\tB\t1\n1\tC\tD\t0\n"),
        ("stsb.tsv", "index\tgenre\tsentence1\tsentence2\tscore\n0\tx\tA\tB\t1\n1\ty\tC\tD\t0\n"),
        ("text_a.csv", "text_a,text_b,label\nA,B,1\nC,D,0\n"),
        ("quoted.tsv", "\"Sentence 1\"\t\"Sentence-2\"\t\"Label\"\n\"A\"\t\"B\"\t1\n\"C\"\tD\t0\n"),
        ("camel.csv", "textA,textB,label\nA,B,1\nC,D,0\n"),
        ("semicolon.csv", "Sentence1;Sentence2;Label\nA;B;1\nC;D;0\n"),
        ("comma.tsv", "sentence1,sentence2,label\nA,B,1\nC,D,0\n"),
        ("tab.csv", "sentence1\tsentence2\tlabel\nA\tB\t1\nC\tD\t0\n"),
        ("list.jsonl", "{\"texts\":[\"A\",\"B\"],\"label\":1}\n{\"texts\":[\"C\",\"D\"],\"label\":0}\n"),
        (
            "reranker.jsonl",
            "{\"query\":\"A\",\"passage\":\"B\",\"score\":1}\n{\"query\":\"C\",\"passage\":\"D\",\"score\":0}",
        ),
    ] {
        assert_eq!(rows(name, content), two, "{name}");
    }
    // GLUE's hidden test sets.
    let test = parse("test.tsv", "index\tsentence\n0\tA\n").unwrap();
    assert_eq!((test.texts, test.examples[0].label.clone()), (Texts::Single, None));
}

#[test]
fn json_is_known_by_its_content() {
    let lines = "{\"sentence1\":\"A\",\"sentence2\":\"B\",\"label\":1,\"idx\":9}\n\n {\"Sentence1\":\"C\",\"sentence2\":\"D\",\"label\":0}\n";
    let array = "[{\"sentence1\":\"A\",\"sentence2\":\"B\",\"label\":1},\n {\"sentence1\":\"C\",\"sentence2\":\"D\",\"label\":0}\n]\n";
    for name in ["x.json", "x.jsonl", "x.tsv", "x.data", "x.txt"] {
        assert_eq!(rows(name, lines), [pair("A", "B", "1"), pair("C", "D", "0")], "{name}");
        assert_eq!(rows(name, array), [pair("A", "B", "1"), pair("C", "D", "0")], "{name}");
    }
    assert_eq!(parse("x.json", array).unwrap().examples[1].line, 2);
    let pretty = "[\n  {\n    \"text\": \"A, ] }\"\n  },\n  {\n    \"text\": 5\n  }\n]";
    assert!(
        error("x.json", pretty).starts_with("x.json, line 5: has no text `text`: it is 5"),
        "{}",
        error("x.json", pretty)
    );
    let data = parse_with("x.json", pretty, BadRows::Skip).unwrap();
    assert_eq!((data.examples[0].first.as_str(), data.examples[0].line, data.skipped.len()), ("A, ] }", 2, 1));
    for (content, says) in [
        ("[{\"text\":\"a\"}", "line 1: expected `,` or `]`"),
        ("[{\"text\":\"a\"},\n", "line 2: ends inside"),
        ("[\n{\"text\":\"a\"},\n{\"text\":]", "line 3: is not a JSON object"),
        ("[{\"text\":\"a\"}] x", "has text after the JSON array"),
        ("[]", "holds no rows"),
        ("[5]", "line 1: is not a JSON object"),
        ("{\n  \"text\": \"a\"\n}", "line 1: is not a JSON object; write one object a line"),
        ("{\"sentence1\":\"a\"}", "line 1: has `sentence1` but no text `sentence2`"),
        ("{\"words\":\"a\"}", "line 1: has no text: found \"words\". Accepted names: for one text sentence"),
        ("{\"texts\":[\"a\",\"b\",\"c\"]}", "expected a list of one or two texts"),
        ("{\"text\":\"a\",\"label\":{\"x\":1}}", "line 1: has the label {\"x\":1}"),
        (
            "{\"text\":\"a\"}\n{\"text\":\"a\",\"text_pair\":\"b\"}",
            "line 2: has a pair of texts, the first row has one text",
        ),
        ("{\"text\":\"a\"}\n\"text\"", "line 2: is not a JSON object"),
    ] {
        assert!(error("x.json", content).contains(says), "{content}: {}", error("x.json", content));
    }
    assert_eq!(rows("x.jsonl", "{\"text\":\"a\",\"text_pair\":null,\"label\":null}"), [("a".to_owned(), None, None)]);
}

#[test]
fn plain_text_has_one_text_a_line() {
    let data = parse("x.txt", "\u{feff}First, with a comma.\r\n\r\n  \nSecond\n").unwrap();
    let found: Vec<(usize, &str)> = data.examples.iter().map(|row| (row.line, row.first.as_str())).collect();
    assert_eq!(found, [(1, "First, with a comma."), (4, "Second")]);
    assert_eq!(data.texts, Texts::Single);
    assert!(error("x.txt", b"a\n\xff\n").contains("x.txt, line 2: is not UTF-8"));
}

#[test]
fn files_that_are_no_text_say_what_they_are() {
    let utf16 = |text: &str, little: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let text = "sentence1\tsentence2\nA\tB\n";
    for little in [true, false] {
        assert!(error("x.tsv", utf16(text, little)).contains("is UTF-16; save it as UTF-8"));
        assert!(error("x.tsv", utf16(&format!("\u{feff}{text}"), little)).contains("is UTF-16"));
    }
    assert!(error("x.csv", b"PK\x03\x04abc").contains("spreadsheet; export its rows"));
    assert!(error("x.csv", b"PAR1").contains("Parquet"));
    for empty in ["", "\u{feff}", "\r\n \n"] {
        assert!(error("x.jsonl", empty).contains("is empty"));
    }
}

#[test]
fn tsv_has_no_quotes_and_csv_has() {
    assert_eq!(
        rows("x.tsv", "label\tsentence1\tsentence2\n1\t\"A\" said so .\tSo said \"A .\n"),
        [pair("\"A\" said so .", "So said \"A .", "1")]
    );
    assert_eq!(
        rows("x.csv", "label,sentence1,sentence2\nyes,\"One, two\n\",\"a \"\"b\"\"\"\r\nno,\"\",x\"y\n"),
        [pair("One, two\n", "a \"b\"", "yes"), pair("", "x\"y", "no")]
    );
    assert_eq!(rows("x.csv", "sentence1,sentence2,label\na,b,\"1\"\r\n").len(), 1);
    for rest in ["1,a,\"b\n0,c,d\n1,e,f\n", "1,a,\"b\n0,c,d", "1,a,\"b \"\"c\"\"\n"] {
        let says = error("x.csv", format!("label,sentence1,sentence2\n{rest}"));
        assert!(says.contains("line 2: has a quote that is never closed"), "{says}");
    }
    assert!(error("x.csv", "text,label\n\"So\" he said,1\n").contains("line 2: has text after a closing quote"));
    // The rest of the file is not lost with the row.
    let content = "text,label\n\"a,1\nb,0\nc,1\n";
    let data = parse_with("x.csv", content, BadRows::Skip).unwrap();
    assert_eq!(data.examples.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn blank_lines_and_an_empty_last_column_do_not_matter() {
    let two = [pair("A x", "B", "1"), pair("C", "D", "0")];
    for content in [
        "sentence1\tsentence2\tlabel\nA x\tB\t1\n   \nC\tD\t0\n",
        "\nsentence1\tsentence2\tlabel\n\nA x\tB\t1\n\t\t\nC\tD\t0\n\n",
        "sentence1\tsentence2\tlabel\nA x\tB\t1\t\nC\tD\t0\t\n",
        "sentence1\tsentence2\tlabel\t\nA x\tB\t1\t\nC\tD\t0\n",
        "sentence1\tsentence2\tlabel\t\nA x\tB\t1\t7\nC\tD\t0\t\t\n",
        "sentence1\tsentence2\tlabel\r\nA x\tB\t1 \r\n\r\nC\tD\t0\r\n",
        "sentence1\tsentence2\tlabel\rA x\tB\t1\rC\tD\t0\r",
    ] {
        assert_eq!(rows("x.tsv", content), two, "{content:?}");
        let csv = content.replace('\t', ",");
        assert_eq!(rows("x.csv", csv.replace(",,\n", "\n")), two, "{csv:?}");
    }
    for (name, content) in [
        ("x.tsv", "sentence1\tsentence2\tlabel\nA \r x\tB\t1\n"),
        ("x.csv", "sentence1,sentence2,label\r\nA \r x,B,1\r\n"),
    ] {
        assert!(error(name, content).contains("line 2: has a carriage return (CR) inside"), "{}", error(name, content));
    }
    assert_eq!(rows("x.csv", "text\n\"a\rb\"\n")[0].0, "a\rb");
}

#[test]
fn a_missing_header_is_named() {
    for (name, content, says) in [
        ("x.tsv", "A x\tB .\t1\nC\tD .\t0\n", "the header is missing: add a first line"),
        ("x.csv", "This is a text,1\n", "such as `sentence`, `label`"),
        ("x.tsv", "one\ttwo\na\tb\n", "found \"one\", \"two\"; rename the columns of texts. Accepted names: "),
        ("x.tsv", "one\ttwo\na\tb\n", "premise and hypothesis"),
        ("x.tsv", "sentence1\tlabel\na\t1\n", "names `sentence1` but no column `sentence2`"),
        ("x.tsv", "text\tlabel\ttext\na\t1\tb\n", "two columns `text`"),
        ("x.tsv", "sentence1\tsentence2\n", "holds no rows"),
    ] {
        let found = error(name, content);
        assert!(found.contains(says) && found.lines().count() == 1, "{found}");
    }
    assert!(error("x.tsv", "one\ttwo\na\tb\n").starts_with("x.tsv, line 1: the header names no text columns"));
}

#[test]
fn bad_rows_name_the_line_or_are_left_out() {
    for (name, content, says) in [
        ("x.tsv", b"sentence1\tsentence2\na\tb\na\n" as &[u8], "line 3: has 1 columns, the header has 2"),
        ("x.tsv", b"sentence1\tsentence2\r\na\tb\r\n\r\na\r\n", "line 4: has 1 columns"),
        ("x.csv", b"sentence1,sentence2\n\"a\nb\",c\na\n", "line 4: has 1 columns"),
        ("x.tsv", b"sentence1\tsentence2\na\tb\na\t\xff\xfe\n", "line 3: is not UTF-8"),
        ("x.jsonl", b"{\"text\":\"a\"}\n{]\n", "line 2: is not a JSON"),
    ] {
        let found = error(name, content);
        assert!(found.contains(says), "{found}");
        let data = parse_with(name, content, BadRows::Skip).unwrap();
        assert_eq!((data.examples.len(), data.skipped.len()), (1, 1), "{name}");
        assert!(data.skipped[0].to_string().contains(says), "{}", data.skipped[0]);
    }
    let nothing = parse_with("x.tsv", "sentence1\tsentence2\na\n", BadRows::Skip).unwrap_err().with_sources();
    assert!(nothing.contains("holds no usable row: x.tsv, line 2"), "{nothing}");
    let mut data = parse_with("x.tsv", "text\tlabel\na\t1\nb\t7\nc\t0\n", BadRows::Skip).unwrap();
    let targets = data.targets(Problem::SingleLabel, &names(&["no", "yes"])).unwrap();
    assert_eq!(targets, [Some(Target::Class(1)), Some(Target::Class(0))]);
    assert_eq!((data.examples.len(), data.skipped.len()), (2, 1));
}

#[test]
fn classes_are_ids_and_names() {
    let labels = ["contradiction", "Neutral", "entailment"];
    for (label, id) in
        [("0", 0), ("2.0", 2), ("1.", 1), ("NEUTRAL", 1), (" neutral ", 1), ("ENTAILMENT", 2), ("Contradiction", 0)]
    {
        assert_eq!(class(label, &labels), Some(id), "{label}");
    }
    for unknown in ["-1", "-1.0", "-", ""] {
        assert_eq!(class(unknown, &labels), None, "{unknown}");
    }
    for (label, id) in [("True", 1), ("false", 0), ("TRUE", 1)] {
        assert_eq!(class(label, &["LABEL_0", "LABEL_1"]), Some(id));
        assert_eq!(class(label, &["true", "false"]), Some(1 - id), "names come first");
    }
    assert_eq!(class("-1", &["-1", "0"]), Some(0));
    assert_eq!(class("spam", &["Spam", "spam"]), Some(1));
    assert_eq!(class("1", &["0", "1"]), Some(1), "both are one class");
    assert_eq!(class("3", &["1", "2", "3"]), Some(2), "no id");
    for (label, labels, says) in [
        ("SPAM", &["Spam", "spam"] as &[&str], "may be the class Spam or spam"),
        ("1", &["1", "2"], "the id of the class 2 and the name of class 0"),
        ("2", &["no", "yes"], "the label `2` is not one of the model's: 0 (no), 1 (yes)"),
        ("0.5", &["no", "yes"], "`0.5`"),
        ("-2", &["no", "yes"], "`-2`"),
        ("True", &["a", "b", "c"], "`True`"),
        ("nan", &["a", "b"], "`nan`"),
    ] {
        let found = target(Label::One(label.into()), Problem::SingleLabel, labels).unwrap_err().to_string();
        assert!(found.starts_with("f, line 7: ") && found.contains(says), "{found}");
    }
    let list = Label::Many(vec!["yes".into(), "no".into()]);
    let found = target(list, Problem::SingleLabel, &["no", "yes"]).unwrap_err().to_string();
    assert!(found.contains("has 2 labels"), "{found}");
}

#[test]
fn sets_of_labels_are_lists_names_or_flags() {
    let labels = ["joy", "fear", "anger, or rage"];
    let set = |label: Label| match target(label, Problem::MultiLabel, &labels) {
        Ok(Some(Target::Labels(set))) => set.iter().map(|&applies| u8::from(applies)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let many = |items: &[&str]| Label::Many(names(items));
    for (label, expected) in [
        (many(&["joy", "FEAR"]), [1, 1, 0]),
        (many(&["2"]), [0, 0, 1]),
        (many(&["0", "2"]), [1, 0, 1]),
        (many(&[]), [0, 0, 0]),
        (many(&["0.0", "1.0", "1.0"]), [0, 1, 1]),
        (many(&["0", "1", "1"]), [0, 1, 1]),
        (many(&["true", "false", "false"]), [1, 0, 0]),
        (Label::One("joy,fear".into()), [1, 1, 0]),
        (Label::One("Joy; 1".into()), [1, 1, 0]),
        (Label::One("joy|fear".into()), [1, 1, 0]),
        (Label::One("anger, or rage".into()), [0, 0, 1]),
        (Label::One("".into()), [0, 0, 0]),
        (Label::One("1".into()), [0, 1, 0]),
        (Label::One("[]".into()), [0, 0, 0]),
        (Label::One("['joy', 'fear']".into()), [1, 1, 0]),
        (Label::One("[0 2]".into()), [1, 0, 1]),
        (Label::One("[0.0, 0.0, 1.0]".into()), [0, 0, 1]),
        (Label::One("['joy']".into()), [1, 0, 0]),
    ] {
        assert_eq!(set(label.clone()), expected, "{label:?}");
    }
    assert_eq!(target(Label::One("-1".into()), Problem::MultiLabel, &labels).unwrap(), None);
    for (label, labels, says) in [
        (many(&["0", "1"]), &["a", "b"] as &[&str], "write names, or 0.0 and 1.0"),
        (many(&["7"]), &labels, "the label `7` is not one of"),
        (Label::One("joy,sad".into()), &labels, "the label `sad`"),
        (Label::One("sad".into()), &labels, "the label `sad`"),
    ] {
        let found = target(label, Problem::MultiLabel, labels).unwrap_err().to_string();
        assert!(found.contains(says), "{found}");
    }
    for (label, applies) in [("1", true), ("0.0", false), ("False", false), ("Relevant", true)] {
        let found = target(Label::One(label.into()), Problem::MultiLabel, &["relevant"]).unwrap();
        assert_eq!(found, Some(Target::Labels(vec![applies])), "{label}");
    }
    assert!(target(Label::One("0.3".into()), Problem::MultiLabel, &["relevant"]).is_err());
}

#[test]
fn scores_are_numbers() {
    let score = |label: &str| target(Label::One(label.into()), Problem::Regression, &["score"]);
    assert_eq!(score("5.000").unwrap(), Some(Target::Score(5.0)));
    assert_eq!(score("-1").unwrap(), Some(Target::Score(-1.0)));
    assert_eq!(score("True").unwrap(), Some(Target::Score(1.0)));
    assert_eq!(score("").unwrap(), None);
    assert!(score("high").unwrap_err().to_string().contains("the label `high` is no number"));
    assert!(score("inf").is_err());

    let targets =
        |content: &str, problem| parse("x.tsv", content).unwrap().targets(problem, &names(&["score"])).unwrap();
    let hidden = "text\tlabel\na\t-1\nb\t-1.0\n";
    assert_eq!(targets(hidden, Problem::Regression), [None, None]);
    assert_eq!(targets("text\tlabel\na\t-1\nb\t2\n", Problem::Regression)[0], Some(Target::Score(-1.0)));
    // A model with one label that applies or not also ranks.
    assert_eq!(targets("text\tlabel\na\t0\nb\t0.7\n", Problem::MultiLabel)[1], Some(Target::Score(0.7)));
    assert_eq!(targets("text\tlabel\na\t0\nb\t1\n", Problem::MultiLabel)[1], Some(Target::Labels(vec![true])));
}

#[test]
fn a_model_reads_as_many_texts_as_a_row_has() {
    let data = parse("x.tsv", "label\ttext\n0\tA\n").unwrap();
    assert!(data.check_texts(None, "m.onnx").is_ok() && data.check_texts(Some(Texts::Single), "m.onnx").is_ok());
    let says = "m.onnx reads a pair of texts, but a row of x.tsv has one text (line 2)";
    assert_eq!(data.check_texts(Some(Texts::Pair), "m.onnx").unwrap_err().to_string(), says);
}

#[test]
fn every_row_says_whether_its_label_can_be_used() {
    let data = parse("x.tsv", "label\ttext\nyes\tA\nmaybe\tB\n-1\tC\n").unwrap();
    let labels = names(&["no", "yes"]);
    let mut targets = data.row_targets(Problem::SingleLabel, &labels);
    assert_eq!(targets.next().unwrap().unwrap(), Some(Target::Class(1)));
    let unknown = targets.next().unwrap().unwrap_err().to_string();
    assert!(unknown.starts_with("x.tsv, line 3: the label `maybe` is not one"), "{unknown}");
    assert_eq!(targets.next().unwrap().unwrap(), None);
    assert!(targets.next().is_none());
}
