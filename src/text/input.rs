//! What a classifier reads: one text or a pair.

use crate::task::Texts;

/// One text, or a pair of texts.
///
/// ```
/// use bert8::text::TextInput;
///
/// assert_eq!(TextInput::from("rain").second, None);
/// assert_eq!(TextInput::from(("rain", "sun")).second, Some("sun"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextInput<'a> {
    /// The only text, or the first of a pair.
    pub first: &'a str,
    /// The second text of a pair.
    pub second: Option<&'a str>,
}

impl TextInput<'_> {
    /// Whether this is one text or a pair.
    pub fn texts(&self) -> Texts {
        if self.second.is_some() { Texts::Pair } else { Texts::Single }
    }
}

impl<'a> From<&TextInput<'a>> for TextInput<'a> {
    fn from(input: &TextInput<'a>) -> Self {
        *input
    }
}

impl<'a> From<&'a str> for TextInput<'a> {
    fn from(text: &'a str) -> Self {
        TextInput { first: text, second: None }
    }
}

impl<'a> From<&&'a str> for TextInput<'a> {
    fn from(text: &&'a str) -> Self {
        TextInput { first: text, second: None }
    }
}

impl<'a> From<&'a String> for TextInput<'a> {
    fn from(text: &'a String) -> Self {
        TextInput { first: text, second: None }
    }
}

impl<'a, S: AsRef<str>> From<&'a (S, S)> for TextInput<'a> {
    fn from((first, second): &'a (S, S)) -> Self {
        TextInput { first: first.as_ref(), second: Some(second.as_ref()) }
    }
}

impl<'a> From<(&'a str, &'a str)> for TextInput<'a> {
    fn from((first, second): (&'a str, &'a str)) -> Self {
        TextInput { first, second: Some(second) }
    }
}
