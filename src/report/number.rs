//! Formats numbers for people. Every result is short and needs no escaping in HTML.

/// Formats `value` with this many decimals. Large values get a power of ten, NaN a dash.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    let text = if value.abs() < 1e6 { format!("{value:.decimals$}") } else { format!("{value:.2e}") };
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// Formats `value` with three significant digits.
pub fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return fixed(value, 0);
    }
    let text = format!("{value:.2e}");
    match text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()) {
        Some(exponent @ -3..=5) => fixed(value, (2i32 - exponent).max(0) as usize),
        _ => text.replace('-', "−"),
    }
}

/// Formats decibels; `None` means no noise.
pub fn decibels(value: Option<f64>) -> String {
    value.map_or("no noise".to_owned(), |db| fixed(db, 1))
}

/// Formats decibels with their unit.
pub fn in_decibels(value: Option<f64>) -> String {
    value.map_or("no noise".to_owned(), |db| format!("{} dB", fixed(db, 1)))
}

/// Formats a difference with its sign.
pub fn signed(value: f64) -> String {
    let text = fixed(value, 2);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// Formats a difference with its sign and three significant digits.
pub fn signed_significant(value: f64) -> String {
    let text = significant(value);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// Formats a share of 1 in percent.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 0.0 && percent < 0.001 => "< 0.001 %".to_owned(),
        percent if percent.abs() < 1.0 && percent != 0.0 => format!("{} %", fixed(percent, 3)),
        percent => format!("{} %", fixed(percent, 1)),
    }
}

/// Formats a whole number with commas between thousands.
pub fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number of bytes.
pub fn bytes(value: usize) -> String {
    match value as f64 {
        bytes if bytes < 1e3 => format!("{bytes} B"),
        bytes if bytes < 1e6 => format!("{} kB", fixed(bytes / 1e3, 1)),
        bytes => format!("{} MB", fixed(bytes / 1e6, 1)),
    }
}

/// Formats a count with its noun: "1 pair", "2 pairs".
pub fn counted(value: usize, what: &str) -> String {
    format!("{} {what}{}", count(value), if value == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (0.007834983, "0.00783"),
            (0.9979, "0.998"),
            (0.99999994, "1.00"),
            (-8.364753, "−8.36"),
            (123.456, "123"),
            (3.07e-5, "3.07e−5"),
            (-1e300, "−1.00e300"),
            (f64::INFINITY, "∞"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(significant(value), expected);
        }
        assert_eq!([signed(0.004), signed(-0.004), signed(-0.17), signed(7.25)], ["+0.00", "0.00", "−0.17", "+7.25"]);
        assert_eq!(
            [percent(0.0), percent(4e-6), percent(1.5e-4), percent(0.26)],
            ["0.0 %", "< 0.001 %", "0.015 %", "26.0 %"]
        );
        assert_eq!([count(7), count(1000), count(1_234_567)], ["7", "1,000", "1,234,567"]);
        assert_eq!([bytes(12), bytes(1_200), bytes(23_678_501)], ["12 B", "1.2 kB", "23.7 MB"]);
    }
}
