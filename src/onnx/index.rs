//! Look-ups in a graph: the node that makes a value, the constant that a value is, the attributes of a node.

use super::pb;
use crate::error::Error;
use pb::attribute_proto::AttributeType;
use std::collections::HashMap;

/// The values of a graph by name.
#[derive(Debug)]
pub struct GraphIndex<'a> {
    graph: &'a pb::GraphProto,
    producer: HashMap<&'a str, usize>,
    initializers: HashMap<&'a str, &'a pb::TensorProto>,
}

impl<'a> GraphIndex<'a> {
    /// Indexes `graph`.
    pub fn new(graph: &'a pb::GraphProto) -> Self {
        let mut producer = HashMap::new();
        for (at, node) in graph.node.iter().enumerate() {
            for output in node.output.iter().filter(|o| !o.is_empty()) {
                producer.insert(output.as_str(), at);
            }
        }
        let initializers = graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect();
        GraphIndex { graph, producer, initializers }
    }

    /// The indexed graph.
    pub fn graph(&self) -> &'a pb::GraphProto {
        self.graph
    }

    /// The initializer called `value`, if any.
    pub fn initializer(&self, value: &str) -> Option<&'a pb::TensorProto> {
        self.initializers.get(value).copied()
    }

    /// The position of the node that makes `value`, or `None` for inputs and initializers.
    pub fn producer_at(&self, value: &str) -> Option<usize> {
        self.producer.get(value).copied()
    }

    /// The node that makes `value`, or `None` for inputs and initializers.
    pub fn producer(&self, value: &str) -> Option<&'a pb::NodeProto> {
        self.producer_at(value).map(|at| &self.graph.node[at])
    }

    /// Whether every node comes after the nodes whose outputs it reads. Such a graph has no cycles.
    pub fn is_in_order(&self) -> bool {
        let before = |at: usize, input: &String| self.producer_at(input).is_none_or(|producer| producer < at);
        self.graph.node.iter().enumerate().all(|(at, node)| node.input.iter().all(|input| before(at, input)))
    }

    /// The constant that `value` is: an initializer or the tensor of a Constant node, through any number of Identity
    /// nodes.
    pub fn constant(&self, value: &str) -> Option<&'a pb::TensorProto> {
        let mut value = value;
        // At most one step per node, in case a damaged graph has a cycle.
        for _ in 0..=self.graph.node.len() {
            if let Some(tensor) = self.initializer(value) {
                return Some(tensor);
            }
            let node = self.producer(value)?;
            match node.op_type.as_str() {
                "Identity" => value = node.input.first()?,
                "Constant" => return attribute(node, "value")?.t.as_ref(),
                _ => return None,
            }
        }
        None
    }
}

/// The attribute of `node` called `name`, if any.
pub fn attribute<'a>(node: &'a pb::NodeProto, name: &str) -> Option<&'a pb::AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}

/// The integer attribute of `node` called `name`, or `default` if it is absent.
pub fn attribute_int(node: &pb::NodeProto, name: &str, default: i64) -> i64 {
    attribute(node, name).filter(|a| a.r#type == AttributeType::Int as i32).map_or(default, |a| a.i)
}

/// The float attribute of `node` called `name`, or `default` if it is absent.
pub fn attribute_float(node: &pb::NodeProto, name: &str, default: f32) -> f32 {
    attribute(node, name).filter(|a| a.r#type == AttributeType::Float as i32).map_or(default, |a| a.f)
}

/// Whether the `perm` of the Transpose `node` is a permutation. Without `perm`, Transpose reverses the axes.
pub fn is_permutation(node: &pb::NodeProto) -> bool {
    attribute(node, "perm").is_none_or(|perm| (0..perm.ints.len() as i64).all(|axis| perm.ints.contains(&axis)))
}

/// The name of `node` for errors: its own, or that of its first output if it has none.
pub(crate) fn node_label(node: &pb::NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name }
}

/// An [`Error::Node`] at `node`. `file_name` is that of the model.
pub fn node_error(file_name: &str, node: &pb::NodeProto, problem: impl Into<String>) -> Error {
    Error::Node {
        file: file_name.to_owned(),
        node: node_label(node).to_owned(),
        op: node.op_type.clone(),
        problem: problem.into(),
    }
}
