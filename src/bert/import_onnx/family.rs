//! Names the architecture of a model that is none of the supported ones.

use super::layers::Parts;
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::onnx::pb;

/// What is supported.
const SUPPORTED: &str = "supported: BERT, DistilBERT, RoBERTa (CamemBERT, XLM-RoBERTa) and ELECTRA";

/// Other encoders: a word in the names of their exports, their name, and what they would need.
const FAMILIES: [(&str, &str, &str); 19] = [
    ("albert", "ALBERT", ALBERT_NEEDS),
    ("deberta", "DeBERTa", "attention with relative positions"),
    ("mpnet", "MPNet", "attention with a bias for relative positions"),
    ("modernbert", "ModernBERT", MODERN_NEEDS),
    ("Wqkv", "ModernBERT", MODERN_NEEDS),
    ("mobilebert", "MobileBERT", "bottlenecks around its layers"),
    ("squeezebert", "SqueezeBERT", "grouped convolutions"),
    ("longformer", "Longformer", "attention in windows"),
    ("big_bird", "BigBird", "sparse attention"),
    ("xlnet", "XLNet", XLNET_NEEDS),
    ("rel_attn", "XLNet", XLNET_NEEDS),
    ("ernie", "ERNIE", "embeddings of tasks"),
    ("layoutlm", "LayoutLM", "embeddings of places on a page"),
    ("funnel", "Funnel Transformer", "layers that pool tokens"),
    ("fnet", "FNet", "Fourier transforms"),
    ("convbert", "ConvBERT", "convolutions"),
    ("nystromformer", "Nyströmformer", "approximate attention"),
    ("t5", "T5", "a decoder"),
    ("bart", "BART", "a decoder"),
];
const ALBERT_NEEDS: &str = "layers that share one set of weights";
const MODERN_NEEDS: &str = "rotary positions and gated feed-forward blocks";
const XLNET_NEEDS: &str = "attention with relative positions";

/// Replaces an error by one that names the architecture, if names in `model` show that it is not a supported one.
pub fn explain<T>(result: Result<T>, model: &pb::ModelProto, file_name: &str) -> Result<T> {
    let named = || model.graph.as_ref().and_then(named);
    match result {
        Err(error) => Err(named().map_or(error, |(name, family, needs)| {
            let problem = format!(
                "is no BERT but a model of the family {family}, as the name `{name}` in it shows, which would need {needs}; \
                 {SUPPORTED}"
            );
            Error::file(file_name, problem)
        })),
        done => done,
    }
}

/// Refuses an ALBERT: behind the projection of its embeddings, all layers have the same weights.
pub fn refuse_shared_layers(found: &Parts, weights: &Weights, file_name: &str) -> Result<()> {
    let layers = found.layers.len();
    let query = |layer: usize| weights.values(&format!("encoder.layer.{layer}.attention.self.query.weight"));
    if found.project.is_none() || layers == 1 || (1..layers).any(|layer| query(layer) != query(0)) {
        return Ok(());
    }
    let problem = format!("is an ALBERT: its {layers} layers are one. It would need {ALBERT_NEEDS}; {SUPPORTED}");
    Err(Error::file(file_name, problem))
}

/// The first name in `graph` that contains the word of a family, the family, and what it would need.
fn named(graph: &pb::GraphProto) -> Option<(&str, &'static str, &'static str)> {
    let names = graph.initializer.iter().map(|tensor| &tensor.name).chain(graph.node.iter().map(|node| &node.name));
    names.into_iter().find_map(|name| {
        // Some words have an underscore in them.
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let mut words = words.chain(name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        let family = words.find_map(|word| FAMILIES.iter().find(|(known, ..)| word.eq_ignore_ascii_case(known)));
        family.map(|(_, family, needs)| (name.as_str(), *family, *needs))
    })
}
