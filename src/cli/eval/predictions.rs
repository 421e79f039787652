//! Each row's label, decision and logits, as JSON lines.

use super::Sample;
use anyhow::Result;
use bert8::metrics::{Run, Target};
use bert8::task::Problem;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Prediction<'a> {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a Target>,
    predicted: Target,
    logits: &'a [f32],
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_logits: Option<&'a [f32]>,
}

/// Returns one line of JSON per sample, in the order of the file.
pub fn predictions_jsonl(
    samples: &[Sample],
    (problem, threshold): (Problem, f32),
    found: &Run,
    reference: Option<&Run>,
) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for (at, (sample, logits)) in samples.iter().zip(&found.logits).enumerate() {
        let prediction = Prediction {
            line: sample.line,
            label: sample.target.as_ref(),
            predicted: Target::predicted(problem, threshold, logits),
            logits,
            baseline_logits: reference.map(|run| run.logits[at].as_slice()),
        };
        serde_json::to_writer(&mut lines, &prediction)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
