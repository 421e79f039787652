//! Tensors that tract gets from the model's source when it parses the graph, each once.

use crate::kernels::{PackedWeights, Packer};
use crate::model_file::ModelFile;
use crate::onnx::{Stored, pb};
use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{NodeProto, TensorProto};
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::konst::Const;

/// The operator's name. No input; attribute: `value`, a tensor whose bytes are in the model's source.
pub(super) const OP: &str = "Bert8Stored";

/// Puts a node that reads the tensor in the place of every initializer of `model` whose bytes are in its source. tract
/// itself finds such bytes only through a file system.
pub fn read_when_parsed(model: &mut pb::ModelProto) {
    let Some(graph) = model.graph.as_mut() else { return };
    let (stored, kept) =
        std::mem::take(&mut graph.initializer).into_iter().partition::<Vec<_>, _>(|t| Stored::of(t).is_some());
    graph.initializer = kept;
    // Old files list their initializers among the inputs.
    graph.input.retain(|input| stored.iter().all(|tensor| tensor.name != input.name));
    graph.node.extend(stored.into_iter().map(|tensor| NodeProto {
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
    }));
}

thread_local! {
    /// That of the model that this thread's parser is at: tract lets a parser read files, but knows of no other place.
    static FILE: RefCell<Option<Rc<ModelFile>>> = const { RefCell::new(None) };
}

/// Does `work`, in which parsers find the tensors that are in `file`.
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

/// The file that has the bytes at `range`.
fn file_with(range: &Range<usize>) -> TractResult<Rc<ModelFile>> {
    let file = FILE.with_borrow(Clone::clone).context("the tensor's bytes are not at hand")?;
    ensure!(range.end <= file.size(), "the tensor's bytes lie beyond the end of the file");
    Ok(file)
}

/// The raw bytes of `tensor`, from its message or from the model's file.
pub(super) fn tensor_bytes(tensor: &TensorProto) -> TractResult<Cow<'_, [u8]>> {
    let Some(Stored(range)) = Stored::of(tensor) else { return Ok(Cow::Borrowed(&tensor.raw_data)) };
    let file = file_with(&range)?;
    let mut bytes = vec![0; range.len()];
    file.read(range.start, &mut bytes)?;
    Ok(Cow::Owned(bytes))
}

/// The weights `tensor` of the INT8 `shape`, rows and columns, for which it has as many bytes as that needs.
pub(super) fn weights(tensor: &TensorProto, shape: [usize; 2]) -> TractResult<Arc<PackedWeights>> {
    let Some(Stored(range)) = Stored::of(tensor) else {
        let mut packing = Packer::new(shape[0], shape[1]);
        packing.push(&tensor.raw_data);
        return Ok(packing.finish().into());
    };
    Ok(file_with(&range)?.weights(range, shape)?)
}

pub(super) fn parse(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let proto: &TensorProto = node.get_attr("value")?;
    let Some(Stored(range)) = Stored::of(proto) else { bail!("the tensor is not in the model's source") };
    let shape = crate::onnx::raw_tensor_shape(proto).context("the tensor is not as long as its shape needs")?;
    let element = pb::tensor_proto::DataType::try_from(proto.data_type)?;
    let mut tensor = Tensor::zero_dt(DatumType::try_from(element)?, &shape)?;
    let file = file_with(&range)?;
    file.read(range.start, tensor.as_bytes_mut())?;
    // An initializer has one such node, and no other reader.
    file.forget(&range);
    Ok((Box::new(Const::new(tensor.into_arc_tensor())?), vec![]))
}
