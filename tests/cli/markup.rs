//! A parser for strict HTML: every element is closed, every attribute quoted, all text escaped.

use std::collections::HashSet;

/// An element of a page.
#[derive(Debug)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// The text of the element and its children, still escaped.
    pub text: String,
    /// The indices of the enclosing elements, outermost first.
    pub within: Vec<usize>,
}

/// All elements of a page, in order.
#[derive(Debug)]
pub struct Page {
    pub elements: Vec<Element>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl Page {
    /// Parses a page, which must be well-formed.
    pub fn new(html: &str) -> Self {
        let mut rest = html.strip_prefix("<!doctype html>\n").expect("a doctype");
        let (mut elements, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
        while let Some(at) = rest.find('<') {
            let text = &rest[..at];
            assert_escaped(text);
            open.iter().for_each(|&at| elements[at].text.push_str(text));
            rest = &rest[at + 1..];
            if let Some(closing) = rest.strip_prefix('/') {
                let (name, after) = closing.split_once('>').expect("a closed tag");
                let last = open.pop().unwrap_or_else(|| panic!("</{name}> closes nothing"));
                assert_eq!(elements[last].name, name, "closed instead");
                rest = after;
                continue;
            }
            let (element, closed, after) = opening(rest, &open);
            rest = after;
            if element.name == "style" {
                rest = &rest[rest.find("</style>").expect("an end of the style")..];
            }
            if !closed && !matches!(element.name.as_str(), "meta" | "wbr") {
                open.push(elements.len());
            }
            elements.push(element);
        }
        assert!(rest.trim().is_empty() && open.is_empty(), "not closed: {open:?} {rest}");
        Page { elements }
    }

    /// Returns the elements of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| element.name == name)
    }

    /// Returns the text of every element called `name` within the element of this id.
    pub fn texts_in<'a>(&'a self, id: &str, name: &'a str) -> Vec<&'a str> {
        let is_it = |&at: &usize| self.elements[at].attribute("id") == Some(id);
        self.all(name).filter(|element| element.within.iter().any(is_it)).map(|e| e.text.as_str()).collect()
    }

    /// Checks that the page needs no other files, that links and labels have targets, and that images have names.
    pub fn assert_sound(&self) {
        let ids: Vec<&str> = self.elements.iter().filter_map(|element| element.attribute("id")).collect();
        let known: HashSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "an id stands twice");
        for element in &self.elements {
            let name = element.name.as_str();
            let within = |outer: &str| element.within.iter().any(|&at| self.elements[at].name == outer);
            assert!(!matches!(name, "script" | "link" | "img" | "iframe" | "object" | "foreignObject"), "{element:?}");
            for (attribute, value) in &element.attributes {
                match attribute.as_str() {
                    "href" => assert!(value.strip_prefix('#').is_some_and(|id| known.contains(id)), "{element:?}"),
                    "aria-labelledby" => assert!(value.split(' ').all(|id| known.contains(id)), "{element:?}"),
                    "id" | "class" | "scope" | "role" | "content" | "name" | "aria-label" => {}
                    other => {
                        assert!(!other.starts_with("on") && other != "src", "{element:?}");
                        let numbers = !["NaN", "inf", "–", "∞"].iter().any(|no| value.contains(no));
                        assert!(numbers, "{element:?}");
                    }
                }
            }
            match name {
                "th" => assert!(element.attribute("scope") == Some("row") || !element.text.is_empty(), "{element:?}"),
                "svg" if !within("svg") => {
                    let named =
                        element.attribute("role") == Some("img") && element.attribute("aria-labelledby").is_some();
                    assert!(named || element.attribute("aria-hidden") == Some("true"), "{element:?}");
                }
                "tr" => assert!(within("table"), "{element:?}"),
                _ => {}
            }
        }
        assert_eq!(self.all("table").count(), self.all("caption").count());
        assert_eq!(self.all("h1").count(), 1);
    }
}

/// Parses the tag after `<`. Returns the element, whether it closes itself, and the remaining text.
fn opening<'a>(text: &'a str, open: &[usize]) -> (Element, bool, &'a str) {
    let end = text.find([' ', '>', '/']).expect("a closed tag");
    let (name, mut rest) = text.split_at(end);
    assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric()), "<{name}");
    let mut attributes = Vec::new();
    while let Some(attribute) = rest.strip_prefix(' ') {
        let (name, value) = attribute.split_once("=\"").expect("a quoted attribute");
        let (value, after) = value.split_once('"').expect("the end of an attribute");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !value.contains('<'), "{name}={value}");
        assert_escaped(value);
        attributes.push((name.to_owned(), value.to_owned()));
        rest = after;
    }
    let closed = rest.starts_with('/');
    let rest = rest.trim_start_matches('/').strip_prefix('>').unwrap_or_else(|| panic!("<{name} is not closed"));
    (Element { name: name.to_owned(), attributes, text: String::new(), within: open.to_vec() }, closed, rest)
}

fn assert_escaped(text: &str) {
    assert!(!text.contains('>') && !text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    for (at, _) in text.match_indices('&') {
        let entity = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"].iter().any(|entity| text[at..].starts_with(entity));
        assert!(entity, "{text}");
    }
}
