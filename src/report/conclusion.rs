//! What follows from a report: whether to use the file, why, and what to do next.

use super::facts::compared_on;
use super::number::{bytes, count, counted, fixed, in_decibels, percent, significant};
use crate::metrics::share_interval;
use crate::quantize::{CalibrationResult, Report, TextMargins};

/// From this signal to noise ratio of the logits on, in decibels, answers hardly change: noise is 3 % of the signal.
const GOOD_DB: f64 = 30.0;
/// From this agreement with FP32 on, answers hardly change.
const GOOD_AGREEMENT: f64 = 0.99;

/// Whether to use an INT8 file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It answers like FP32.
    Good,
    /// Someone should look at what changed.
    Doubtful,
    /// It should not be used.
    Bad,
    /// It was not compared with FP32.
    Unknown,
}

/// What follows from a report.
#[derive(Debug)]
pub struct Conclusion {
    pub verdict: Verdict,
    /// The verdict in one sentence.
    pub headline: &'static str,
    /// The reasons, one sentence each.
    pub reasons: Vec<String>,
    /// One line that sums up the file, for a model card or a pull request.
    pub line: String,
    /// What to do next: why, and the command line that does it.
    pub next: (String, String),
}

/// Draws the conclusion from `report`.
pub fn conclusion(report: &Report) -> Conclusion {
    let verdict = verdict(report);
    let headline = match verdict {
        Verdict::Good => "Use it: INT8 answers like FP32.",
        Verdict::Doubtful => "Look before you use it: INT8 mostly answers like FP32, but not always.",
        Verdict::Bad => "Do not use it: INT8 answers unlike FP32.",
        Verdict::Unknown => "Measure before you use it: INT8 was not compared with FP32.",
    };
    Conclusion { verdict, headline, reasons: reasons(report), line: line(report), next: next(report, verdict) }
}

fn verdict(report: &Report) -> Verdict {
    let Some(check) = &report.check else { return Verdict::Unknown };
    if check.problem().is_some() {
        return Verdict::Bad;
    }
    let found = &check.difference;
    let quiet = found.sqnr_db.is_none_or(|db| db >= GOOD_DB);
    let agrees = found.agreement.is_none_or(|share| share >= GOOD_AGREEMENT);
    if quiet && agrees && report.warnings.is_empty() { Verdict::Good } else { Verdict::Doubtful }
}

fn reasons(report: &Report) -> Vec<String> {
    let mut reasons = Vec::new();
    match &report.check {
        Some(check) => reasons.extend(compared(check)),
        None => reasons.push("The report has no comparison with FP32; bert8 quantize makes one.".to_owned()),
    }
    if let Some(found) = &report.control {
        reasons.push(format!(
            "{} on {}: {} in this file, {} in FP32.",
            found.metric.title(),
            counted(found.pairs, "labelled text"),
            fixed(found.result.value, 4),
            fixed(found.fp32.value, 4)
        ));
    }
    let sizes = report.sizes;
    reasons.push(format!(
        "The file has {}, {} of FP32's {}.",
        bytes(sizes.int8_bytes),
        percent(sizes.ratio),
        bytes(sizes.fp32_bytes)
    ));
    reasons.extend(report.warnings.iter().map(|warning| format!("Warning: {warning}.")));
    reasons
}

/// Says how INT8 compares with FP32.
fn compared(check: &CalibrationResult) -> Vec<String> {
    let found = &check.difference;
    let mut reasons = Vec::new();
    if let Some(flips) = found.flips {
        let interval = share_interval(flips, check.texts);
        let decides = match flips {
            0 => "INT8 decides as FP32 on every one".to_owned(),
            flips => format!("INT8 decides otherwise than FP32 on {}", count(flips)),
        };
        let bounds = match flips {
            0 => format!("up to {}", percent(interval.high)),
            _ => format!("{} to {}", percent(interval.low), percent(interval.high)),
        };
        reasons.push(format!(
            "Of {}, {decides}. Of all such texts, {bounds} may flip (95 % confidence).",
            compared_on(check)
        ));
    }
    reasons.push(format!(
        "The logits have an SQNR of {}; the largest difference of a logit is {}.",
        in_decibels(found.sqnr_db),
        significant(found.logit_max)
    ));
    if let Some((change, at_risk)) = at_risk(&check.margins) {
        let (change, texts) = (significant(change), counted(check.margins.len(), "text"));
        reasons.push(match at_risk {
            0 => format!("INT8 changed margins by {change} at most, less than FP32's own margin on any of {texts}."),
            some => format!(
                "INT8 changed margins by {change} at most. FP32's own margin is smaller than that on {} of {texts}: such \
                 texts can flip.",
                count(some)
            ),
        });
    }
    if !check.held_back {
        reasons.push("Calibration saw these texts, so other texts may do worse.".to_owned());
    }
    reasons
}

/// Returns the largest change of a margin, and the number of texts whose margin in FP32 is smaller; `None` without margins.
pub fn at_risk(margins: &[TextMargins]) -> Option<(f64, usize)> {
    let change = margins.iter().map(|text| (text.int8 - text.fp32).abs()).reduce(f64::max)?;
    Some((change, margins.iter().filter(|text| text.fp32 < change).count()))
}

fn line(report: &Report) -> String {
    let made = match &report.provenance {
        Some(from) => format!("{}: INT8 by bert8 {}, preset {}", from.model, from.version, from.preset),
        None => "INT8 by bert8".to_owned(),
    };
    let mut parts = vec![made];
    parts.push(format!("{} ({} of FP32)", bytes(report.sizes.int8_bytes), percent(report.sizes.ratio)));
    if let Some(check) = &report.check {
        parts.push(format!("SQNR {}", in_decibels(check.difference.sqnr_db)));
        if let (Some(share), Some(flips)) = (check.difference.agreement, check.difference.flips) {
            parts.push(format!(
                "agreement with FP32 {} ({} of {} flip)",
                percent(share),
                count(flips),
                count(check.texts)
            ));
        }
        parts.push(format!("on {}", compared_on(check)));
    }
    parts.join(", ")
}

fn next(report: &Report, verdict: Verdict) -> (String, String) {
    let command = report.provenance.as_ref().and_then(|from| from.command.as_deref()).unwrap_or("bert8 quantize …");
    let Some(found) = &report.sensitivity else {
        let why = "To learn which part does the damage and what it costs to keep it in FP32, measure every part:";
        return (why.to_owned(), format!("{command} --sensitivity"));
    };
    match &found.best_ignored {
        Some(part) => {
            let need = if verdict == Verdict::Good { "Nothing has to change. To come closer still" } else { "To come closer" };
            let why = format!(
                "{need} to FP32, keep the part in FP32 that helps most: SQNR {} instead of {}, {} more, and slower, since FP32 \
                 layers take up to four times as long:",
                in_decibels(part.sqnr_db),
                in_decibels(found.sqnr_db),
                bytes(part.added_bytes)
            );
            (why, format!("{command} --ignore '{}'", part.pattern))
        }
        None if verdict == Verdict::Good => {
            ("Nothing has to change. To measure the file on your own labelled texts:".to_owned(), eval(report))
        }
        None => (
            "No single part helps if it stays in FP32. Calibrate on more texts that resemble real inputs, or let bert8 choose \
             the parts by a metric:"
                .to_owned(),
            format!("{command} --max-drop 0.002 --data labelled.tsv"),
        ),
    }
}

fn eval(report: &Report) -> String {
    let file = report.provenance.as_ref().map_or("int8.onnx", |from| &from.output.name);
    format!("bert8 eval {file} --data labelled.tsv --baseline fp32.onnx")
}
