//! Residual sum and LayerNorm.

use super::row_op::{RowOp, parsed, values};
use crate::kernels::rows::layer_norm;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The operator's name in the fused graph. Inputs: FP32 `[…, H]`, and FP32 of the same shape or its last dimensions (position
/// embeddings are the same for all sequences of a batch). Attributes: `gamma`, `beta` (H floats each),
/// `epsilon`.
pub(super) const OP: &str = "Bert8AddLayerNorm";

pub(super) fn parse(_ctx: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let gamma: Vec<f32> = node.get_attr_vec("gamma")?;
    let beta: Vec<f32> = node.get_attr_vec("beta")?;
    ensure!(gamma.len() == beta.len() && !gamma.is_empty(), "gamma and beta differ in length");
    parsed(AddLayerNorm { gamma, beta, epsilon: node.get_attr("epsilon")? })
}

#[derive(Debug)]
struct AddLayerNorm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
    epsilon: f32,
}

impl RowOp for AddLayerNorm {
    fn name(&self) -> &'static str {
        OP
    }

    fn input_types(&self) -> Vec<DatumType> {
        vec![DatumType::F32; 2]
    }

    fn output(&self) -> (DatumType, Option<usize>) {
        (DatumType::F32, None)
    }

    fn run(&self, inputs: &[TValue], output: &mut Tensor) -> TractResult<()> {
        let (shape, suffix) = (inputs[0].shape(), inputs[1].shape());
        ensure!(shape.ends_with(suffix), "cannot add a tensor of shape {suffix:?} to one of shape {shape:?}");
        ensure!(shape.last() == Some(&self.gamma.len()), "expected rows of {} features", self.gamma.len());
        let (a, b) = (values::<f32>(&inputs[0])?, values::<f32>(&inputs[1])?);
        let mut out = output.try_as_plain_ram_mut()?;
        let out = out.as_slice_mut::<f32>()?;
        let size = b.len().max(1);
        for (out, a) in out.chunks_exact_mut(size).zip(a.chunks_exact(size)) {
            for ((sum, a), b) in out.iter_mut().zip(a).zip(b) {
                *sum = a + b;
            }
        }
        for row in out.chunks_exact_mut(self.gamma.len()) {
            layer_norm(row, &self.gamma, &self.beta, self.epsilon);
        }
        Ok(())
    }
}
