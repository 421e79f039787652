//! Files of texts and pairs.

use super::super::checks::{self, FILE};
use bert8::task::Problem;
use bert8::text::dataset::{BadRows, Dataset};

const ENDINGS: [&str; 6] = ["tsv", "csv", "json", "jsonl", "txt", ""];

/// The first byte chooses the file's ending; the others are the file. What is read strictly must be read alike where bad rows
/// are left out.
pub fn pairs(data: &[u8]) {
    let Some((ending, bytes)) = data.split_first() else { return };
    let ending = ENDINGS[usize::from(*ending) % ENDINGS.len()];
    let name = format!("{FILE}.{ending}");
    let read = |bad_rows| Dataset::from_bytes(bytes, &name, bad_rows);
    let (strict, lenient) = (read(BadRows::Refuse), read(BadRows::Skip));
    if let Ok(strict) = &strict {
        let lenient = lenient.as_ref().expect("nothing is wrong with the rows");
        assert!(lenient.skipped.is_empty());
        assert_eq!(strict.examples, lenient.examples);
    }
    let labels: Vec<String> = ["no", "yes", "maybe"].map(String::from).to_vec();
    for data in [strict, lenient] {
        let mut data = match data {
            Ok(data) => data,
            Err(error) => {
                checks::error(&error);
                continue;
            }
        };
        assert!(data.examples.iter().all(|example| example.line > 0 && example.input().texts() == data.texts));
        for (problem, labels) in [(Problem::SingleLabel, &labels[..]), (Problem::Regression, &labels[..1])] {
            if let Err(error) = data.targets(problem, labels) {
                checks::error(&error);
            }
        }
    }
}
