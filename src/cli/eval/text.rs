//! The results as text.

use anyhow::Result;
use bert8::metrics::{Answers, Evaluation, Interval, Measured, Metric, Run};
use bert8::report::printable;
use bert8::task::Texts;

/// Prints the `results` of a model with these `labels`.
pub fn print(results: &Evaluation, labels: &[String]) -> Result<()> {
    let unlabelled = match results.rows() - results.labelled() {
        0 => String::new(),
        rows if rows == results.rows() => ", none of them with a label".to_owned(),
        rows => format!(", {rows} of them without a label"),
    };
    let rows = if results.texts == Texts::Pair { "pairs" } else { "texts" };
    say!("{} {rows}{unlabelled}", results.rows());
    let title = |metric: Metric| match (metric, labels.get(1)) {
        (Metric::F1, Some(name)) => format!("F1 of class 1 ({})", printable(name)),
        _ => metric.title().to_owned(),
    };
    let width = results.measured.iter().map(|found| title(found.metric).chars().count()).max().unwrap_or(0);
    if results.measured.iter().any(|found| found.baseline.is_some()) {
        say!("{:width$}  {:23}  {:23}  difference", "", "model", "baseline");
    }
    for Measured { metric, value, interval, baseline } in &results.measured {
        let (title, ours) = (title(*metric), with_interval(*value, interval));
        match baseline {
            None => say!("{title:width$}  {ours}"),
            Some((theirs, their_interval, change)) => say!(
                "{title:width$}  {ours:23}  {:23}  {:+.4} [{:+.4}, {:+.4}]",
                with_interval(*theirs, their_interval),
                value - theirs,
                change.low,
                change.high
            ),
        }
    }
    if let Some(confusion) = results.answers.as_ref().and_then(Answers::confusion).filter(|_| labels.len() > 2) {
        say!("{}", confusion_table(confusion.rows(), labels));
    }
    if let Some((difference, agreement)) = &results.difference {
        if let (Some(share), Some(flips), Some(interval)) = (difference.agreement, difference.flips, agreement) {
            say!(
                "agreement {:.2} % [{:.2}, {:.2}] ({flips} {})",
                share * 100.0,
                interval.low * 100.0,
                interval.high * 100.0,
                if flips == 1 { "flip" } else { "flips" }
            );
        }
        let sqnr = difference.sqnr_db.map_or("no noise".to_owned(), |db| format!("{db:.1} dB"));
        let ranks = difference.rank_correlation.map_or("none".to_owned(), |rank| format!("{rank:.4}"));
        say!(
            "logit difference at most {:.4}, RMS {:.4}; SQNR {sqnr}, rank correlation {ranks}",
            difference.logit_max,
            difference.logit_rmse
        );
    }
    let speed = |run: &Run| format!("{:.1} {rows}/s", run.rows_per_second);
    match results.reference {
        Some(reference) => say!("{}, baseline {}", speed(results.found), speed(reference)),
        None => say!("{}", speed(results.found)),
    }
    Ok(())
}

fn with_interval(value: f64, interval: &Interval) -> String {
    format!("{value:.4} [{:.4}, {:.4}]", interval.low, interval.high)
}

/// Shows at most this many classes of a confusion matrix.
const MOST_CLASSES: usize = 20;

/// Formats a confusion matrix, one label a line.
fn confusion_table(rows: &[Vec<usize>], labels: &[String]) -> String {
    if rows.len() > MOST_CLASSES {
        return format!("the confusion matrix of {} classes is in --json", rows.len());
    }
    let width = rows.iter().flatten().max().map_or(1, |most| most.to_string().len()).max(3);
    let name = |id: usize| printable(&labels[id]).chars().take(30).collect::<String>();
    let names = (0..rows.len()).map(|id| name(id).chars().count()).max().unwrap_or(0).max(5);
    let ids: Vec<String> = (0..rows.len()).map(|id| format!("{id:>width$}")).collect();
    let mut lines = vec![format!("{:<names$}  predicted as {}", "label", ids.join(" "))];
    for (id, row) in rows.iter().enumerate() {
        let counts: Vec<String> = row.iter().map(|count| format!("{count:>width$}")).collect();
        lines.push(format!("{:<names$}  {id:>12} {}", name(id), counts.join(" ")));
    }
    lines.join("\n")
}
