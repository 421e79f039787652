//! Writes an ONNX graph node by node.

use super::pb;
use pb::attribute_proto::AttributeType;
use pb::tensor_proto::DataType;
use pb::tensor_shape_proto::{Dimension, dimension};

/// The operator set of every graph that [`GraphBuilder`] writes: the first with LayerNormalization.
const OPSET: i64 = 17;
/// The ONNX intermediate representation version that goes with [`OPSET`].
const IR_VERSION: i64 = 8;

/// A dimension of a graph's input or output.
#[derive(Debug, Clone, Copy)]
pub enum Dim {
    /// A size.
    Fixed(usize),
    /// The name of a size that each run chooses.
    Named(&'static str),
}

/// A node attribute.
#[derive(Debug, Clone)]
pub enum Attribute {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f32),
    /// A list of integers.
    Ints(Vec<i64>),
}

/// Builds an ONNX model. Values are strings; a node's output has the node's name.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    graph: pb::GraphProto,
}

impl GraphBuilder {
    /// An empty graph called `name`.
    pub fn new(name: &str) -> Self {
        GraphBuilder { graph: pb::GraphProto { name: name.to_owned(), ..Default::default() } }
    }

    /// Adds a graph input. Returns its name.
    pub fn input(&mut self, name: &str, element: DataType, dims: &[Dim]) -> String {
        self.graph.input.push(value_info(name, element, dims));
        name.to_owned()
    }

    /// Adds a graph output. A node must make the value `name`.
    pub fn output(&mut self, name: &str, element: DataType, dims: &[Dim]) {
        self.graph.output.push(value_info(name, element, dims));
    }

    /// Adds an initializer from raw little-endian bytes, unless one of that name exists. Returns its name.
    pub fn initializer(&mut self, name: &str, element: DataType, shape: &[usize], raw: Vec<u8>) -> String {
        if !self.graph.initializer.iter().any(|t| t.name == name) {
            self.graph.initializer.push(pb::TensorProto {
                name: name.to_owned(),
                data_type: element as i32,
                dims: shape.iter().map(|&d| d as i64).collect(),
                raw_data: raw,
                ..Default::default()
            });
        }
        name.to_owned()
    }

    /// Adds an FP32 initializer. Returns its name.
    pub fn f32s(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.initializer(name, DataType::Float, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// Adds an INT64 initializer. Returns its name.
    pub fn i64s(&mut self, name: &str, shape: &[usize], values: &[i64]) -> String {
        self.initializer(name, DataType::Int64, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// Adds an INT8 initializer. Returns its name.
    pub fn i8s(&mut self, name: &str, shape: &[usize], values: &[i8]) -> String {
        self.initializer(name, DataType::Int8, shape, values.iter().map(|&v| v as u8).collect())
    }

    /// Adds a UINT8 scalar as an initializer. Returns its name.
    pub fn u8_scalar(&mut self, name: &str, value: u8) -> String {
        self.initializer(name, DataType::Uint8, &[], vec![value])
    }

    /// Adds an INT8 scalar as an initializer. Returns its name.
    pub fn i8_scalar(&mut self, name: &str, value: i8) -> String {
        self.initializer(name, DataType::Int8, &[], vec![value as u8])
    }

    /// Adds an FP32 scalar as an initializer. Returns its name.
    pub fn f32_scalar(&mut self, name: &str, value: f32) -> String {
        self.f32s(name, &[], &[value])
    }

    /// Adds a node with one output. Both are called `name`, which is returned.
    pub fn node(&mut self, op: &str, name: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        self.graph.node.push(pb::NodeProto {
            op_type: op.to_owned(),
            name: name.to_owned(),
            input: inputs.iter().map(|&i| i.to_owned()).collect(),
            output: vec![name.to_owned()],
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
            ..Default::default()
        });
        name.to_owned()
    }

    /// Returns the model, with `metadata` as its key-value properties.
    pub fn finish(self, metadata: &[(&str, String)]) -> pb::ModelProto {
        pb::ModelProto {
            ir_version: IR_VERSION,
            producer_name: env!("CARGO_PKG_NAME").to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            opset_import: vec![pb::OperatorSetIdProto { domain: String::new(), version: OPSET }],
            metadata_props: metadata
                .iter()
                .map(|(key, value)| pb::StringStringEntryProto { key: (*key).to_owned(), value: value.clone() })
                .collect(),
            graph: Some(self.graph),
            ..Default::default()
        }
    }
}

fn attribute(name: &str, value: &Attribute) -> pb::AttributeProto {
    let mut proto = pb::AttributeProto { name: name.to_owned(), ..Default::default() };
    match value {
        Attribute::Int(i) => {
            proto.i = *i;
            proto.r#type = AttributeType::Int as i32;
        }
        Attribute::Float(f) => {
            proto.f = *f;
            proto.r#type = AttributeType::Float as i32;
        }
        Attribute::Ints(ints) => {
            proto.ints = ints.clone();
            proto.r#type = AttributeType::Ints as i32;
        }
    }
    proto
}

fn value_info(name: &str, element: DataType, dims: &[Dim]) -> pb::ValueInfoProto {
    let dim = dims
        .iter()
        .map(|d| Dimension {
            value: Some(match d {
                Dim::Fixed(n) => dimension::Value::DimValue(*n as i64),
                Dim::Named(s) => dimension::Value::DimParam((*s).to_owned()),
            }),
            ..Default::default()
        })
        .collect();
    let tensor = pb::type_proto::Tensor { elem_type: element as i32, shape: Some(pb::TensorShapeProto { dim }) };
    pb::ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(pb::TypeProto { value: Some(pb::type_proto::Value::TensorType(tensor)), ..Default::default() }),
        ..Default::default()
    }
}
