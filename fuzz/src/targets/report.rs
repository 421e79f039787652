//! report.json.

use bert8::quantize::Report;

/// The bytes of a report. What is read and written again is the same report, and it can be shown.
pub fn report(data: &[u8]) {
    let Ok(report) = serde_json::from_slice::<Report>(data) else { return };
    let written = serde_json::to_string(&report).expect("a report can be written");
    let again: Report = serde_json::from_str(&written).expect("what was written is a report");
    assert_eq!(serde_json::to_string(&again).expect("a report can be written"), written);
    assert!(!bert8::report::summary(&report).is_empty());
    // Text of a report is escaped, so no element begins in it.
    assert_eq!(bert8::report::page(&report, "report.json").matches("<script").count(), 0);
}
