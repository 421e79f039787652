//! The activations with the largest outliers.

use super::how_to_read;
use super::table::{Cell, Table};
use crate::quantize::{ActivationReport, ChannelMagnitude};
use crate::report::number::{count, fixed, significant};

/// How many activations are listed.
const SHOWN: usize = 12;

/// Returns the table of the activations whose largest channel stands out most, or nothing if the report has none.
pub fn table(activations: &[ActivationReport]) -> String {
    let mut worst: Vec<&ActivationReport> =
        activations.iter().filter(|activation| !activation.outliers.largest.is_empty()).collect();
    if worst.is_empty() {
        return String::new();
    }
    worst.sort_by(|a, b| b.outliers.ratio.total_cmp(&a.outliers.ratio));
    let channel =
        |found: &ChannelMagnitude| format!("{}: {}", count(found.channel), significant(found.magnitude.into()));
    let rows = worst.into_iter().take(SHOWN).map(|activation| {
        let found = &activation.outliers;
        vec![
            Cell::Text(activation.name.clone()),
            Cell::Number(fixed(found.ratio.into(), 1)),
            Cell::Number(fixed(found.smoothed_ratio.into(), 1)),
            Cell::Number(significant(found.median.into())),
            Cell::Text(found.largest.iter().map(channel).collect::<Vec<_>>().join(", ")),
        ]
    });
    let html = Table {
        id: "outlier-table",
        caption: "Outliers: the largest magnitude of a channel beside the median channel's, the most extreme activations first",
        columns: &["Activation", "Largest / median", "After smoothing", "Median channel", "Largest channels"],
        rows: rows.collect(),
    }
    .html();
    let intro = "A channel far larger than the others stretches the range of the whole activation. Smoothing and shift should \
                 bring it back to the others; where it does not, the activation's part is the first to try in FP32.";
    format!("<h3>Outliers</h3>\n{}{html}", how_to_read(intro))
}
