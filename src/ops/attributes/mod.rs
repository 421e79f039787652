//! The attributes of fused nodes: how the emitter writes them and how tract's parser reads them.
//!
//! [`NodeWriter`] and [`NodeReader`] have one method each for every part of a node. The two methods of a part stand
//! side by side, here or in the part's own file.

mod dense;
mod linear;
mod norm;
mod output;
mod table;

use crate::activation::Activation;
use crate::kernels::Kernel;
use crate::onnx::{pb, raw_tensor_shape};
use crate::ops::in_file::tensor_bytes;
use pb::attribute_proto::AttributeType;
use pb::tensor_proto::DataType;
use std::borrow::Cow;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// Writes a fused node.
pub(super) struct NodeWriter(NodeProto);

/// Reads the attributes of a fused node.
pub(super) struct NodeReader<'a>(&'a NodeProto);

/// The names of activations in fused nodes.
const ACTIVATIONS: [(Activation, &str); 3] =
    [(Activation::Gelu, "gelu"), (Activation::GeluTanh, "gelu_tanh"), (Activation::Relu, "relu")];

impl NodeWriter {
    /// A node called like its first output, for `kernel`.
    pub fn new(op: &str, kernel: Kernel, inputs: &[&str], outputs: &[&str]) -> Self {
        let names = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        let node = NodeProto {
            op_type: op.to_owned(),
            name: outputs[0].to_owned(),
            input: names(inputs),
            output: names(outputs),
            ..Default::default()
        };
        NodeWriter(node).string("kernel", kernel.name())
    }

    /// The finished node.
    pub fn finish(self) -> NodeProto {
        self.0
    }

    /// Adds an attribute of type `kind`, whose value `set` sets.
    fn attribute(mut self, name: &str, kind: AttributeType, set: impl FnOnce(&mut pb::AttributeProto)) -> Self {
        let mut attribute = pb::AttributeProto { name: name.to_owned(), r#type: kind as i32, ..Default::default() };
        set(&mut attribute);
        self.0.attribute.push(attribute);
        self
    }

    /// Adds an integer.
    pub fn int(self, name: &str, value: i64) -> Self {
        self.attribute(name, AttributeType::Int, |a| a.i = value)
    }

    /// Adds a number of things.
    pub fn count(self, name: &str, value: usize) -> Self {
        self.int(name, value as i64)
    }

    /// Adds a float.
    pub fn float(self, name: &str, value: f32) -> Self {
        self.attribute(name, AttributeType::Float, |a| a.f = value)
    }

    /// Adds a list of floats.
    fn floats(self, name: &str, values: &[f32]) -> Self {
        self.attribute(name, AttributeType::Floats, |a| a.floats = values.to_vec())
    }

    /// Adds a string.
    fn string(self, name: &str, value: &str) -> Self {
        self.attribute(name, AttributeType::String, |a| a.s = value.as_bytes().to_vec())
    }

    /// Adds a tensor. The attribute only names the initializer, until [`fuse`](super::fuse()) moves the tensor into it.
    pub fn tensor(self, name: &str, tensor: &pb::TensorProto) -> Self {
        self.attribute(name, AttributeType::Tensor, |a| a.s = tensor.name.as_bytes().to_vec())
    }

    /// Adds `activation`, if any.
    pub fn activation(self, activation: Option<Activation>) -> Self {
        let name = ACTIVATIONS.iter().find(|(known, _)| Some(*known) == activation);
        match name {
            Some((_, name)) => self.string("activation", name),
            None => self,
        }
    }
}

impl<'a> NodeReader<'a> {
    /// Reads `node`.
    pub fn new(node: &'a NodeProto) -> Self {
        NodeReader(node)
    }

    /// The kernel that the node was written for.
    pub fn kernel(&self) -> TractResult<Kernel> {
        self.0.get_attr::<&str>("kernel")?.parse().map_err(|problem: String| format_err!(problem))
    }

    /// Whether there is an attribute `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.attribute.iter().any(|attribute| attribute.name == name)
    }

    /// An integer.
    fn int(&self, name: &str) -> TractResult<i64> {
        self.0.get_attr(name)
    }

    /// A number of things.
    pub fn count(&self, name: &str) -> TractResult<usize> {
        Ok(usize::try_from(self.int(name)?)?)
    }

    /// A float.
    pub fn float(&self, name: &str) -> TractResult<f32> {
        self.0.get_attr(name)
    }

    /// A list of floats.
    fn floats(&self, name: &str) -> TractResult<Vec<f32>> {
        self.0.get_attr_vec(name)
    }

    /// A tensor.
    fn tensor(&self, name: &str) -> TractResult<&'a pb::TensorProto> {
        self.0.get_attr(name)
    }

    /// The shape and the raw data of the tensor `name` of element type `kind`.
    fn bytes(&self, name: &str, kind: DataType) -> TractResult<(Vec<usize>, Cow<'a, [u8]>)> {
        let tensor = self.tensor(name)?;
        let shape = raw_tensor_shape(tensor).filter(|_| tensor.data_type == kind as i32);
        let shape = shape.with_context(|| format!("{name} is not a complete {} tensor", kind.as_str_name()))?;
        Ok((shape, tensor_bytes(tensor)?))
    }

    /// The shape and the values of the FP32 tensor `name`.
    fn float_tensor(&self, name: &str) -> TractResult<(Vec<usize>, Vec<f32>)> {
        let (shape, bytes) = self.bytes(name, DataType::Float)?;
        Ok((shape, bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()))
    }

    /// The activation, if any.
    pub fn activation(&self) -> TractResult<Option<Activation>> {
        let Some(name) = self.0.get_attr_opt::<&str>("activation")? else { return Ok(None) };
        let known = ACTIVATIONS.iter().find(|(_, known)| *known == name);
        Ok(Some(known.with_context(|| format!("unknown activation {name}"))?.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_attributes_and_the_kernel_are_read_as_written() {
        for kernel in Kernel::all() {
            let node = NodeWriter::new("Op", kernel, &["a", "b"], &["y", "z"])
                .count("heads", 3)
                .float("scale", 0.5)
                .floats("list", &[1.0, 2.0])
                .finish();
            assert_eq!((&node.name[..], &node.input[..]), ("y", &["a".to_owned(), "b".to_owned()][..]));
            let read = NodeReader::new(&node);
            assert_eq!(read.kernel().unwrap(), kernel);
            assert_eq!(read.count("heads").unwrap(), 3);
            assert_eq!(read.float("scale").unwrap(), 0.5);
            assert_eq!(read.floats("list").unwrap(), [1.0, 2.0]);
            assert!(read.count("other").is_err());
        }
    }

    #[test]
    fn activations_are_read_as_written() {
        let write = || NodeWriter::new("Op", Kernel::SCALAR, &[], &["y"]);
        for activation in [None, Some(Activation::Gelu), Some(Activation::GeluTanh), Some(Activation::Relu)] {
            let node = write().activation(activation).finish();
            assert_eq!(NodeReader::new(&node).activation().unwrap(), activation);
        }
        let unknown = write().string("activation", "swish").finish();
        assert!(NodeReader::new(&unknown).activation().unwrap_err().to_string().contains("swish"));
    }
}
