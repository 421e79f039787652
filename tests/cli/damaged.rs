//! ONNX files with a fault in every place in turn: some faults must be refused with one line that names the file, some must
//! not change the logits, and the others must be refused or end in finite logits.

use crate::tiny;
use bert8::model::Model;
use bert8::onnx::{decode_model, encode_model, pb};
use bert8::text::Tokens;
use pb::attribute_proto::AttributeType;
use pb::tensor_proto::DataType;

/// What a damaged file must lead to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// An error on loading or running.
    Refused,
    /// The logits of the whole file: the damage has no meaning.
    Unchanged,
    /// An error, or the logits of the whole file: a sequence without padding does not need what was damaged.
    RefusedOrUnchanged,
    /// An error, or finite logits: the damaged file may be a valid model.
    RefusedOrFinite,
}
use Outcome::{Refused, RefusedOrFinite, RefusedOrUnchanged, Unchanged};

/// What a file must lead to if a part called `name` is missing. The attention mask has no effect on a sequence without
/// padding.
fn refused(name: &str) -> Outcome {
    if name.starts_with("mask.") { RefusedOrUnchanged } else { Refused }
}

type Damage<'a> = &'a dyn Fn(&mut pb::GraphProto);

/// A whole file, and how its damaged copies are checked.
struct Whole {
    model: pb::ModelProto,
    logits: Vec<f32>,
    /// How far logits may be off where they must be unchanged.
    tolerance: f32,
}

fn logits(model: &pb::ModelProto) -> bert8::Result<Vec<f32>> {
    let tokens = Tokens { ids: vec![2, 7, 3, 8, 3], types: vec![0, 0, 0, 1, 1], truncated: false };
    Model::from_bytes(encode_model(model), "damaged.onnx")?.logits(&tokens)
}

impl Whole {
    fn new(bytes: &[u8], tolerance: f32) -> Self {
        let model = decode_model(bytes, "whole.onnx").unwrap();
        let logits = logits(&model).unwrap();
        Whole { model, logits, tolerance }
    }

    /// Applies `damage` to a copy of the file and checks the outcome; `what` describes the damage.
    fn check(&self, what: &str, expected: Outcome, damage: Damage) {
        let mut damaged = self.model.clone();
        damage(damaged.graph.as_mut().unwrap());
        match logits(&damaged) {
            Ok(found) => {
                assert_ne!(expected, Refused, "{what}: was not refused but returned {found:?}");
                assert!(found.iter().all(|logit| logit.is_finite()), "{what}: {found:?}");
                let close = found.iter().zip(&self.logits).all(|(a, b)| (a - b).abs() <= self.tolerance);
                assert!(expected == RefusedOrFinite || close, "{what}: {found:?}, not {:?}", self.logits);
            }
            Err(error) => {
                let error = error.with_sources();
                assert_ne!(expected, Unchanged, "{what}: {error}");
                assert!(error.contains("damaged.onnx") && error.lines().count() == 1, "{what}: {error}");
            }
        }
    }

    /// Damages every node in turn. Nodes of the second layer are like those of the first and are left out.
    fn check_nodes(&self) {
        let nodes = &self.model.graph.as_ref().unwrap().node;
        for (at, node) in nodes.iter().enumerate().filter(|(_, node)| !node.name.contains("layer.1")) {
            let what = |damage: &str| format!("{} ({}) {damage}", node.name, node.op_type);
            let refused = refused(&node.name);
            self.check(&what("without inputs"), refused, &|graph| graph.node[at].input.clear());
            self.check(&what("without outputs"), refused, &|graph| graph.node[at].output.clear());
            if node.input.len() > 1 {
                self.check(&what("with one input"), refused, &|graph| graph.node[at].input.truncate(1));
                let commutes = ["Add", "Mul"].contains(&node.op_type.as_str());
                let reversed = if commutes { Unchanged } else { RefusedOrFinite };
                self.check(&what("with its inputs reversed"), reversed, &|graph| graph.node[at].input.reverse());
            }
            for (index, attribute) in node.attribute.iter().enumerate() {
                // Attributes of other types do not use this field.
                let expected = if attribute.r#type() == AttributeType::Int { RefusedOrFinite } else { Unchanged };
                for value in [-7, 7] {
                    let what = what(&format!("with {} = {value}", attribute.name));
                    self.check(&what, expected, &|graph| graph.node[at].attribute[index].i = value);
                }
            }
        }
    }

    /// Damages every initializer in turn, except those of the second layer.
    fn check_initializers(&self) {
        let initializers = &self.model.graph.as_ref().unwrap().initializer;
        for (at, tensor) in initializers.iter().enumerate().filter(|(_, tensor)| !tensor.name.contains("layer.1")) {
            let what = |damage: &str| format!("{} {damage}", tensor.name);
            let refused = refused(&tensor.name);
            self.check(&what("removed"), refused, &|graph| _ = graph.initializer.remove(at));
            let cut = if tensor.raw_data.len() > 1 { refused } else { Unchanged };
            self.check(&what("cut off after a byte"), cut, &|graph| graph.initializer[at].raw_data.truncate(1));
            // All ones are NaN as floats, and -1 or the largest value as integers.
            let ones = if tensor.data_type == DataType::Float as i32 { refused } else { RefusedOrFinite };
            self.check(&what("of ones"), ones, &|graph| graph.initializer[at].raw_data.fill(0xff));
            self.check(&what("without values"), refused, &|graph| {
                graph.initializer[at].dims = vec![0];
                graph.initializer[at].raw_data.clear();
            });
        }
    }
}

#[test]
fn a_damaged_fp32_model_is_refused_or_returns_finite_logits() {
    // Some of these graphs are no longer fused. They differ in the last bits of floats.
    let whole = Whole::new(&tiny::fp32(), 1e-5);
    whole.check_nodes();
    whole.check_initializers();
}

#[test]
fn a_damaged_int8_model_is_refused_or_returns_finite_logits() {
    // Some of these graphs are no longer fused. They differ in the last bits of floats, which may round an activation to the
    // next integer.
    let whole = Whole::new(tiny::int8(), 2e-2);
    whole.check_nodes();
    whole.check_initializers();
}

#[test]
fn sizes_in_the_metadata_that_no_model_has_are_not_believed() {
    let mut model = decode_model(&tiny::fp32(), "whole.onnx").unwrap();
    let words = |model: &pb::ModelProto| Model::from_bytes(encode_model(model), "m.onnx").unwrap().info().vocab_size;
    let expected = words(&model);
    let entry = model.metadata_props.iter_mut().find(|entry| entry.key == "bert8.config").unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&entry.value).unwrap();
    config["vocab_size"] = 0.into();
    entry.value = config.to_string();
    assert_eq!(words(&model), expected);
}
