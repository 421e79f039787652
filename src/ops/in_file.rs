//! Tensors that tract's parser reads from the model's file, each once, when it comes to them.

use crate::kernels::{PackedWeights, Packer};
use crate::model_file::ModelFile;
use crate::onnx::{InFile, pb};
use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{NodeProto, TensorProto};
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::konst::Const;

/// The operator's name. It has no input. Its attribute `value` is a tensor whose bytes are in the model's file.
pub(super) const OP: &str = "Bert8InFile";

/// Replaces every initializer whose bytes are in the model's file by a node that reads it. tract itself would look for
/// such bytes in the file system.
pub fn in_file_tensors_to_nodes(model: &mut pb::ModelProto) {
    let Some(graph) = model.graph.as_mut() else { return };
    let (in_file, others) =
        std::mem::take(&mut graph.initializer).into_iter().partition::<Vec<_>, _>(|t| InFile::of(t).is_some());
    graph.initializer = others;
    // Old files list their initializers among the inputs.
    graph.input.retain(|input| in_file.iter().all(|tensor| tensor.name != input.name));
    graph.node.extend(in_file.into_iter().map(node));
}

/// The node that reads `tensor`.
fn node(tensor: TensorProto) -> NodeProto {
    NodeProto {
        op_type: OP.to_owned(),
        name: tensor.name.clone(),
        output: vec![tensor.name.clone()],
        attribute: vec![pb::AttributeProto {
            name: "value".to_owned(),
            r#type: pb::attribute_proto::AttributeType::Tensor as i32,
            t: Some(tensor),
            ..Default::default()
        }],
        ..Default::default()
    }
}

thread_local! {
    /// The file of the model that this thread is parsing. tract's parser has no place for it.
    static FILE: RefCell<Option<Rc<ModelFile>>> = const { RefCell::new(None) };
}

/// Runs `work`. Parsers that it calls find tensors in `file`.
pub(super) fn with_file<T>(file: Option<Rc<ModelFile>>, work: impl FnOnce() -> T) -> T {
    struct Reset(Option<Rc<ModelFile>>);
    impl Drop for Reset {
        fn drop(&mut self) {
            FILE.set(self.0.take());
        }
    }
    let _reset = Reset(FILE.replace(file));
    work()
}

/// The current file, if it has the bytes at `range`.
fn file_with(range: &Range<usize>) -> TractResult<Rc<ModelFile>> {
    let file = FILE.with_borrow(Clone::clone).context("the tensor's bytes are in a file that was not passed on")?;
    ensure!(range.end <= file.size(), "the tensor's bytes lie beyond the end of the file");
    Ok(file)
}

/// The raw data of `tensor`, from its message or from the model's file.
pub(super) fn tensor_bytes(tensor: &TensorProto) -> TractResult<Cow<'_, [u8]>> {
    let Some(InFile(range)) = InFile::of(tensor) else { return Ok(Cow::Borrowed(&tensor.raw_data)) };
    let file = file_with(&range)?;
    let mut bytes = vec![0; range.len()];
    file.read(range.start, &mut bytes)?;
    Ok(Cow::Owned(bytes))
}

/// Packs the INT8 weights `tensor` of shape `[K, N]`. Its raw data must have K · N bytes.
pub(super) fn weights(tensor: &TensorProto, [k, n]: [usize; 2]) -> TractResult<Arc<PackedWeights>> {
    let Some(InFile(range)) = InFile::of(tensor) else {
        let mut packer = Packer::new(k, n);
        packer.push(&tensor.raw_data);
        return Ok(packer.finish().into());
    };
    Ok(file_with(&range)?.weights(range, [k, n])?)
}

/// tract's parser for the operator: reads the tensor, which becomes a constant.
pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((Box::new(Const::new(read(node)?.into_arc_tensor())?), vec![]))
}

/// Reads the tensor of the node from the model's file.
fn read(node: &NodeProto) -> TractResult<Tensor> {
    let proto: &TensorProto = node.get_attr("value")?;
    let Some(InFile(range)) = InFile::of(proto) else { bail!("the tensor is not in the model's file") };
    let shape = crate::onnx::raw_tensor_shape(proto).context("the tensor's bytes do not fit its shape")?;
    let element = pb::tensor_proto::DataType::try_from(proto.data_type)?;
    let mut tensor = Tensor::zero_dt(DatumType::try_from(element)?, &shape)?;
    let file = file_with(&range)?;
    file.read(range.start, tensor.as_bytes_mut())?;
    // This node is the tensor's only reader.
    file.forget(&range);
    Ok(tensor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{GraphBuilder, decode_skeleton, encode_model};
    use pb::tensor_proto::DataType;

    #[test]
    fn a_tensor_in_the_file_becomes_a_node_that_reads_it() {
        let values: Vec<f32> = (0..20_000).map(|i| i as f32).collect();
        let mut g = GraphBuilder::new("test");
        g.f32s("large", &[2, 10_000], &values);
        let small = g.f32s("small", &[], &[1.0]);
        g.node("Identity", "y", &[&small], &[]);
        g.output("y", DataType::Float, &[]);
        let file = Rc::new(ModelFile::from(encode_model(&g.finish(&[]))));
        let mut model = decode_skeleton(file.source(), "test.onnx").unwrap();
        in_file_tensors_to_nodes(&mut model);
        let graph = model.graph.unwrap();
        assert_eq!(graph.initializer.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["small"]);
        let node = graph.node.iter().find(|node| node.op_type == OP).unwrap();
        let tensor = with_file(Some(file), || read(node)).unwrap();
        assert_eq!(tensor, Tensor::from_shape(&[2, 10_000], &values).unwrap());
        assert!(read(node).unwrap_err().to_string().contains("not passed on"));
    }
}
