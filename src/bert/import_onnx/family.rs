//! Names the architecture of a model that is not a BERT.

use crate::error::{Error, Result};
use crate::onnx::pb;

/// Other encoders, by the word in the names of their exports. CamemBERT and XLM-RoBERTa use `roberta`.
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

/// Replaces an error by one that names the architecture, if names in `model` show that it is another than BERT.
pub fn explain<T>(result: Result<T>, model: &pb::ModelProto, file_name: &str) -> Result<T> {
    let named = || model.graph.as_ref().and_then(named);
    match result {
        Err(error) => Err(named().map_or(error, |(name, family)| {
            let problem = format!("is no BERT but a model of the family {family}, as the name `{name}` in it shows");
            Error::file(file_name, problem)
        })),
        done => done,
    }
}

/// The first name in `graph` that contains the word of a family, and the family.
fn named(graph: &pb::GraphProto) -> Option<(&str, &'static str)> {
    let names = graph.initializer.iter().map(|tensor| &tensor.name).chain(graph.node.iter().map(|node| &node.name));
    names.into_iter().find_map(|name| {
        let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let family = words.find_map(|word| FAMILIES.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)));
        family.map(|(_, family)| (name.as_str(), *family))
    })
}
