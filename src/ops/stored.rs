//! Tensors that tract gets from the model's source when it parses the graph, each once.

use crate::kernels::{BAND, PackedWeights, Packing};
use crate::onnx::{Source, Stored, pb};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use tract_onnx::data_resolver::ModelDataResolver;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{NodeProto, TensorProto};
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::konst::Const;

/// The operator's name. No input; attribute: `value`, a tensor whose bytes are in the model's source.
pub(super) const OP: &str = "Bert8Stored";

/// Bytes copied at a time.
const PIECE: usize = 1 << 20;

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

/// Lets tract's parser read a model's source.
pub(super) struct SourceResolver(pub(super) Option<Arc<dyn Source>>);

impl ModelDataResolver for SourceResolver {
    fn read_bytes_from_path(
        &self,
        buf: &mut Vec<u8>,
        _: &Path,
        offset: usize,
        length: Option<usize>,
    ) -> TractResult<()> {
        let (Some(source), Some(length)) = (&self.0, length) else { bail!("the tensor's bytes are not at hand") };
        let end = offset.checked_add(length).filter(|&end| end <= source.size());
        ensure!(end.is_some(), "the tensor's bytes lie beyond the end of the file");
        buf.resize(length, 0);
        Ok(source.read(offset, buf)?)
    }
}

/// The raw bytes of `tensor`, from its message or from the model's source.
pub(super) fn tensor_bytes<'a>(ctx: &ParsingContext, tensor: &'a TensorProto) -> TractResult<Cow<'a, [u8]>> {
    let Some(Stored(range)) = Stored::of(tensor) else { return Ok(Cow::Borrowed(&tensor.raw_data)) };
    let mut bytes = Vec::new();
    ctx.framework.provider.read_bytes_from_path(&mut bytes, Path::new(""), range.start, Some(range.len()))?;
    Ok(Cow::Owned(bytes))
}

/// The weights `tensor`, whose bytes are as many as the `[k, n]` INT8 values of its shape.
pub(super) fn packed(ctx: &ParsingContext, tensor: &TensorProto, [k, n]: [usize; 2]) -> TractResult<PackedWeights> {
    let mut packing = Packing::new(k, n);
    let Some(Stored(range)) = Stored::of(tensor) else {
        packing.push(&tensor.raw_data);
        return Ok(packing.finish());
    };
    let mut band = Vec::new();
    for start in range.clone().step_by(BAND * n) {
        let len = (BAND * n).min(range.end - start);
        ctx.framework.provider.read_bytes_from_path(&mut band, Path::new(""), start, Some(len))?;
        packing.push(&band);
    }
    Ok(packing.finish())
}

pub(super) fn parse(ctx: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let proto: &TensorProto = node.get_attr("value")?;
    let Some(Stored(range)) = Stored::of(proto) else { bail!("the tensor is not in the model's source") };
    let shape = crate::onnx::raw_tensor_shape(proto).context("the tensor is not as long as its shape needs")?;
    let element = pb::tensor_proto::DataType::try_from(proto.data_type)?;
    let mut tensor = Tensor::zero_dt(DatumType::try_from(element)?, &shape)?;
    let mut piece = Vec::new();
    for (at, bytes) in range.step_by(PIECE).zip(tensor.as_bytes_mut().chunks_mut(PIECE)) {
        piece.clear();
        ctx.framework.provider.read_bytes_from_path(&mut piece, Path::new(""), at, Some(bytes.len()))?;
        bytes.copy_from_slice(&piece);
    }
    Ok((Box::new(Const::new(tensor.into_arc_tensor())?), vec![]))
}
