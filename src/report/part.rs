//! Parses the names of a model's parts: `encoder.layer.3.attention.self.query` is the query of layer 3.

use std::collections::HashMap;

/// The kinds of parts with a title, in the order of the computation.
const KINDS: [(&str, &str); 11] = [
    ("embeddings.LayerNorm", "Embeddings"),
    ("attention.self.query", "Query"),
    ("attention.self.key", "Key"),
    ("attention.self.value", "Value"),
    ("attention.self.context", "Attention context"),
    ("attention.output.dense", "Attention output"),
    ("attention.output.LayerNorm", "Attention result"),
    ("intermediate.dense", "Feed-forward 1"),
    ("intermediate.activation", "Feed-forward activation"),
    ("output.dense", "Feed-forward 2"),
    ("output.LayerNorm", "Layer result"),
];

/// The parts of one kind.
#[derive(Debug)]
pub struct Kind<'a, T> {
    /// Their name without the layer.
    pub name: &'a str,
    /// The title, or the name if there is no title.
    pub title: &'a str,
    /// Layer, index in the report, and item, in the order of layers.
    pub items: Vec<(Option<u32>, usize, &'a T)>,
}

/// Splits a name into its layer, if any, and the rest.
pub fn layer_and_kind(name: &str) -> (Option<u32>, &str) {
    let Some(rest) = name.strip_prefix("encoder.layer.") else { return (None, name) };
    match rest.split_once('.').and_then(|(layer, kind)| Some((layer.parse().ok()?, kind))) {
        Some((layer, kind)) => (Some(layer), kind),
        None => (None, name),
    }
}

/// Formats a name in words: "layer 3, attention.self.query".
pub fn in_words(name: &str) -> String {
    match layer_and_kind(name) {
        (Some(layer), kind) => format!("layer {layer}, {kind}"),
        (None, kind) => kind.to_owned(),
    }
}

/// Groups `items` by kind.
pub fn by_kind<'a, T>(items: &'a [T], name: impl Fn(&'a T) -> &'a str) -> Vec<Kind<'a, T>> {
    let mut kinds: Vec<Kind<T>> = Vec::new();
    let mut places = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        let (layer, kind) = layer_and_kind(name(item));
        let place = *places.entry(kind).or_insert_with(|| {
            let title = KINDS.iter().find(|(known, _)| *known == kind).map_or(kind, |(_, title)| title);
            kinds.push(Kind { name: kind, title, items: Vec::new() });
            kinds.len() - 1
        });
        kinds[place].items.push((layer, at, item));
    }
    kinds.sort_by_key(|kind| KINDS.iter().position(|(known, _)| *known == kind.name).unwrap_or(KINDS.len()));
    for kind in &mut kinds {
        kind.items.sort_by_key(|(layer, ..)| *layer);
    }
    kinds
}

/// Replaces control characters, which a terminal could obey and HTML does not allow.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_layer_and_kind() {
        assert_eq!(layer_and_kind("encoder.layer.10.output.dense"), (Some(10), "output.dense"));
        for name in ["embeddings.LayerNorm", "encoder.layer.x.y", "encoder.layer.99999999999.y", "encoder.layer.3", ""]
        {
            assert_eq!(layer_and_kind(name), (None, name));
        }
    }

    #[test]
    fn kinds_and_layers_are_in_order() {
        let names = ["other", "encoder.layer.10.output.dense", "encoder.layer.9.output.dense", "embeddings.LayerNorm"];
        let kinds = by_kind(&names, |name| name);
        let layers = |at: usize| kinds[at].items.iter().map(|(layer, at, _)| (*layer, *at)).collect::<Vec<_>>();
        assert_eq!(kinds.iter().map(|kind| kind.title).collect::<Vec<_>>(), ["Embeddings", "Feed-forward 2", "other"]);
        assert_eq!(layers(1), [(Some(9), 2), (Some(10), 1)]);
        assert_eq!(layers(2), [(None, 0)]);
    }
}
