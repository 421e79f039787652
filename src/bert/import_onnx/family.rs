//! Naming what a file holds that is no BERT.

use crate::error::{Error, Result};
use crate::onnx::pb;

/// Other encoders by the word that their exports' names carry. CamemBERT and XLM-RoBERTa call themselves `roberta`.
const FAMILIES: [(&str, &str); 12] = [
    ("distilbert", "DistilBERT"),
    ("roberta", "RoBERTa"),
    ("albert", "ALBERT"),
    ("electra", "ELECTRA"),
    ("deberta", "DeBERTa"),
    ("mpnet", "MPNet"),
    ("mobilebert", "MobileBERT"),
    ("squeezebert", "SqueezeBERT"),
    ("longformer", "Longformer"),
    ("xlnet", "XLNet"),
    ("ernie", "ERNIE"),
    ("layoutlm", "LayoutLM"),
];

/// Where `result` is an error and the names in `model` tell of another architecture, says that and which one.
pub fn explain<T>(result: Result<T>, model: &pb::ModelProto, file: &str) -> Result<T> {
    let named = || model.graph.as_ref().and_then(named);
    match result {
        Err(error) => Err(named().map_or(error, |(name, family)| {
            let problem = format!("is no BERT but a model of the family {family}, as its `{name}` tells");
            Error::file(file, problem)
        })),
        done => done,
    }
}

/// The first name in `graph` with a family's word in it.
fn named(graph: &pb::GraphProto) -> Option<(&str, &'static str)> {
    let names = graph.initializer.iter().map(|tensor| &tensor.name).chain(graph.node.iter().map(|node| &node.name));
    names.into_iter().find_map(|name| {
        let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let family = words.find_map(|word| FAMILIES.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)));
        family.map(|(_, family)| (name.as_str(), *family))
    })
}
