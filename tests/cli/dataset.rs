//! The files of texts that once failed, with the right answers.

use crate::common::shared;
use bert8::metrics::Target;
use bert8::task::{Problem, Texts};
use bert8::text::dataset::{BadRows, Dataset};

/// Reads a file in `shared/cases/data`.
fn read(name: &str) -> Option<bert8::Result<Dataset>> {
    Some(Dataset::read(&shared(&format!("cases/data/{name}"))?, BadRows::Refuse))
}

#[test]
fn files_of_every_layout_are_read() {
    let classes = |ids: &[usize]| ids.iter().map(|&id| Some(Target::Class(id))).collect::<Vec<_>>();
    let scores = |scores: &[f64]| scores.iter().map(|&score| Some(Target::Score(score))).collect::<Vec<_>>();
    let (binary, inference) = (["no", "yes"].as_slice(), ["ENTAILMENT", "NEUTRAL", "CONTRADICTION"].as_slice());
    for (file, texts, labels, problem, targets) in [
        ("cola.tsv", Texts::Single, binary, Problem::SingleLabel, classes(&[1, 0])),
        ("sst2-single.tsv", Texts::Single, binary, Problem::SingleLabel, classes(&[1, 0])),
        ("qnli-glue.tsv", Texts::Pair, &["entailment", "not_entailment"], Problem::SingleLabel, classes(&[0, 1])),
        ("text_a-text_b.csv", Texts::Pair, binary, Problem::SingleLabel, classes(&[1, 0])),
        ("jsonl-texts-list.jsonl", Texts::Pair, binary, Problem::SingleLabel, classes(&[1])),
        ("stsb-glue.tsv", Texts::Pair, &["score"], Problem::Regression, scores(&[5.0, 2.4])),
        ("csv-float-label.csv", Texts::Pair, binary, Problem::SingleLabel, classes(&[1, 0])),
        ("jsonl-float-label.jsonl", Texts::Pair, binary, Problem::SingleLabel, classes(&[1, 0])),
        ("csv-bool-label.csv", Texts::Pair, binary, Problem::SingleLabel, classes(&[1, 0])),
        ("labels-plural.jsonl", Texts::Pair, binary, Problem::SingleLabel, classes(&[1])),
        ("mnli-case-labels.tsv", Texts::Pair, inference, Problem::SingleLabel, classes(&[1, 2])),
        ("ground-truth-neg-label.jsonl", Texts::Pair, binary, Problem::SingleLabel, vec![None]),
        ("hf-datasets-to_json.json", Texts::Pair, binary, Problem::SingleLabel, classes(&[1, 0])),
        ("json-array.json", Texts::Pair, binary, Problem::SingleLabel, classes(&[1, 0])),
        ("tsv-space-line.tsv", Texts::Pair, binary, Problem::SingleLabel, classes(&[1, 0])),
        ("tsv-trailing-tab-rows.tsv", Texts::Pair, binary, Problem::SingleLabel, classes(&[1, 0])),
    ] {
        let Some(data) = read(file) else { return };
        let mut data = data.unwrap_or_else(|e| panic!("{}", e.with_sources()));
        assert_eq!(data.texts, texts, "{file}");
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        assert_eq!(data.targets(problem, &labels).unwrap(), targets, "{file}");
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    for (file, says) in [
        ("utf16.tsv", "utf16.tsv: is UTF-16; save it as UTF-8"),
        ("no-header.tsv", "the header is missing: add a first line"),
        ("tsv-bare-cr.tsv", "tsv-bare-cr.tsv, line 2: has a carriage return (CR) inside"),
    ] {
        let Some(data) = read(file) else { return };
        let error = data.unwrap_err().to_string();
        assert!(error.contains(says) && error.lines().count() == 1, "{error}");
    }
}
