//! Renames the inputs of a graph to their standard names.

use super::graph::Graph;
use crate::error::{Error, Result};
use crate::onnx::pb;
use pb::attribute_proto::AttributeType;
use pb::tensor_proto::DataType;
use std::collections::HashMap;

const POSITIONS: &str = "position_ids";

/// The role of each graph input.
pub struct Inputs {
    /// The standard name of each input, by its name in the file.
    roles: HashMap<String, &'static str>,
}

impl Inputs {
    /// Takes the inputs with `known` roles, given as `(input, standard name)`. The one that has no role is the attention
    /// mask.
    ///
    /// # Errors
    /// If several inputs have no role.
    pub fn new(graph: &Graph, known: &[(Option<&str>, &'static str)]) -> Result<Inputs> {
        let mut roles: HashMap<String, &'static str> = HashMap::new();
        for input in graph.inputs() {
            let role = known.iter().find(|(name, _)| *name == Some(input)).map_or("attention_mask", |(_, role)| role);
            if let Some((other, _)) = roles.iter().find(|(_, known)| **known == role) {
                let problem = format!("has the inputs `{other}` and `{input}`, but only one of them can be the {role}");
                return Err(Error::file(graph.file_name, problem));
            }
            roles.insert(input.to_owned(), role);
        }
        Ok(Inputs { roles })
    }

    /// Renames the inputs of `model` to their standard names, and computes positions in the graph if they are an input.
    ///
    /// # Errors
    /// If another value has such a name.
    pub fn rename(&self, model: &mut pb::ModelProto, file_name: &str) -> Result<()> {
        let Some(graph) = &mut model.graph else { return Ok(()) };
        for (from, to) in &self.roles {
            let clash = |name: &String| name == to && from != to && !self.roles.contains_key(name);
            let made = || graph.node.iter().flat_map(|node| &node.output);
            if graph.input.iter().map(|input| &input.name).any(clash) || made().any(clash) {
                return Err(Error::file(
                    file_name,
                    format!("has the input `{from}` where `{to}` was expected, and another value `{to}`"),
                ));
            }
        }
        let named = graph.input.iter_mut().map(|i| &mut i.name).chain(graph.node.iter_mut().flat_map(|n| &mut n.input));
        for name in named {
            if let Some(standard) = self.roles.get(name) {
                *name = (*standard).to_owned();
            }
        }
        if let Some(at) = graph.input.iter().position(|input| input.name == POSITIONS) {
            graph.input.remove(at);
            count_positions(graph);
        }
        Ok(())
    }
}

/// Adds nodes to `graph` that make the value `position_ids`: 0, 1, 2, … in every row, in the shape of `input_ids`.
fn count_positions(graph: &mut pb::GraphProto) {
    let name = |part: &str| format!("bert8/{POSITIONS}/{part}");
    for (part, value) in [("zero", 0), ("one", 1)] {
        let data_type = DataType::Int64 as i32;
        graph.initializer.push(pb::TensorProto {
            name: name(part),
            data_type,
            int64_data: vec![value],
            ..Default::default()
        });
    }
    let node = |op: &str, inputs: &[String], output: String| pb::NodeProto {
        op_type: op.to_owned(),
        name: output.clone(),
        input: inputs.to_vec(),
        output: vec![output],
        ..Default::default()
    };
    let axis = pb::AttributeProto { name: "axis".to_owned(), r#type: AttributeType::Int as i32, ..Default::default() };
    let mut length = node("Gather", &[name("shape"), name("one")], name("length"));
    length.attribute.push(axis);
    let nodes = [
        node("Shape", &["input_ids".to_owned()], name("shape")),
        length,
        node("Range", &[name("zero"), name("length"), name("one")], name("row")),
        node("Expand", &[name("row"), name("shape")], POSITIONS.to_owned()),
    ];
    graph.node.splice(0..0, nodes);
}
