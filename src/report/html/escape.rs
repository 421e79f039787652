//! Escapes text from a report. All such text passes through here.

use crate::report::part::printable;

/// Escapes `text` for HTML text and quoted attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_is_left_that_markup_could_begin_with() {
        assert_eq!(escape("<b title=\"x\">&'\0"), "&lt;b title=&quot;x&quot;&gt;&amp;&#39;\u{fffd}");
    }
}
